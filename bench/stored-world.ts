/** The world in PostgreSQL, put there by the bulk path. */
import { ChunkRows } from '../src/storage/chunk-rows.js';
import { importChunk } from '../src/storage/import-tuples.js';
import type { Database } from '../src/storage/database.js';
import { formatTupleKey } from '../src/tuple/tuple.js';
import type { RelationTuple } from '../src/tuple/tuple.js';
import { newStore, openAssembly } from './assembly.js';
import type { BenchStore } from './assembly.js';
import { tuplesOf } from './data.js';
import type { Ground } from './ground.js';
import { SEED } from './scale.js';

export interface StoredWorld extends BenchStore {
  readonly url: string;
  readonly tuples: number;
}

export const CHUNK = 10_000;

export async function storeWorld(ground: Ground): Promise<StoredWorld> {
  ground.say('importing the world into PostgreSQL …');
  const url = await ground.database('world');
  const { engine, close } = await openAssembly(url);
  try {
    const store = await newStore(engine);
    for (const chunk of chunks(tuplesOf(ground.scale.size, SEED), CHUNK)) {
      await importChunk(engine.database, store.storeId, ChunkRows.of(chunk), new Date());
    }
    // What autovacuum would do some time later, in the middle of a measurement.
    await engine.database.withClient(async (client) => {
      await client.query('SET statement_timeout = 0');
      await client.query('VACUUM (ANALYZE)');
      await client.query('CHECKPOINT');
      await client.query('RESET statement_timeout');
    });
    return { url, tuples: await countTuples(engine.database), ...store };
  } finally {
    await close();
  }
}

async function countTuples(database: Database): Promise<number> {
  const [row] = await database.query('SELECT count(*) AS tuples FROM relation_tuple');
  return Number(row?.['tuples']);
}

/** A random world repeats some tuples; a chunk does not. */
function* chunks(
  tuples: Iterable<RelationTuple>,
  size: number,
): Generator<readonly RelationTuple[]> {
  const chunk = new Map<string, RelationTuple>();
  for (const tuple of tuples) {
    chunk.set(formatTupleKey(tuple), tuple);
    if (chunk.size < size) continue;
    yield [...chunk.values()];
    chunk.clear();
  }
  if (chunk.size > 0) yield [...chunk.values()];
}
