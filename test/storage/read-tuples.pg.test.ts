import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StoreId } from '../../src/ids.js';
import type { Database } from '../../src/storage/database.js';
import { readExpired, readTuples } from '../../src/storage/read-tuples.js';
import { softDeleteStore } from '../../src/storage/stores.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import { subjectColumns } from '../../src/tuple/filter.js';
import type { TupleFilter } from '../../src/tuple/filter.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple, TupleKey } from '../../src/tuple/tuple.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newStore, openStorage, request, tuple } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

const NOW = Date.UTC(2026, 0, 1);
const LONG_AGO = Date.UTC(2001, 0, 1);

/** Ids that sort differently by code point than in most languages. */
const OBJECTS = ['document:B', 'document:a', 'document:é', 'folder:a', 'folder:Z', 'group:a'];
const RELATIONS = ['viewer', 'Editor', 'owner'];
const SUBJECTS = ['user:B', 'user:a', 'user:é', 'user:*', 'group:a', 'group:a#member', 'group:a#x'];

const NAMES = OBJECTS.flatMap((object) =>
  RELATIONS.flatMap((relation) => SUBJECTS.map((subject) => `${object}#${relation}@${subject}`)),
);
/** Half of them are there from the start, the other half comes while pages are read. */
const FIRST = NAMES.filter((_, i) => i % 2 === 0).map((name) => tuple(name));
const LATER = NAMES.filter((_, i) => i % 2 === 1).map((name) => tuple(name));

const FILTERS: readonly TupleFilter[] = [
  {},
  { objectType: 'document' },
  { objectType: 'document', objectId: 'é' },
  { relation: 'viewer' },
  { relation: 'Editor', objectType: 'folder' },
  { relation: 'owner', objectType: 'document', objectId: 'B' },
  { subjectType: 'user' },
  { subjectType: 'user', subjectId: '*' },
  { subjectType: 'group', subjectId: 'a' },
  { subjectType: 'group', subjectId: 'a', subjectRelation: '' },
  { subjectType: 'group', subjectRelation: 'member' },
  { subjectRelation: '' },
  { subjectType: 'user', subjectId: 'a', relation: 'viewer' },
  { subjectType: 'user', subjectId: 'a', objectType: 'document' },
  { subjectType: 'user', objectType: 'document' },
  { subjectType: 'group', relation: 'owner' },
  { subjectType: 'group', subjectId: 'a', objectType: 'folder', subjectRelation: 'x' },
  { subjectType: 'user', subjectId: 'absent' },
  { subjectType: 'user', relation: 'viewer', objectType: 'folder', objectId: 'Z' },
  { objectType: 'absent' },
];

let storage: TestStorage;
let database: Database;
beforeAll(async () => {
  storage = await openStorage();
  database = storage.database;
});
afterAll(() => storage.close());

async function storeWith(tuples: readonly RelationTuple[]): Promise<StoreId> {
  const storeId = await newStore(database);
  await add(storeId, tuples);
  return storeId;
}

const add = (storeId: StoreId, writes: readonly RelationTuple[]): Promise<unknown> =>
  writeTuples(database, storeId, [request({ writes })], new Date(NOW));

/** All pages in turn; `between` happens after each. */
async function pagesOf(
  storeId: StoreId,
  filter: TupleFilter,
  limit: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const names: string[] = [];
  for (let after: TupleKey | undefined; ;) {
    const options = { filter, limit, now: new Date(NOW), ...(after && { after }) };
    const page = await readTuples(database, storeId, options);
    expect(page.length).toBeLessThanOrEqual(limit);
    names.push(...page.map((stored) => formatTupleKey(stored.tuple)));
    after = page.at(-1)?.tuple;
    if (after === undefined) return names;
    await between();
  }
}

const matching = (filter: TupleFilter, tuples: readonly RelationTuple[]): readonly string[] =>
  tuples.filter((one) => matchesFilter(filter, one)).map(formatTupleKey);

describeWithPostgres('pages of tuples', () => {
  it.each(FILTERS)('hold what matches %j, each once', async (filter) => {
    const storeId = await storeWith(FIRST);
    for (const limit of [1, 3, 1000]) {
      const names = await pagesOf(storeId, filter, limit);
      expect([...names].sort()).toEqual([...matching(filter, FIRST)].sort());
    }
  });

  it.each(FILTERS)('neither skip nor repeat when tuples come meanwhile, for %j', async (filter) => {
    const storeId = await storeWith(FIRST);
    let added = 0;
    const names = await pagesOf(storeId, filter, 2, async () => {
      await add(storeId, LATER.slice(added, added + 3));
      added += 3;
    });
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining([...matching(filter, FIRST)]));
    expect(matching(filter, [...FIRST, ...LATER])).toEqual(expect.arrayContaining([...names]));
  });

  it('go on after a tuple that is gone by now', async () => {
    const storeId = await storeWith(FIRST);
    const [first] = await readTuples(database, storeId, {
      filter: {},
      limit: 1,
      now: new Date(NOW),
    });
    const deletes = [first!.tuple];
    await writeTuples(database, storeId, [request({ deletes })], new Date(NOW));
    const rest = await readTuples(database, storeId, {
      filter: {},
      after: first!.tuple,
      limit: 1000,
      now: new Date(NOW),
    });
    expect(rest).toHaveLength(FIRST.length - 1);
  });

  it('are of one store, and leave out what has expired', async () => {
    await storeWith(FIRST);
    const condition = { name: 'c', context: { a: [1] } };
    const storeId = await storeWith([
      tuple('document:1#viewer@user:a', { expiresAt: NOW }),
      tuple('document:2#viewer@user:a', { expiresAt: NOW + 1, condition }),
    ]);
    const page = await readTuples(database, storeId, {
      filter: {},
      limit: 10,
      now: new Date(NOW),
    });
    expect(page).toEqual([
      {
        tuple: tuple('document:2#viewer@user:a', { expiresAt: NOW + 1, condition }),
        writtenAt: new Date(NOW),
      },
    ]);
  });
});

/** Few, so that names are beginnings of one another; from all that sorts in some odd way. */
const ODD = [
  '!',
  '*',
  '+',
  "'",
  '"',
  '%',
  '_',
  '\\',
  '-',
  'a',
  'Z',
  '~',
  'é',
  '\u3042',
  '\ue000',
  '😀',
];
const names = fc.string({ unit: fc.constantFrom(...ODD), minLength: 1, maxLength: 3 });
const ids = names.filter((name) => name !== '*');
const subjects = fc.oneof(
  fc.record({ kind: fc.constant('object' as const), type: names, id: ids }),
  fc.record({ kind: fc.constant('userset' as const), type: names, id: ids, relation: names }),
  fc.record({ kind: fc.constant('wildcard' as const), type: names }),
);
/** Names out of a small pool, so that tuples have some in common. */
const worlds = fc.array(names, { minLength: 1, maxLength: 4 }).chain((types) => {
  const type = fc.constantFrom(...types);
  const key = fc.record({
    object: fc.record({ type, id: ids }),
    relation: type,
    subject: subjects.chain((subject) => type.map((of) => ({ ...subject, type: of }))),
  });
  return fc.uniqueArray(key, { minLength: 1, maxLength: 60, selector: formatTupleKey });
});
/** What one of the tuples has in some of the columns. */
const wishes = fc.array(fc.record({ at: fc.nat(), mask: fc.nat(63) }), { minLength: 8 });

function filterLike({ object, relation, subject }: TupleKey, mask: number): TupleFilter {
  const { type, id, relation: of } = subjectColumns(subject);
  const all = { objectType: object.type, objectId: object.id, relation };
  const entries = Object.entries({ ...all, subjectType: type, subjectId: id, subjectRelation: of });
  return Object.fromEntries(entries.filter((_, column) => (mask & (1 << column)) !== 0));
}

const seed = Date.now() % 2 ** 31;

describeWithPostgres(`pages of any tuples (seed ${seed})`, () => {
  it('hold what matches any filter, once and in one order, whatever their size', async () => {
    await fc.assert(
      fc.asyncProperty(
        worlds,
        wishes,
        fc.integer({ min: 1, max: 7 }),
        async (keys, asked, size) => {
          const storeId = await storeWith(keys);
          // Neighbours in the index, before and behind.
          await storeWith(keys);
          for (const { at, mask } of asked) {
            const filter = filterLike(keys[at % keys.length]!, mask);
            const found = await pagesOf(storeId, filter, size);
            expect([...found].sort()).toEqual([...matching(filter, keys)].sort());
            expect(found).toEqual(await pagesOf(storeId, filter, 1000));
          }
        },
      ),
      { seed, numRuns: 30 },
    );
  });
});

describeWithPostgres('expired tuples', () => {
  it('are found in all live stores, the earliest first', async () => {
    const at = (step: number): RelationTuple =>
      tuple(`document:${step}#viewer@user:a`, { expiresAt: LONG_AGO + step });
    const one = await storeWith([at(1), at(4), at(5), tuple('document:x#viewer@user:a')]);
    const other = await storeWith([at(2), at(3)]);
    const deleted = await storeWith([at(0)]);
    await softDeleteStore(database, deleted, new Date());
    const found = await readExpired(database, new Date(LONG_AGO + 4), 3);
    expect(found).toEqual([
      { storeId: one, tuple: at(1) },
      { storeId: other, tuple: at(2) },
      { storeId: other, tuple: at(3) },
    ]);
    expect(await readExpired(database, new Date(LONG_AGO + 4), 10)).toHaveLength(4);
  });
});

function matchesFilter(filter: TupleFilter, tuple: RelationTuple): boolean {
  const subject = subjectColumns(tuple.subject);
  return (
    (filter.objectType === undefined || filter.objectType === tuple.object.type) &&
    (filter.objectId === undefined || filter.objectId === tuple.object.id) &&
    (filter.relation === undefined || filter.relation === tuple.relation) &&
    (filter.subjectType === undefined || filter.subjectType === subject.type) &&
    (filter.subjectId === undefined || filter.subjectId === subject.id) &&
    (filter.subjectRelation === undefined || filter.subjectRelation === subject.relation)
  );
}
