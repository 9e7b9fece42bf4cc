/**
 * Start, signals, ordered shutdown.
 *
 *   start:  configuration → database → migrations → replicas → example store → HTTP → "answers at"
 *   stop:   not ready → HTTP finishes what is in flight → background work → database
 */
import type { Assembly } from './app.module.js';
import { assemble } from './app.module.js';
import { systemClock } from './clock.js';
import { loadConfig } from './config.js';
import type { Config } from './config.js';
import { PembaError } from './errors.js';
import type { StoreId } from './ids.js';
import { exampleStore } from './operations/example-store.js';
import { serve } from './server.js';
import { Database } from './storage/database.js';
import type { DatabaseAddress } from './storage/database.js';
import { startEmbeddedPostgres } from './storage/embedded-postgres.js';
import { migrate } from './storage/migrations.js';
import { createLog } from './telemetry/log.js';

/** What was started, to be stopped in the opposite order. */
class Started {
  readonly #closers: (() => Promise<void>)[] = [];
  /** For all of it; until the configuration says otherwise, time enough to stop a database. */
  timeoutMs = 60_000;

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }
}

async function start(started: Started): Promise<void> {
  const config = loadConfig(process.env);
  started.timeoutMs = config.shutdownTimeoutMs;
  const database = await openDatabase(config, started);
  await migrate(database);
  const assembly = assemble({
    config,
    clock: systemClock,
    log: createLog(config.logLevel),
    database,
  });
  const { replicas, sweeper, readiness } = assembly;
  replicas.start();
  started.add(() => replicas.stop());
  sweeper.start();
  started.add(() => sweeper.stop());
  const example = config.exampleStore ? await exampleStore(assembly.engine) : undefined;
  const server = await serve(assembly);
  started.add(() => server.close());
  started.add(() => {
    readiness.drain();
    return Promise.resolve();
  });
  announce(server.url, assembly, example);
}

async function openDatabase(config: Config, started: Started): Promise<Database> {
  const address = await addressOf(config, started);
  const options = {
    address,
    poolSize: config.databasePool,
    timeoutMs: config.databaseTimeoutMs,
  };
  const database = await Database.connect(options).catch((error: unknown) => {
    throw unreachable(config, error);
  });
  started.add(() => database.close());
  return database;
}

async function addressOf(config: Config, started: Started): Promise<DatabaseAddress> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl };
  const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log: say });
  started.add(() => postgres.stop());
  return postgres.connection;
}

/** Without the password that the URL may hold. */
function unreachable({ databaseUrl }: Config, error: unknown): unknown {
  if (databaseUrl === undefined) return error;
  const url = new URL(databaseUrl);
  const cause = error instanceof PembaError ? error.cause : error;
  const reason = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : '';
  return new PembaError(
    'cannot_start',
    `The database at ${url.hostname}${url.port && `:${url.port}`}${url.pathname} ` +
      `cannot be reached${reason}.`,
    { cause: error },
  );
}

function announce(url: string, { config }: Assembly, example: StoreId | undefined): void {
  say(`Pemba answers at ${url} (OpenFGA's HTTP API; ${url}/openapi.json describes it)`);
  if (config.insecureAllowRemote)
    say('Callers are not authenticated: whoever gets there may do all.');
  if (example === undefined) return;
  const curl = (user: string): string =>
    `  curl -s ${url}/stores/${example}/check -H 'content-type: application/json' \\\n` +
    `    -d '{"tuple_key":{"user":"${user}","relation":"can_view","object":"order:1001"}}'`;
  say(`Anne may view her order:\n${curl('user:anne')}\nDave may not:\n${curl('user:dave')}`);
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** A second signal does not wait for anything. */
function stopOnSignals(started: Started): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    say(`${signal}: finishing what is in flight`);
    const timer = setTimeout(() => process.exit(1), started.timeoutMs);
    timer.unref();
    started.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

const started = new Started();
stopOnSignals(started);
try {
  await start(started);
} catch (error) {
  await started.close().catch(() => undefined);
  const isExpected = error instanceof PembaError && error.code === 'cannot_start';
  process.stderr.write(
    isExpected ? `${error.message}\n` : `Pemba cannot start: ${String(error)}\n`,
  );
  process.exit(1);
}
