/** An administrator's key, made where the database is, for whoever has lost theirs. */
import { createEngine } from './app.module.js';
import { loadConfig } from './config.js';
import { ApiKeys } from './identity/api-keys.js';
import { administratorKey } from './identity/bootstrap-key.js';
import { SystemGraph } from './identity/system-graph.js';
import { prepareSystemStore } from './identity/system-store.js';
import { addressOf, openDatabase, partsOf } from './service.js';
import { Started } from './started.js';
import { migrate } from './storage/migrations.js';

export async function recoverKey(env: NodeJS.ProcessEnv, label: string): Promise<string> {
  const started = new Started();
  try {
    const config = loadConfig({ ...env, PEMBA_LOG_LEVEL: 'silent' });
    const database = await openDatabase(config, await addressOf(config, started), started);
    await migrate(database);
    const parts = partsOf(config, database);
    const engine = createEngine(parts);
    const graph = new SystemGraph(engine, await prepareSystemStore(engine));
    const { key } = await administratorKey(new ApiKeys(engine, graph, parts.random), label);
    return key;
  } finally {
    await started.close();
  }
}
