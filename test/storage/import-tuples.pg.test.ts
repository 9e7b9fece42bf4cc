/** Chunks of imports beside what is stored already, and beside each other and other writes. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Revision, StoreId } from '../../src/ids.js';
import { readRevisions } from '../../src/storage/changes.js';
import { ChunkRows } from '../../src/storage/chunk-rows.js';
import type { Database } from '../../src/storage/database.js';
import { importChunk } from '../../src/storage/import-tuples.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import { formatObject, formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newStore, openStorage, request, storedTuples, tuple } from '../support/storage.js';
import { tupleText } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

const NOW = Date.UTC(2026, 0, 1);
const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

let storage: TestStorage;
let database: Database;
beforeAll(async () => {
  storage = await openStorage();
  database = storage.database;
});
afterAll(() => storage.close());

const many = (from: number, to: number): readonly RelationTuple[] =>
  Array.from({ length: to - from }, (_, i) => tuple(`document:${from + i}#viewer@user:a`));

async function loggedAfter(storeId: StoreId, revision: number): Promise<readonly StoreChange[]> {
  const revisions = await readRevisions(database, storeId, revision as Revision, 10_000);
  expect(revisions.map((each) => each.revision)).toEqual(revisions.map((_, i) => revision + 1 + i));
  return revisions.flatMap(({ changes }) => changes);
}

const nameOf = (change: StoreChange): string =>
  change.operation === 'attributes' ? formatObject(change.entity) : formatTupleKey(change.tuple);

/** Whether it is expected or not that some is stored, the outcome is the same. */
const WAYS = [{ isLikelyStored: false }, { isLikelyStored: true }];

describeWithPostgres('a chunk of which something is stored', () => {
  it.each(WAYS)('adds what is missing, and only that is in the log (%p)', async (way) => {
    const storeId = await newStore(database);
    const kept = tuple('document:7#viewer@user:a', { condition: { name: 'c', context: { n: 1 } } });
    const user = { type: 'user', id: 'a' };
    await importChunk(
      database,
      storeId,
      ChunkRows.of([kept], [{ entity: user, attributes: { level: 1 } }]),
      new Date(NOW),
    );
    const chunk = ChunkRows.of(many(0, 20), [
      { entity: user, attributes: { level: 2 } },
      { entity: { type: 'user', id: 'b' }, attributes: { level: 3 } },
    ]);
    const { revision, changes } = await importChunk(database, storeId, chunk, new Date(NOW), way);
    expect(revision).toBe(2);
    const logged = await loggedAfter(storeId, 1);
    expect(logged).toEqual([...changes]);
    const missing = many(0, 20).filter((_, i) => i !== 7);
    expect(logged.map(nameOf).sort()).toEqual([...missing.map(formatTupleKey), 'user:b'].sort());
    expect(await storedTuples(database, storeId)).toEqual([...missing, kept].map(tupleText).sort());
    const entities = await database.query(
      'SELECT object_id, attributes FROM entity_attributes WHERE store_id = $1 ORDER BY 1',
      [storeId],
    );
    expect(entities.map((row) => row['attributes'])).toEqual([{ level: 1 }, { level: 3 }]);
  });

  it.each(WAYS)('makes no revision when all of it is stored (%p)', async (way) => {
    const storeId = await newStore(database);
    const chunk = ChunkRows.of(many(0, 300));
    await importChunk(database, storeId, chunk, new Date(NOW));
    const again = await importChunk(database, storeId, chunk, new Date(NOW), way);
    expect(again).toMatchObject({ revision: 1, changes: { length: 0 } });
    expect(await loggedAfter(storeId, 1)).toEqual([]);
  });

  it.each(WAYS)('takes the place of what has expired (%p)', async (way) => {
    const storeId = await newStore(database);
    const expired = many(0, 5).map((plain) => ({ ...plain, expiresAt: NOW + 1000 }));
    const living = many(5, 8).map((plain) => ({ ...plain, expiresAt: NOW + 9000 }));
    await importChunk(database, storeId, ChunkRows.of([...expired, ...living]), new Date(NOW));
    const later = new Date(NOW + 1000);
    const chunk = ChunkRows.of(many(0, 10));
    const { changes } = await importChunk(database, storeId, chunk, later, way);
    expect([...changes].map(nameOf).sort()).toEqual(
      [...many(0, 5), ...many(8, 10)].map(formatTupleKey).sort(),
    );
    expect(await storedTuples(database, storeId)).toEqual(
      [...many(0, 5), ...living, ...many(8, 10)].map(tupleText).sort(),
    );
  });

  it.each(WAYS)('is refused where there is no store (%p)', async (way) => {
    const storeId = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as StoreId;
    const chunk = ChunkRows.of(many(0, 2));
    await expect(importChunk(database, storeId, chunk, new Date(NOW), way)).rejects.toMatchObject({
      code: 'store_not_found',
    });
    expect(await storedTuples(database, storeId)).toEqual([]);
  });
});

describeWithPostgres('chunks that meet', () => {
  it(`leave tuples that the log leads to, whoever else writes them (seed ${seed})`, async () => {
    const storeId = await newStore(database);
    let state = seed || 1;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >>> 8) % limit;
    };
    const names = many(0, 400);
    const importing = async (): Promise<void> => {
      const pool = await storage.connect({ poolSize: 1, timeoutMs: 20_000 });
      for (let i = 0; i < 12; i++) {
        const chunk = ChunkRows.of(names.filter(() => below(3) === 0));
        const isLikelyStored = below(2) === 0;
        await importChunk(pool, storeId, chunk, new Date(NOW), { isLikelyStored });
      }
    };
    const writing = async (): Promise<void> => {
      const pool = await storage.connect({ poolSize: 1, timeoutMs: 20_000 });
      for (let i = 0; i < 60; i++) {
        const some = names.slice(below(380)).slice(0, 20);
        const ignore = { onMissing: 'ignore', onDuplicate: 'ignore' } as const;
        const parts = below(3) === 0 ? { writes: some } : { deletes: some };
        await writeTuples(pool, storeId, [request({ ...parts, ...ignore })], new Date(NOW));
      }
    };
    await Promise.all([importing(), importing(), importing(), writing(), writing()]);
    const replayed = new Set<string>();
    for (const change of await loggedAfter(storeId, 0)) {
      const name = nameOf(change);
      // Nothing is written that is there, nor deleted that is not.
      expect([name, replayed.has(name)]).toEqual([name, change.operation === 'delete']);
      if (change.operation === 'delete') replayed.delete(name);
      else replayed.add(name);
    }
    const stored = await storedTuples(database, storeId);
    expect(stored).toEqual(
      names
        .filter((name) => replayed.has(formatTupleKey(name)))
        .map(tupleText)
        .sort(),
    );
  }, 60_000);
});
