/** Reads a store's snapshot once in a fresh process, into a graph or to nowhere. */
import { to as copyTo } from 'pg-copy-streams';
import { ResidentGraph } from '../src/graph/resident.js';
import { asRevision } from '../src/ids.js';
import type { StoreId } from '../src/ids.js';
import { Database } from '../src/storage/database.js';
import { KEY_COLUMNS } from '../src/storage/rows.js';
import { readSnapshot } from '../src/storage/snapshot.js';
import { answerCalls } from './program.js';

export interface SnapshotSource {
  readonly url: string;
  readonly storeId: StoreId;
}

export interface Loaded {
  readonly tuples: number;
  readonly seconds: number;
  readonly graphBytes: number;
  /** What the process grew by, after garbage collection. */
  readonly residentBytes: number;
}

export interface Copied {
  readonly bytes: number;
  readonly seconds: number;
}

async function load({ url, storeId }: SnapshotSource): Promise<Loaded> {
  const database = await connect(url);
  const before = residentBytes();
  const start = performance.now();
  let graph = new ResidentGraph(asRevision(0));
  await readSnapshot(database, storeId, {
    begin: ({ revision }) => {
      graph = new ResidentGraph(revision);
    },
    tuple: (tuple) => {
      graph.load(tuple);
    },
    attributes: (entity, attributes) => {
      graph.loadAttributes(entity, attributes);
    },
  });
  const seconds = (performance.now() - start) / 1000;
  await database.close();
  const grown = residentBytes() - before;
  return { tuples: graph.tupleCount, seconds, graphBytes: graph.bytes, residentBytes: grown };
}

async function copy({ url, storeId }: SnapshotSource): Promise<Copied> {
  const database = await connect(url);
  const start = performance.now();
  let bytes = 0;
  await database.withClient(async (client) => {
    const columns = `${KEY_COLUMNS.join(', ')}, condition_name, condition_context, expires_at`;
    const statement = `COPY (SELECT ${columns} FROM relation_tuple WHERE store_id = '${storeId}')
      TO STDOUT`;
    for await (const chunk of client.query(copyTo(statement))) bytes += (chunk as Buffer).length;
  });
  const seconds = (performance.now() - start) / 1000;
  await database.close();
  return { bytes, seconds };
}

const connect = (url: string): Promise<Database> =>
  Database.connect({ address: { url }, poolSize: 1, timeoutMs: 0 });

/** Needs --expose-gc. */
function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

answerCalls({ load, copy });
