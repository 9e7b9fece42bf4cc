/** Graphs within their memory: stores that do not fit, stores that have to go, graphs made anew. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import type { StoreId } from '../../src/ids.js';
import { Replicas } from '../../src/replica/replicas.js';
import { StoreReplica } from '../../src/replica/store-replica.js';
import { ChunkRows } from '../../src/storage/chunk-rows.js';
import { importChunk } from '../../src/storage/import-tuples.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import { describeWithPostgres } from '../support/postgres.js';
import {
  newStore,
  openStorage,
  request,
  storedTuples,
  tuple,
  untilBlocked,
  whileTuplesAreLocked,
} from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';
import { edgesOf } from './edges.js';

const TUPLES = 10_000;
const TEST_STORES = 3;

let storage: TestStorage;
beforeAll(async () => {
  storage = await openStorage();
});
afterAll(() => storage.close());

async function filledStore(): Promise<StoreId> {
  const storeId = await newStore(storage.database);
  const tuples = Array.from({ length: TUPLES }, (_, i) => tuple(`document:${i}#viewer@user:${i}`));
  await importChunk(storage.database, storeId, ChunkRows.of(tuples), new Date());
  return storeId;
}

const replicasOf = (memoryBytes: number): Replicas =>
  new Replicas(storage.database, systemClock, {
    pollIntervalMs: 60_000,
    memoryBytes,
    onError: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });

describeWithPostgres('the memory of graphs', () => {
  it('refuses a store that cannot fit, naming the figure', async () => {
    const storeId = await filledStore();
    const loading = replicasOf(300_000).open(storeId);
    await expect(loading).rejects.toMatchObject({
      code: 'store_too_large',
      message: expect.stringContaining('PEMBA_GRAPH_MEMORY leaves'),
    });
  });

  it('drops the store that was used longest ago', async () => {
    const stores = await Promise.all(Array.from({ length: TEST_STORES }, filledStore));
    const [first, second, third] = stores as [StoreId, StoreId, StoreId];
    const { bytes } = (await StoreReplica.load(first, storage.database, systemClock)).graph;
    const replicas = replicasOf(bytes * 2.5);
    await replicas.open(first);
    await replicas.open(second);
    replicas.peek(first);
    await replicas.open(third);
    const held = [...replicas.stores].map(({ storeId }) => storeId);
    expect(held.sort()).toEqual([first, third].sort());
    expect((await replicas.open(second)).graph.tupleCount).toBe(TUPLES);
  });

  it('makes a graph anew while the old one follows what is written meanwhile', async () => {
    const storeId = await newStore(storage.database);
    const write = async (text: string): Promise<void> => {
      const requests = [request({ writes: [tuple(text)] })];
      const [outcome] = await writeTuples(storage.database, storeId, requests, new Date());
      if (outcome?.kind !== 'written') throw new Error('refused');
      await replica.applyOwn(outcome.revision, outcome.changes);
    };
    const replica = await StoreReplica.load(storeId, storage.database, systemClock);
    await write('document:1#viewer@user:a');
    const old = replica.graph;
    let compacting: Promise<void> | undefined;
    await whileTuplesAreLocked(storage, async () => {
      compacting = replica.compact();
      await untilBlocked(storage.database);
    });
    await write('document:2#viewer@user:b');
    await compacting;
    await write('document:3#viewer@user:c');
    expect(replica.graph).not.toBe(old);
    expect(replica.revision).toBe(3);
    expect(edgesOf(replica.graph)).toEqual(await storedTuples(storage.database, storeId));
  });
});
