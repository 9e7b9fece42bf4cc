/** One process that serves: database, replicas, sweeper, HTTP. */
import { randomBytes } from 'node:crypto';
import { assemble } from './app.module.js';
import type { Assembly, Parts } from './app.module.js';
import { systemClock } from './clock.js';
import { authenticationMethods } from './config.js';
import type { Config } from './config.js';
import { PembaError } from './errors.js';
import { findSystemStore } from './identity/system-store.js';
import type { Engine } from './operations/engine.js';
import { serve } from './server.js';
import type { Server } from './server.js';
import { say } from './started.js';
import type { Started } from './started.js';
import { Database } from './storage/database.js';
import type { DatabaseAddress } from './storage/database.js';
import { startEmbeddedPostgres } from './storage/embedded/postgres.js';
import { createLog } from './telemetry/log.js';

export async function openDatabase(
  config: Config,
  address: DatabaseAddress,
  started: Started,
): Promise<Database> {
  const database = await Database.connect({
    address,
    poolSize: config.databasePool,
    timeoutMs: config.databaseTimeoutMs,
  }).catch((error: unknown) => {
    throw unreachable(config, error);
  });
  started.add(() => database.close());
  return database;
}

export async function addressOf(config: Config, started: Started): Promise<DatabaseAddress> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl };
  const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log: say });
  started.add(() => postgres.stop());
  return postgres.connection;
}

export const partsOf = (config: Config, database: Database, workerNumber?: number): Parts => ({
  config,
  clock: systemClock,
  random: randomBytes,
  log: createLog(config.logLevel),
  database,
  workerNumber,
});

/** The system store, where callers are authenticated, has been prepared. */
export async function assembleService(parts: Parts, engine: Engine): Promise<Assembly> {
  const isOn = authenticationMethods(parts.config).size > 0;
  return assemble(parts, engine, isOn ? await findSystemStore(engine) : undefined);
}

export async function startService(assembly: Assembly, started: Started): Promise<Server> {
  const { replicas, sweeper, rollout, readiness, decisionLog, signing } = assembly;
  if (decisionLog !== undefined) {
    await decisionLog.start();
    started.add(() => decisionLog.stop());
  }
  const { tokens, assertions } = assembly.identity;
  tokens?.start();
  assertions.start();
  started.add(() => assertions.stop());
  if (tokens !== undefined) started.add(() => tokens.stop());
  await signing.start();
  started.add(() => signing.stop());
  replicas.start();
  started.add(() => replicas.stop());
  sweeper.start();
  started.add(() => sweeper.stop());
  const { revocations } = assembly.delegation;
  revocations.start();
  started.add(() => revocations.stop());
  await rollout.start();
  started.add(() => rollout.stop());
  const server = await serve(assembly);
  started.add(() => server.close());
  started.add(() => {
    readiness.drain();
    return Promise.resolve();
  });
  return server;
}

/** Without the password that the URL may hold. */
function unreachable({ databaseUrl }: Config, error: unknown): unknown {
  if (databaseUrl === undefined) return error;
  const cause = error instanceof PembaError ? error.cause : error;
  const reason = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : '';
  return new PembaError(
    'cannot_start',
    `The database ${placeOf(databaseUrl)} cannot be reached${reason}.`,
    { cause: error },
  );
}

function placeOf(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'of DATABASE_URL';
  const { host, pathname } = new URL(databaseUrl);
  return `at ${host}${pathname}`;
}
