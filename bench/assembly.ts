/** The service without HTTP, as `main.ts` puts it together. */
import { pino } from 'pino';
import { randomBytes } from 'node:crypto';
import { createEngine } from '../src/app.module.js';
import { systemClock } from '../src/clock.js';
import { loadConfig } from '../src/config.js';
import type { ModelId, StoreId } from '../src/ids.js';
import type { Engine } from '../src/operations/engine.js';
import { writeModel } from '../src/operations/models.js';
import { createStore } from '../src/operations/stores.js';
import { modelFromDsl } from '../src/schema/dsl.js';
import { Database } from '../src/storage/database.js';
import { SCHEMA } from './data.js';

export interface OpenAssembly {
  readonly engine: Engine;
  readonly close: () => Promise<void>;
}

/** A benchmark on a slow machine is slow, and that is all. */
const PATIENCE_MS = 600_000;

export async function openAssembly(url: string): Promise<OpenAssembly> {
  const config = loadConfig({
    DATABASE_URL: url,
    PEMBA_DATABASE_TIMEOUT_MS: String(PATIENCE_MS),
  });
  const database = await Database.connect({
    address: { url },
    poolSize: config.databasePool,
    timeoutMs: config.databaseTimeoutMs,
  });
  const log = pino({ level: 'warn' });
  const engine = createEngine({ config, clock: systemClock, random: randomBytes, log, database });
  const { replicas } = engine;
  replicas.start();
  return {
    engine,
    async close() {
      await replicas.stop();
      await database.close();
    },
  };
}

export interface BenchStore {
  readonly storeId: StoreId;
  readonly modelId: ModelId;
}

/** A store with the world's model and no tuple yet. */
export async function newStore(engine: Engine): Promise<BenchStore> {
  const { id: storeId } = await createStore(engine, 'bench');
  const { id: modelId } = await writeModel(engine, storeId, modelFromDsl(SCHEMA));
  return { storeId, modelId };
}
