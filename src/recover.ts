/** What is done where the database is, with no server in between. */
import { randomBytes } from 'node:crypto';
import { createEngine } from './app.module.js';
import { isAudited, loadConfig } from './config.js';
import { ApiKeys } from './identity/api-keys.js';
import { administratorKey } from './identity/bootstrap-key.js';
import { SystemGraph } from './identity/system-graph.js';
import { findSystemStore, prepareSystemStore } from './identity/system-store.js';
import type { Engine } from './operations/engine.js';
import { addressOf, openDatabase, partsOf } from './service.js';
import { Started } from './started.js';
import { appendDeeds } from './storage/audit.js';
import { OURSELVES } from './storage/audit-chain.js';
import { migrate, pendingMigrations } from './storage/migrations.js';
import { changeSigningKeys } from './storage/signing-keys.js';

/** An administrator's key. */
export const recoverKey = (env: NodeJS.ProcessEnv, label: string): Promise<string> =>
  atDatabase(env, async (engine) => {
    const graph = new SystemGraph(engine, await prepareSystemStore(engine));
    const { key } = await administratorKey(new ApiKeys(engine, graph, randomBytes), label);
    return key;
  });

/**
 * Removes the signing keys, whose master key is lost; returns their ids. What they have signed is
 * refused, and the next start makes others.
 */
export const resetSigningKeys = (env: NodeJS.ProcessEnv): Promise<readonly string[]> =>
  atDatabase(env, async (engine) => {
    const { database, config, clock } = engine;
    const systemStore = isAudited(config) ? await findSystemStore(engine) : undefined;
    let removed: readonly string[] = [];
    await changeSigningKeys(
      database,
      () => [],
      async (session, before) => {
        removed = before.map(({ id }) => id);
        if (systemStore === undefined || removed.length === 0) return;
        const details = { kid: removed };
        const deed = { action: 'signing_key.drop', by: OURSELVES, details } as const;
        await appendDeeds(session, systemStore, [deed], new Date(clock.now()));
      },
    );
    return removed;
  });

/** Returns the migrations that were run, or that would be. */
export async function migrateDatabase(
  env: NodeJS.ProcessEnv,
  isDry: boolean,
): Promise<readonly string[]> {
  const started = new Started();
  try {
    const config = loadConfig({ ...env, PEMBA_LOG_LEVEL: 'silent' });
    const database = await openDatabase(config, await addressOf(config, started), started);
    return await (isDry ? pendingMigrations(database) : migrate(database));
  } finally {
    await started.close();
  }
}

async function atDatabase<Result>(
  env: NodeJS.ProcessEnv,
  work: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const started = new Started();
  try {
    const config = loadConfig({ ...env, PEMBA_LOG_LEVEL: 'silent' });
    const database = await openDatabase(config, await addressOf(config, started), started);
    await migrate(database);
    return await work(createEngine(partsOf(config, database)));
  } finally {
    await started.close();
  }
}
