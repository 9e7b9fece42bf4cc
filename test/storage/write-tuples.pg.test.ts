import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Revision, StoreId } from '../../src/ids.js';
import { readRevisions } from '../../src/storage/changes.js';
import type { Database } from '../../src/storage/database.js';
import { readTuples } from '../../src/storage/read-tuples.js';
import { softDeleteStore } from '../../src/storage/stores.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import type { WriteOutcome, WriteRequest } from '../../src/storage/write-ledger.js';
import { isOfTuple } from '../../src/tuple/attributes.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newStore, openStorage, request, storedTuples } from '../support/storage.js';
import { tuple, tupleText } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

const NOW = Date.UTC(2026, 0, 1);
const ANNE = 'document:1#viewer@user:anne';
const BOB = 'document:1#viewer@user:bob';

let storage: TestStorage;
let database: Database;
beforeAll(async () => {
  storage = await openStorage();
  database = storage.database;
});
afterAll(() => storage.close());

const write = (
  storeId: StoreId,
  requests: readonly Partial<WriteRequest>[],
  now = NOW,
): Promise<readonly WriteOutcome[]> =>
  writeTuples(database, storeId, requests.map(request), new Date(now));

async function storeWith(...tuples: readonly RelationTuple[]): Promise<StoreId> {
  const storeId = await newStore(database);
  await write(storeId, [{ writes: tuples }]);
  return storeId;
}

/** `2` for what was written at revision 2, or the code of the refusal. */
const inShort = (outcomes: readonly WriteOutcome[]): readonly (number | string)[] =>
  outcomes.map((outcome) => (outcome.kind === 'written' ? outcome.revision : outcome.error.code));

/** `1 write document:1#viewer@user:anne`, a line a change. */
async function logOf(storeId: StoreId): Promise<readonly string[]> {
  const log = await readRevisions(database, storeId, 0 as Revision, 1_000_000);
  return log.flatMap(({ revision, changes }) =>
    changes
      .filter(isOfTuple)
      .map(({ operation, tuple: key }) => `${revision} ${operation} ${formatTupleKey(key)}`),
  );
}

const plain = tuple(ANNE);
const conditional = tuple(ANNE, { condition: { name: 'c', context: { a: 1, b: { c: 2, d: 3 } } } });
const reordered = tuple(ANNE, { condition: { name: 'c', context: { b: { d: 3, c: 2 }, a: 1 } } });
const otherContext = tuple(ANNE, { condition: { name: 'c', context: { a: 2 } } });
const expiring = tuple(ANNE, { expiresAt: NOW + 1000 });
const longer = tuple(ANNE, { expiresAt: NOW + 1001 });

describeWithPostgres('a write', () => {
  it('of a tuple that is there is refused', async () => {
    const storeId = await storeWith(plain);
    expect(inShort(await write(storeId, [{ writes: [plain] }]))).toEqual(['tuple_exists']);
  });

  it.each([
    ['nothing', plain, plain],
    ['a condition', conditional, conditional],
    ['a context in another order', conditional, reordered],
    ['an expiry', expiring, expiring],
  ])('of an identical tuple with %s is no change when ignored or replaced', async (_, a, b) => {
    const storeId = await storeWith(a);
    for (const onDuplicate of ['ignore', 'replace'] as const) {
      const outcomes = await write(storeId, [{ writes: [b], onDuplicate }]);
      expect(outcomes).toEqual([{ kind: 'written', revision: 1, changes: [] }]);
    }
    expect(await logOf(storeId)).toEqual([`1 write ${ANNE}`]);
  });

  it.each([
    ['a condition', plain, conditional],
    ['no condition', conditional, plain],
    ['another context', conditional, otherContext],
    ['another expiry', expiring, longer],
    ['no expiry', expiring, plain],
  ])('of a tuple with %s conflicts when ignored, and can replace', async (_, before, after) => {
    const storeId = await storeWith(before);
    const ignored = await write(storeId, [{ writes: [after], onDuplicate: 'ignore' }]);
    expect(inShort(ignored)).toEqual(['write_conflict']);
    expect(await storedTuples(database, storeId)).toEqual([tupleText(before)]);
    const replaced = await write(storeId, [{ writes: [after], onDuplicate: 'replace' }]);
    expect(inShort(replaced)).toEqual([2]);
    expect(await storedTuples(database, storeId)).toEqual([tupleText(after)]);
    expect(await logOf(storeId)).toEqual([
      `1 write ${ANNE}`,
      `2 delete ${ANNE}`,
      `2 write ${ANNE}`,
    ]);
  });

  it('deletes before it writes, and tells so', async () => {
    const storeId = await storeWith(plain);
    const [outcome] = await write(storeId, [{ writes: [tuple(BOB)], deletes: [plain] }]);
    expect(outcome).toMatchObject({
      changes: [{ operation: 'delete' }, { operation: 'write', tuple: tuple(BOB) }],
    });
    expect((await logOf(storeId)).slice(1)).toEqual([`2 delete ${ANNE}`, `2 write ${BOB}`]);
    expect(await storedTuples(database, storeId)).toEqual([tupleText(tuple(BOB))]);
  });

  it('logs a delete as the bare key', async () => {
    const storeId = await storeWith(conditional);
    const [outcome] = await write(storeId, [{ deletes: [conditional] }]);
    expect(outcome).toMatchObject({ changes: [{ operation: 'delete', tuple: plain }] });
    expect((await readRevisions(database, storeId, 1 as Revision, 1))[0]?.changes).toEqual([
      { operation: 'delete', tuple: plain },
    ]);
  });

  it('leaves alone what it has nothing to change of', async () => {
    const storeId = await storeWith(plain);
    const writes = [plain, tuple(BOB)];
    await write(storeId, [{ writes, onDuplicate: 'ignore' }], NOW + 10);
    const page = await readTuples(database, storeId, { filter: {}, limit: 9, now: new Date(NOW) });
    expect(page.map(({ writtenAt }) => writtenAt.getTime() - NOW)).toEqual([0, 10]);
  });

  it('of nothing that is there may be ignored', async () => {
    const storeId = await newStore(database);
    expect(inShort(await write(storeId, [{ deletes: [plain] }]))).toEqual(['tuple_missing']);
    const outcomes = await write(storeId, [{ deletes: [plain], onMissing: 'ignore' }]);
    expect(outcomes).toEqual([{ kind: 'written', revision: 0, changes: [] }]);
  });

  it('fails whole where the store is deleted or was never there', async () => {
    const storeId = await storeWith(plain);
    await softDeleteStore(database, storeId, new Date());
    for (const id of [storeId, 'NONE' as StoreId]) {
      await expect(write(id, [{ writes: [tuple(BOB)] }])).rejects.toMatchObject({
        code: 'store_not_found',
      });
    }
  });
});

describeWithPostgres('an expired tuple', () => {
  it('is not there for a delete', async () => {
    const storeId = await storeWith(expiring);
    const later = NOW + 1000;
    const deletes = [expiring];
    expect(inShort(await write(storeId, [{ deletes }], later - 1))).toEqual([2]);
    await write(storeId, [{ writes: [expiring] }]);
    expect(inShort(await write(storeId, [{ deletes }], later))).toEqual(['tuple_missing']);
    const ignored = await write(storeId, [{ deletes, onMissing: 'ignore' }], later);
    expect(ignored).toEqual([{ kind: 'written', revision: 3, changes: [] }]);
  });

  it.each(['error', 'ignore', 'replace'] as const)(
    'gives way to a new one, with on_duplicate %s',
    async (onDuplicate) => {
      const storeId = await storeWith(expiring);
      const outcomes = await write(storeId, [{ writes: [plain], onDuplicate }], NOW + 1000);
      expect(inShort(outcomes)).toEqual([2]);
      expect((await logOf(storeId)).slice(1)).toEqual([`2 delete ${ANNE}`, `2 write ${ANNE}`]);
      expect(await storedTuples(database, storeId)).toEqual([tupleText(plain)]);
    },
  );

  it('is all that a sweeper deletes', async () => {
    const storeId = await storeWith(expiring, tuple(BOB));
    const sweep = {
      deletes: [expiring, tuple(BOB)],
      onMissing: 'ignore',
      onlyExpired: true,
    } as const;
    expect(inShort(await write(storeId, [sweep], NOW))).toEqual([1]);
    expect(inShort(await write(storeId, [sweep], NOW + 1000))).toEqual([2]);
    expect(inShort(await write(storeId, [sweep], NOW + 1000))).toEqual([2]);
    expect((await logOf(storeId)).slice(2)).toEqual([`2 delete ${ANNE}`]);
    expect(await storedTuples(database, storeId)).toEqual([tupleText(tuple(BOB))]);
  });
});

describeWithPostgres('requests that share a transaction', () => {
  it('are decided one after the other, each on what the ones before it leave', async () => {
    const storeId = await newStore(database);
    const outcomes = await write(storeId, [
      { writes: [plain] },
      { writes: [plain] },
      { deletes: [plain], writes: [tuple(BOB)] },
      { deletes: [plain] },
      { writes: [conditional] },
      { writes: [otherContext], onDuplicate: 'ignore' },
      { writes: [otherContext], onDuplicate: 'replace' },
      { writes: [otherContext], onDuplicate: 'ignore' },
    ]);
    expect(inShort(outcomes)).toEqual([
      ...[1, 'tuple_exists', 2, 'tuple_missing', 3, 'write_conflict', 4, 4],
    ]);
    expect(await logOf(storeId)).toEqual([
      `1 write ${ANNE}`,
      `2 delete ${ANNE}`,
      `2 write ${BOB}`,
      `3 write ${ANNE}`,
      `4 delete ${ANNE}`,
      `4 write ${ANNE}`,
    ]);
    expect(await storedTuples(database, storeId)).toEqual(
      [tupleText(otherContext), tupleText(tuple(BOB))].sort(),
    );
  });

  it('do not suffer from one that is refused, and it leaves no trace', async () => {
    const storeId = await storeWith(plain);
    const carol = tuple('document:1#viewer@user:carol');
    const outcomes = await write(storeId, [
      { writes: [tuple(BOB)] },
      { deletes: [plain], writes: [carol, tuple(BOB)] },
      { writes: [carol] },
    ]);
    expect(inShort(outcomes)).toEqual([2, 'tuple_exists', 3]);
    expect((await logOf(storeId)).slice(1)).toEqual([
      `2 write ${BOB}`,
      '3 write ' + formatTupleKey(carol),
    ]);
    expect(await storedTuples(database, storeId)).toEqual(
      [plain, tuple(BOB), carol].map(tupleText).sort(),
    );
  });
});

describeWithPostgres('writers of one store in several processes', () => {
  it('make revisions without a gap, each once', async () => {
    const storeId = await newStore(database);
    const other = await storage.connect();
    const writes = 25;
    const writer = async (name: number): Promise<readonly WriteOutcome[]> => {
      const outcomes: WriteOutcome[] = [];
      for (let i = 0; i < writes; i += 1) {
        const own = tuple(`document:${name}-${i}#viewer@user:anne`);
        const requests = [request({ writes: [own] }), request({ writes: [own] })];
        const pool = name % 2 === 0 ? database : other;
        outcomes.push(...(await writeTuples(pool, storeId, requests, new Date(NOW))));
      }
      return outcomes;
    };
    const outcomes = (await Promise.all(Array.from({ length: 8 }, (_, i) => writer(i)))).flat();
    const revisions = inShort(outcomes).filter((outcome) => typeof outcome === 'number');
    const all = Array.from({ length: 8 * writes }, (_, i) => i + 1);
    expect(revisions.sort((a, b) => a - b)).toEqual(all);
    const log = await readRevisions(database, storeId, 0 as Revision, 1_000_000);
    expect(log.map(({ revision }) => revision)).toEqual(all);
    expect(await storedTuples(database, storeId)).toHaveLength(8 * writes);
  });
});

describeWithPostgres('tuples of all sorts', () => {
  it.each([100, 10_000])('are written %s at a time, and deleted', async (count) => {
    const storeId = await newStore(database);
    const tuples = Array.from({ length: count }, (_, i) =>
      tuple(`document:${i % 997}#viewer@user:${i}`, i % 2 === 0 ? { expiresAt: NOW + i } : {}),
    );
    expect(inShort(await write(storeId, [{ writes: tuples }], 0))).toEqual([1]);
    expect(await storedTuples(database, storeId)).toEqual(tuples.map(tupleText).sort());
    expect(inShort(await write(storeId, [{ deletes: tuples }], 0))).toEqual([2]);
    expect(await storedTuples(database, storeId)).toEqual([]);
    expect(await logOf(storeId)).toHaveLength(2 * count);
  });

  /** Of exactly so many bytes, and nothing in it to compress. */
  const long = (bytes: number): string => {
    const characters = Array.from(
      { length: bytes >> 2 },
      (_, i) => 0x10000 + ((i * 7919) % 0x4000),
    );
    return String.fromCodePoint(...characters) + 'x'.repeat(bytes % 4);
  };

  it.each([
    ['quotes', `document:'"$1''#viewer@user:"quoted","{a,b}",NULL`],
    ['backslashes', 'document:\\x00\\#viewer@user:\\\\N\\"'],
    ['other scripts', 'документ:日本語#قارئ@пользователь:🙂é'],
    ['what looks like SQL', `document:1);DROP/**/TABLE/**/store;--#viewer@user:%_%`],
    ['userset subjects', 'document:1#viewer@group:eng@x#member'],
    ['wildcards', 'document:1#viewer@user:*'],
    ['the longest names', `document:${long(503)}#${long(200)}@user:${long(507)}`],
    ['the widest objects', `t:${long(254 * 4)}#viewer@user:${long(507)}`],
  ])('with %s come back as they were', async (_, text) => {
    const context = { text, [text]: [text, null, true, 1.5e300, { '': -0.1 }], '\\u0041"': '\\' };
    const strange = tuple(text, { condition: { name: 'имя"\\', context } });
    const storeId = await storeWith(strange);
    expect(await storedTuples(database, storeId)).toEqual([tupleText(strange)]);
    const log = await readRevisions(database, storeId, 0 as Revision, 1);
    expect(log).toEqual([{ revision: 1, changes: [{ operation: 'write', tuple: strange }] }]);
    expect(inShort(await write(storeId, [{ writes: [strange], onDuplicate: 'ignore' }]))).toEqual([
      1,
    ]);
    expect(inShort(await write(storeId, [{ deletes: [strange] }]))).toEqual([2]);
  });

  it('come back the same to the writer and to readers of the log, where JSON is poorer', async () => {
    const poorer = { zero: -0, infinite: [Infinity] };
    const rich = tuple(ANNE, { condition: { name: 'c', context: poorer } });
    const storeId = await newStore(database);
    const [outcome] = await write(storeId, [{ writes: [rich] }]);
    const [logged] = await readRevisions(database, storeId, 0 as Revision, 1);
    expect(outcome).toEqual({ kind: 'written', ...logged });
    expect(inShort(await write(storeId, [{ writes: [rich], onDuplicate: 'ignore' }]))).toEqual([1]);
  });
});

describeWithPostgres('a write that another process overtakes after it has read', () => {
  /** Does `work` just before the statement that saves. */
  async function overtaken(
    writer: Partial<WriteRequest>,
    storeId: StoreId,
    work: () => Promise<unknown>,
  ): Promise<readonly WriteOutcome[]> {
    const other = await storage.connect();
    for (const way of ['prepared', 'query'] as const) {
      const send = other[way].bind(other) as (sql: never, values?: never) => Promise<never>;
      jest.spyOn(other, way).mockImplementation(async (sql, values) => {
        if ((typeof sql === 'string' ? sql : sql.text).includes('UPDATE store')) await work();
        return send(sql as never, values as never);
      });
    }
    return writeTuples(other, storeId, [request(writer)], new Date(NOW));
  }

  const bob = tuple(BOB);
  const ignoring = { onMissing: 'ignore' } as const;

  it.each([
    ['is refused if it can no longer be', { writes: [plain] }, { writes: [plain] }, 'tuple_exists'],
    ['deletes nothing twice', { deletes: [bob] }, { deletes: [bob] }, 'tuple_missing'],
    ['is done after it', { writes: [plain] }, { deletes: [bob] }, 3],
    ['deletes what it wrote', { writes: [plain] }, { deletes: [bob, plain], ...ignoring }, 3],
    ['leaves what it deleted', { deletes: [bob] }, { deletes: [bob], ...ignoring }, 2],
  ] as const)('%s', async (_, first, second, result) => {
    const storeId = await storeWith(bob);
    const outcomes = await overtaken(second, storeId, async () => {
      expect(inShort(await write(storeId, [first]))).toEqual([2]);
    });
    expect(inShort(outcomes)).toEqual([result]);
    const log = await logOf(storeId);
    expect(log.at(-1)).toMatch(new RegExp(`^${result === 3 ? 3 : 2} `));
  });
});
