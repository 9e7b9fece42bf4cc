/**
 * Start, signals, ordered shutdown.
 *
 *   start:  configuration → database → migrations → example store → replicas, HTTP → "answers at"
 *   stop:   not ready → HTTP finishes what is in flight → background work → database
 *
 * With PEMBA_WORKERS above 1 this process is the primary and others serve (`workers.ts`).
 */
import { createEngine } from './app.module.js';
import type { Assembly } from './app.module.js';
import { authenticationMethods, loadConfig, workerCount } from './config.js';
import type { Config } from './config.js';
import { PembaError } from './errors.js';
import type { CreatedKey } from './identity/api-keys.js';
import { grantAdministrators } from './identity/administrators.js';
import { bootstrapKey } from './identity/bootstrap-key.js';
import { prepareSystemStore } from './identity/system-store.js';
import type { StoreId } from './ids.js';
import { exampleStore } from './operations/example-store.js';
import { addressOf, assembleService, openDatabase, partsOf, startService } from './service.js';
import { Started, say, stopOnSignals } from './started.js';
import type { DatabaseAddress } from './storage/database.js';
import { migrate } from './storage/migrations.js';
import { announceReady, joinMetrics, endWorkers, startWorkers } from './workers.js';
import { workerAddress, workerNumber } from './workers.js';

async function start(started: Started): Promise<void> {
  const config = loadConfig(process.env);
  started.timeoutMs = config.shutdownTimeoutMs;
  const given = workerAddress(process.env);
  if (given !== undefined) {
    const database = await openDatabase(config, given, started);
    const parts = partsOf(config, database, workerNumber(process.env));
    const assembly = await assembleService(parts, createEngine(parts));
    assembly.metrics.renderAll = joinMetrics(assembly.metrics.registry);
    announceReady((await startService(assembly, started)).url);
    return;
  }
  const address = await addressOf(config, started);
  const database = await openDatabase(config, address, started);
  await migrate(database);
  const parts = partsOf(config, database);
  const engine = createEngine(parts);
  const methods = authenticationMethods(config);
  const isOn = methods.size > 0;
  if (isOn) await grantAdministrators(engine, await prepareSystemStore(engine));
  const assembly = await assembleService(parts, engine);
  const { keys } = assembly.identity;
  const firstKey = methods.has('keys') && keys ? await bootstrapKey(engine, keys) : undefined;
  const example = config.exampleStore ? await exampleStore(engine) : undefined;
  const url =
    workerCount(config) > 1
      ? await serveByWorkers(config, address, assembly, started)
      : (await startService(assembly, started)).url;
  announce(url, firstKey, isOn ? undefined : example);
}

async function serveByWorkers(
  config: Config,
  address: DatabaseAddress,
  { log }: Assembly,
  started: Started,
): Promise<string> {
  started.add(endWorkers);
  const workers = await startWorkers({
    count: workerCount(config),
    address,
    onDeath: (what) => {
      log.error(what);
    },
  });
  started.add(() => workers.close());
  return workers.url;
}

function announce(
  url: string,
  firstKey: CreatedKey | undefined,
  example: StoreId | undefined,
): void {
  say(`Pemba answers at ${url} (OpenFGA's HTTP API; ${url}/openapi.json describes it)`);
  if (firstKey !== undefined) {
    say(
      `The first administrator's key, which is not shown again:\n  ${firstKey.key}\n` +
        `Try it:\n  curl -s ${url}/stores -H 'authorization: Bearer ${firstKey.key}'`,
    );
  }
  if (example === undefined) return;
  const curl = (user: string): string =>
    `  curl -s ${url}/stores/${example}/check -H 'content-type: application/json' \\\n` +
    `    -d '{"tuple_key":{"user":"${user}","relation":"can_view","object":"order:1001"}}'`;
  say(`Anne may view her order:\n${curl('user:anne')}\nDave may not:\n${curl('user:dave')}`);
}

const started = new Started();
stopOnSignals(started, { isQuiet: workerAddress(process.env) !== undefined });
try {
  await start(started);
} catch (error) {
  // Whoever was told to stop in the middle of starting has an exit of its own under way.
  if (started.isStopping) await new Promise(() => undefined);
  await started.close().catch(() => undefined);
  const isExpected = error instanceof PembaError && error.code === 'cannot_start';
  process.stderr.write(
    isExpected ? `${error.message}\n` : `Pemba cannot start: ${String(error)}\n`,
  );
  process.exit(1);
}
