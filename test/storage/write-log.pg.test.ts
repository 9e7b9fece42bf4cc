/**
 * Random requests, in transactions of several, against a model of them in memory: the same outcomes,
 * the same tuples and attributes, and a log that leads there from nothing. The seed stands in the name;
 * `PEMBA_SEED=<seed> npm test` repeats the run.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asRevision } from '../../src/ids.js';
import type { StoreId } from '../../src/ids.js';
import { readChanges, readRevisions } from '../../src/storage/changes.js';
import type { LogEntry } from '../../src/storage/changes.js';
import { storeHeads } from '../../src/storage/stores.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import type { WriteOutcome, WriteRequest } from '../../src/storage/write-ledger.js';
import type { AttributesChange, StoreChange } from '../../src/tuple/attributes.js';
import { formatObject, formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newStore, openStorage, storedTuples, tuple, tupleText } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

const SEED_MAX = 2 ** 31;
const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * SEED_MAX));
const RUNS = 60;

/** Time goes in steps of a second, so that tuples expire between transactions. */
const START = Date.UTC(2026, 0, 1);
const STEP_MS = 1000;

const NAMES = ['document:1', 'document:2'].flatMap((object) =>
  ['viewer', 'owner'].flatMap((relation) =>
    ['user:a', 'user:*', 'group:g#member'].map((subject) => `${object}#${relation}@${subject}`),
  ),
);

const conditions = fc.constantFrom(
  undefined,
  { name: 'c', context: {} },
  { name: 'c', context: { a: 1, b: [true, null, 'x"\\'] } },
  { name: 'c', context: { b: [true, null, 'x"\\'], a: 1 } },
  { name: 'd', context: {} },
);
const facts = fc.record({
  condition: conditions,
  expiresAt: fc.option(
    fc.nat(12).map((step) => START + step * STEP_MS),
    { nil: undefined },
  ),
});

const attributes: fc.Arbitrary<AttributesChange> = fc.record({
  operation: fc.constant('attributes' as const),
  entity: fc.constantFrom({ type: 'user', id: 'a' }, { type: 'document', id: '1' }),
  attributes: fc.constantFrom(undefined, {}, { a: 1 }, { a: 1, b: ['x"\\', null] }),
});

const requests: fc.Arbitrary<WriteRequest> = fc
  .record({
    names: fc.shuffledSubarray(NAMES, { minLength: 1, maxLength: 4 }),
    facts: fc.array(facts, { minLength: 4, maxLength: 4 }),
    writeCount: fc.nat(4),
    onMissing: fc.constantFrom('error' as const, 'ignore' as const),
    onDuplicate: fc.constantFrom('error' as const, 'ignore' as const, 'replace' as const),
    onlyExpired: fc.boolean(),
    attributes: fc.option(fc.array(attributes, { maxLength: 2 }), { nil: undefined }),
  })
  .map(({ names, facts: carried, writeCount, onMissing, onDuplicate, onlyExpired, ...given }) => ({
    writes: names.slice(0, writeCount).map((name, i) => {
      const { condition, expiresAt } = carried[i]!;
      return tuple(name, {
        ...(condition && { condition }),
        ...(expiresAt !== undefined && { expiresAt }),
      });
    }),
    deletes: names.slice(writeCount).map((name) => tuple(name)),
    onMissing,
    onDuplicate,
    ...(given.attributes && { attributes: given.attributes }),
    ...(onlyExpired && writeCount === 0 && { onlyExpired }),
  }));

const histories = fc.array(
  fc.record({ steps: fc.nat(3), requests: fc.array(requests, { minLength: 1, maxLength: 5 }) }),
  { minLength: 1, maxLength: 6 },
);

/** What a store is and does, in the fewest words. */
class Model {
  tuples = new Map<string, RelationTuple>();
  readonly attributes = new Map<string, string>();
  revision = 0;

  /** The revision, or the code of the refusal; and what is logged. */
  apply(request: WriteRequest, now: number): { readonly result: number | string; log: string[] } {
    const after = new Map(this.tuples);
    const log: string[] = [];
    const isLive = (stored: RelationTuple): boolean => (stored.expiresAt ?? Infinity) > now;
    for (const key of request.deletes) {
      const name = formatTupleKey(key);
      const stored = after.get(name);
      const isTarget = stored !== undefined && isLive(stored) !== (request.onlyExpired ?? false);
      if (!isTarget && request.onMissing === 'error') return { result: 'tuple_missing', log: [] };
      if (isTarget && after.delete(name)) log.push(`delete ${name}`);
    }
    for (const written of request.writes) {
      const name = formatTupleKey(written);
      const stored = after.get(name);
      if (stored !== undefined && isLive(stored)) {
        if (request.onDuplicate === 'error') return { result: 'tuple_exists', log: [] };
        if (tupleText(stored) === tupleText(written)) continue;
        if (request.onDuplicate === 'ignore') return { result: 'write_conflict', log: [] };
      }
      if (stored !== undefined) log.push(`delete ${name}`);
      log.push(`write ${tupleText(written)}`);
      after.set(name, written);
    }
    this.tuples = after;
    for (const change of request.attributes ?? []) {
      const name = formatObject(change.entity);
      const text = change.attributes && JSON.stringify(change.attributes);
      if (this.attributes.get(name) === text) continue;
      log.push(told(change));
      if (text === undefined) this.attributes.delete(name);
      else this.attributes.set(name, text);
    }
    if (log.length > 0) this.revision += 1;
    return { result: this.revision, log };
  }
}

function told(change: StoreChange): string {
  switch (change.operation) {
    case 'write':
      return `write ${tupleText(change.tuple)}`;
    case 'delete':
      return `delete ${formatTupleKey(change.tuple)}`;
    case 'attributes':
      return `attributes ${formatObject(change.entity)} ${JSON.stringify(change.attributes)}`;
  }
}

const asModelled = (outcome: WriteOutcome): ReturnType<Model['apply']> =>
  outcome.kind === 'written'
    ? { result: outcome.revision, log: outcome.changes.map(told) }
    : { result: outcome.error.code, log: [] };

/** What the log of tuples alone makes of an empty store; fails where an entry does not fit. */
function replay(log: readonly LogEntry[]): readonly RelationTuple[] {
  const tuples = new Map<string, RelationTuple>();
  let before = { revision: 0, ordinal: 0 };
  for (const { revision, ordinal, change } of log) {
    const isLater = revision > before.revision && ordinal === 0;
    expect(isLater || (revision === before.revision && ordinal === before.ordinal + 1)).toBe(true);
    before = { revision, ordinal };
    const name = formatTupleKey(change.tuple);
    expect(tuples.has(name)).toBe(change.operation === 'delete');
    if (change.operation === 'write') tuples.set(name, change.tuple);
    else tuples.delete(name);
  }
  return [...tuples.values()];
}

describeWithPostgres(`random writes (PEMBA_SEED=${seed})`, () => {
  let storage: TestStorage;
  beforeAll(async () => {
    storage = await openStorage();
  });
  afterAll(() => storage.close());

  const logOfTuples = async (storeId: StoreId): Promise<readonly LogEntry[]> => {
    const page = { after: { revision: 0, ordinal: 0 }, limit: 1_000_000 };
    return (await readChanges(storage.database, storeId, page, page.limit)).entries;
  };

  const storedAttributes = async (storeId: StoreId): Promise<readonly (readonly unknown[])[]> => {
    const rows = await storage.database.query(
      `SELECT object_type || ':' || object_id AS name, attributes FROM entity_attributes
       WHERE store_id = $1 ORDER BY name`,
      [storeId],
    );
    return rows.map((row) => [row['name'], JSON.stringify(row['attributes'])]);
  };

  it('come out as the model says, and the log leads to the tuples', async () => {
    const refusals = new Set<unknown>();
    const property = fc.asyncProperty(histories, async (history) => {
      const { database } = storage;
      const storeId = await newStore(database);
      const model = new Model();
      const logged: string[] = [];
      let now = START;
      for (const { steps, requests: batch } of history) {
        now += steps * STEP_MS;
        const outcomes = await writeTuples(database, storeId, batch, new Date(now));
        const expected = batch.map((request) => model.apply(request, now));
        expect(outcomes.map(asModelled)).toEqual(expected);
        for (const { result, log } of expected) {
          logged.push(...log.map((line) => `${result} ${line}`));
          if (typeof result === 'string') refusals.add(result);
        }
      }
      const expectedTuples = [...model.tuples.values()].map(tupleText).sort();
      expect(await storedTuples(database, storeId)).toEqual(expectedTuples);
      expect(await storedAttributes(storeId)).toEqual([...model.attributes].sort());
      const revisions = await readRevisions(database, storeId, asRevision(0), 1_000_000);
      expect(revisions.map(({ revision }) => revision)).toEqual(
        Array.from({ length: model.revision }, (_, i) => i + 1),
      );
      expect(
        revisions.flatMap(({ revision, changes }) =>
          changes.map((change) => `${revision} ${told(change)}`),
        ),
      ).toEqual(logged);
      const log = await logOfTuples(storeId);
      expect(log.map(({ revision, change }) => `${revision} ${told(change)}`)).toEqual(
        logged.filter((line) => !line.includes(' attributes ')),
      );
      expect(replay(log).map(tupleText).sort()).toEqual(expectedTuples);
      const heads = await storeHeads(database, [storeId]);
      expect(heads.get(storeId)?.revision).toBe(model.revision);
    });
    await fc.assert(property, { seed, numRuns: RUNS });
    // Every kind of refusal must have come up, or little was tried.
    expect([...refusals].sort()).toEqual(['tuple_exists', 'tuple_missing', 'write_conflict']);
  });
});
