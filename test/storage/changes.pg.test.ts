import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Revision, StoreId } from '../../src/ids.js';
import { positionBefore, readChanges, readRevisions } from '../../src/storage/changes.js';
import type { LogEntry, LogPosition } from '../../src/storage/changes.js';
import type { Database } from '../../src/storage/database.js';
import { ChunkRows } from '../../src/storage/chunk-rows.js';
import { importChunk } from '../../src/storage/import-tuples.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import { formatObject, formatTupleKey } from '../../src/tuple/tuple.js';
import type { TupleChange } from '../../src/tuple/tuple.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newStore, openStorage, request, tuple } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

const NOW = Date.UTC(2026, 0, 1);
const START: LogPosition = { revision: 0, ordinal: 0 };
const TYPES = ['document', 'folder', 'group'];

let storage: TestStorage;
let database: Database;
beforeAll(async () => {
  storage = await openStorage();
  database = storage.database;
});
afterAll(() => storage.close());

/** A revision of so many changes, of objects of all types in turn. */
async function write(storeId: StoreId, name: string, count: number, at = NOW): Promise<void> {
  const writes = Array.from({ length: count }, (_, i) =>
    tuple(`${TYPES[i % TYPES.length]!}:${name}-${i}#viewer@user:a`),
  );
  await writeTuples(database, storeId, [request({ writes })], new Date(at));
}

const told = ({ revision, ordinal, change }: LogEntry): string =>
  `${revision}.${ordinal} ${formatTupleKey(change.tuple)}`;

/** From a position to the end of the log, in pages. */
async function pagesFrom(
  storeId: StoreId,
  start: LogPosition,
  options: { readonly limit: number; readonly objectType?: string },
  entriesPerWalk?: number,
): Promise<readonly LogEntry[]> {
  const entries: LogEntry[] = [];
  for (let after = start; ;) {
    const page = await readChanges(database, storeId, { after, ...options }, entriesPerWalk);
    expect(page.entries.length).toBeLessThanOrEqual(options.limit);
    entries.push(...page.entries);
    const position = page.walkedTo ?? page.entries.at(-1);
    if (position === undefined) return entries;
    after = position;
  }
}

describeWithPostgres('pages of the change log', () => {
  it('come in the order of the log, whatever the size of pages and revisions', async () => {
    const storeId = await newStore(database);
    const sizes = [1, 5, 2, 1];
    for (const [i, size] of sizes.entries()) await write(storeId, `w${i}`, size);
    const expected = sizes.flatMap((size, i) =>
      Array.from(
        { length: size },
        (_, ordinal) => `${i + 1}.${ordinal} ${TYPES[ordinal % 3]!}:w${i}-${ordinal}#viewer@user:a`,
      ),
    );
    for (const limit of [1, 2, 100]) {
      expect((await pagesFrom(storeId, START, { limit })).map(told)).toEqual(expected);
    }
  });

  it('hold one type of objects on demand', async () => {
    const storeId = await newStore(database);
    await write(storeId, 'a', 5);
    await write(storeId, 'b', 2);
    const folders = await pagesFrom(storeId, START, { limit: 1, objectType: 'folder' });
    expect(folders.map(told)).toEqual([
      '1.1 folder:a-1#viewer@user:a',
      '1.4 folder:a-4#viewer@user:a',
      '2.1 folder:b-1#viewer@user:a',
    ]);
  });

  it('miss nothing that writers of several processes add meanwhile', async () => {
    const storeId = await newStore(database);
    const writers = ['a', 'b', 'c'].map(async (name) => {
      const pool = await storage.connect({ poolSize: 1 });
      for (let i = 0; i < 20; i += 1) {
        const writes = [tuple(`document:${name}-${i}#viewer@user:a`)];
        await writeTuples(pool, storeId, [request({ writes })], new Date(NOW));
      }
    });
    const writing = { isOver: false };
    const written = Promise.all(writers).finally(() => (writing.isOver = true));
    const entries: LogEntry[] = [];
    let pages = 0;
    for (let isLast = false; !isLast; pages += 1) {
      isLast = writing.isOver;
      entries.push(...(await pagesFrom(storeId, entries.at(-1) ?? START, { limit: 4 })));
    }
    await written;
    expect(pages).toBeGreaterThan(2);
    const all = Array.from({ length: 60 }, (_, i) => `${i + 1}.0`);
    expect(entries.map(({ revision, ordinal }) => `${revision}.${ordinal}`)).toEqual(all);
  });

  it('find a type among others, however little is walked at a time', async () => {
    const storeId = await newStore(database);
    const names = ['a:1', 'b:1', 'b:2', 'a:2', 'b:3', 'b:4', 'b:5', 'b:6', 'a:3', 'b:7'];
    for (const name of names) {
      const writes = [tuple(`${name}#viewer@user:x`), tuple(`c:${name.slice(2)}#viewer@user:y`)];
      await writeTuples(
        database,
        storeId,
        [request({ writes, onDuplicate: 'ignore' })],
        new Date(),
      );
    }
    for (const objectType of ['a', 'b', 'absent']) {
      const expected = names.filter((name) => name.startsWith(objectType));
      for (const limit of [1, 2, 100]) {
        for (const walk of [1, 2, 3, 7, 1000]) {
          const start = { revision: 0, ordinal: -1 };
          const found = await pagesFrom(storeId, start, { limit, objectType }, walk);
          expect(found.map(({ change }) => formatObject(change.tuple.object))).toEqual(expected);
        }
      }
    }
  });

  it('go through what was imported as through all else, by position, type and time', async () => {
    const storeId = await newStore(database);
    const imported = [
      ...Array.from({ length: 500 }, (_, i) => tuple(`document:${i}#viewer@user:a`)),
      ...Array.from({ length: 7 }, (_, i) => tuple(`folder:${i}#viewer@user:\\${i}`)),
      { ...tuple('folder:3#viewer@user:b'), condition: { name: 'c', context: { n: 1 } } },
      { ...tuple('folder:3#viewer@user:c'), expiresAt: NOW + 1e9 },
    ];
    const entities = ['1', '2'].map((id) => ({ entity: { type: 'd', id }, attributes: { n: 1 } }));
    await write(storeId, 'a', 2, NOW);
    await importChunk(database, storeId, ChunkRows.of(imported, entities), new Date(NOW + 10));
    await write(storeId, 'b', 2, NOW + 20);
    const [{ rows } = { rows: 0 }] = await database.query(
      'SELECT count(*)::int AS rows FROM tuple_change WHERE store_id = $1',
      [storeId],
    );
    expect(rows).toBeLessThan(20);

    const revisions = await readRevisions(database, storeId, 0 as Revision, 100);
    const logged = revisions.flatMap(({ revision, changes }) =>
      changes.flatMap((change, ordinal) =>
        change.operation === 'attributes' ? [] : [{ revision, ordinal, change }],
      ),
    );
    expect(revisions.map(({ changes }) => changes.length)).toEqual([2, imported.length + 2, 2]);
    const keys = (changes: readonly TupleChange[]): readonly string[] =>
      changes.map((change) => formatTupleKey(change.tuple)).sort();
    expect(keys(logged.slice(2, -2).map(({ change }) => change))).toEqual(
      imported.map(formatTupleKey).sort(),
    );
    for (const limit of [1, 7, 100, 1000]) {
      for (const walk of limit === 1 ? [1000] : [1, 3, 1000]) {
        for (const objectType of [undefined, 'document', 'folder', 'absent']) {
          const options = { limit, ...(objectType !== undefined && { objectType }) };
          const found = await pagesFrom(storeId, START, options, walk);
          const expected = logged.filter(
            ({ change }) => objectType === undefined || change.tuple.object.type === objectType,
          );
          expect(
            found.map(({ revision, ordinal, change }) => ({ revision, ordinal, change })),
          ).toEqual(expected);
        }
      }
    }
    // A page is as full as it can be, whichever batch it starts in the middle of.
    for (const ordinal of [-1, 0, 150, 198, 199, 200, 420]) {
      const after = { revision: 2, ordinal };
      const { entries } = await readChanges(database, storeId, { after, limit: 60 });
      expect(entries.map((entry) => entry.ordinal)).toEqual(
        Array.from({ length: 60 }, (_, i) => ordinal + 1 + i),
      );
    }
    expect(await positionBefore(database, storeId, new Date(NOW + 5))).toEqual({
      revision: 2,
      ordinal: -1,
    });
  });

  it('start where a time says', async () => {
    const storeId = await newStore(database);
    await write(storeId, 'a', 2, NOW);
    await write(storeId, 'b', 2, NOW + 10);
    await write(storeId, 'c', 2, NOW + 10);
    await write(storeId, 'd', 2, NOW + 20);
    const firstFrom = async (time: number): Promise<string | undefined> => {
      const start = await positionBefore(database, storeId, new Date(time));
      if (start === undefined) return undefined;
      const { entries } = await readChanges(database, storeId, { after: start, limit: 1 });
      const [entry] = entries;
      return entry && told(entry).slice(0, 3);
    };
    expect(await firstFrom(NOW - 1000)).toBe('1.0');
    expect(await firstFrom(NOW)).toBe('1.0');
    expect(await firstFrom(NOW + 1)).toBe('2.0');
    expect(await firstFrom(NOW + 10)).toBe('2.0');
    expect(await firstFrom(NOW + 11)).toBe('4.0');
    expect(await firstFrom(NOW + 21)).toBeUndefined();
  });

  it('bear times that never run backwards, though a clock may be behind', async () => {
    const storeId = await newStore(database);
    await write(storeId, 'a', 1, NOW + 50);
    await write(storeId, 'b', 1, NOW);
    await importChunk(
      database,
      storeId,
      ChunkRows.of([tuple('document:i#viewer@user:a')]),
      new Date(NOW),
    );
    await write(storeId, 'c', 1, NOW + 60);
    const entries = await pagesFrom(storeId, START, { limit: 10 });
    expect(entries.map(({ changedAt }) => changedAt.getTime() - NOW)).toEqual([50, 50, 50, 60]);
    const start = await positionBefore(database, storeId, new Date(NOW + 1));
    expect(start).toEqual({ revision: 1, ordinal: -1 });
  });
});

describeWithPostgres('the place of a time in the log', () => {
  it('is that of the first change at or after it, whatever the log looks like', async () => {
    const storeId = await newStore(database);
    expect(await positionBefore(database, storeId, new Date(NOW))).toBeUndefined();
    const times = [0, 0, 10, 10, 10, 11, 30, 30, 90];
    for (const [i, time] of times.entries()) await write(storeId, `t${i}`, 1 + (i % 3), NOW + time);
    const expectAll = async (revisions: readonly number[]): Promise<void> => {
      for (let time = -1; time <= 91; time += 1) {
        const first = revisions.find((revision) => times[revision - 1]! >= time);
        expect([time, await positionBefore(database, storeId, new Date(NOW + time))]).toEqual([
          time,
          first && { revision: first, ordinal: -1 },
        ]);
      }
    };
    const all = times.map((_, i) => i + 1);
    await expectAll(all);
    // As after the oldest were trimmed, or some were lost.
    for (const gone of [1, 2, 4, 5, 7, 9]) {
      await database.query('DELETE FROM tuple_change WHERE store_id = $1 AND revision = $2', [
        storeId,
        gone,
      ]);
    }
    await expectAll([3, 6, 8]);
  });
});

describeWithPostgres('reading revisions', () => {
  it('gives whole ones in order, after the one that is known', async () => {
    const storeId = await newStore(database);
    for (const name of ['a', 'b', 'c', 'd']) await write(storeId, name, 3);
    await write(await newStore(database), 'other', 3);
    const read = await readRevisions(database, storeId, 1 as Revision, 2);
    expect(read.map(({ revision, changes }) => [revision, changes.length])).toEqual([
      [2, 3],
      [3, 3],
    ]);
    expect(read[0]?.changes[2]).toEqual({
      operation: 'write',
      tuple: tuple('group:b-2#viewer@user:a'),
    });
    expect(await readRevisions(database, storeId, 4 as Revision, 10)).toEqual([]);
  });

  it('reads no more changes than it may, but always one revision whole', async () => {
    const storeId = await newStore(database);
    const sizes = [2, 3, 1, 7, 1];
    for (const [i, size] of sizes.entries()) await write(storeId, `r${i}`, size);
    const sizesAfter = async (after: number, maxRows: number): Promise<readonly number[]> => {
      const read = await readRevisions(database, storeId, after as Revision, 100, maxRows);
      return read.map(({ changes }) => changes.length);
    };
    expect(await sizesAfter(0, 5)).toEqual([2, 3]);
    expect(await sizesAfter(0, 4)).toEqual([2]);
    expect(await sizesAfter(0, 1)).toEqual([2]);
    expect(await sizesAfter(2, 7)).toEqual([1]);
    expect(await sizesAfter(3, 7)).toEqual([7]);
    expect(await sizesAfter(3, 8)).toEqual([7, 1]);
    expect(await sizesAfter(0, 14)).toEqual(sizes);
    expect(await sizesAfter(0, 13)).toEqual([2, 3, 1, 7]);
    expect(await sizesAfter(5, 1)).toEqual([]);
  });

  it('counts what was imported by its changes', async () => {
    const storeId = await newStore(database);
    for (const name of ['a', 'b', 'c']) {
      const rows = Array.from({ length: 300 }, (_, i) =>
        tuple(`document:${name}${i}#viewer@user:x`),
      );
      await importChunk(database, storeId, ChunkRows.of(rows), new Date(NOW));
    }
    const lengthsUpTo = async (maxChanges: number): Promise<readonly number[]> => {
      const read = await readRevisions(database, storeId, 0 as Revision, 100, maxChanges);
      return read.map(({ changes }) => changes.length);
    };
    expect(await lengthsUpTo(299)).toEqual([300]);
    expect(await lengthsUpTo(599)).toEqual([300]);
    expect(await lengthsUpTo(600)).toEqual([300, 300]);
    expect(await lengthsUpTo(900)).toEqual([300, 300, 300]);
  });

  it('shows where the log has a gap', async () => {
    const storeId = await newStore(database);
    for (const name of ['a', 'b', 'c']) await write(storeId, name, 1);
    await database.query('DELETE FROM tuple_change WHERE store_id = $1 AND revision = 2', [
      storeId,
    ]);
    const read = await readRevisions(database, storeId, 0 as Revision, 10);
    expect(read.map(({ revision }) => revision)).toEqual([1, 3]);
  });
});
