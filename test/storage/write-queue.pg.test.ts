import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { StoreId } from '../../src/ids.js';
import type { Database } from '../../src/storage/database.js';
import { WriteQueue } from '../../src/storage/write-queue.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import type { WriteOutcome } from '../../src/storage/write-ledger.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newStore, openStorage, request } from '../support/storage.js';
import { storedTuples, tuple, until } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

let storage: TestStorage;
beforeAll(async () => {
  storage = await openStorage();
});
afterAll(() => storage.close());

const queueOn = (database: Database): WriteQueue => countingQueueOn(database).queue;

/** `sizes`: of the batches that were begun. */
function countingQueueOn(
  database: Database,
  maxWaiting?: number,
): { readonly queue: WriteQueue; readonly sizes: readonly number[] } {
  const sizes: number[] = [];
  const queue = new WriteQueue((storeId, requests) => {
    sizes.push(requests.length);
    return writeTuples(database, storeId, requests, new Date());
  }, maxWaiting);
  return { queue, sizes };
}

const numbered = (i: number): RelationTuple => tuple(`document:${i}#viewer@user:anne`);
const writing = (i: number): ReturnType<typeof request> => request({ writes: [numbered(i)] });

const revisionOf = (outcome: WriteOutcome): number =>
  outcome.kind === 'written' ? outcome.revision : NaN;

/** Holds the store's row lock for as long as `work` takes. */
async function whileLocked(storeId: StoreId, work: () => Promise<unknown>): Promise<void> {
  const locker = await storage.connect({ timeoutMs: 20_000 });
  await locker.transaction(async (session) => {
    await session.query('SELECT FROM store WHERE store_id = $1 FOR UPDATE', [storeId]);
    await work();
  });
}

describeWithPostgres('the write queue', () => {
  it('brings the requests that come together into one transaction, 64 at most', async () => {
    const { database } = storage;
    const storeId = await newStore(database);
    const { queue, sizes } = countingQueueOn(database);
    const submitted = Array.from({ length: 150 }, (_, i) => queue.submit(storeId, writing(i)));
    const outcomes = await Promise.all(submitted);
    expect(outcomes.map(revisionOf)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
    // By the queue's word and by PostgreSQL's.
    expect(sizes).toEqual([64, 64, 22]);
    const [row] = await database.query(
      `SELECT count(DISTINCT xmin::text)::int AS transactions FROM tuple_change
       WHERE store_id = $1`,
      [storeId],
    );
    expect(row).toEqual({ transactions: 3 });
  });

  it('brings those that come during a transaction, and those just answered, into the next', async () => {
    const { database } = storage;
    const storeId = await newStore(database);
    const { queue, sizes } = countingQueueOn(database);
    let waiting: Promise<unknown> | undefined;
    const client = async (name: number): Promise<void> => {
      for (const turn of [0, 1, 2]) await queue.submit(storeId, writing(3 * name + turn));
    };
    await whileLocked(storeId, async () => {
      const first = client(0);
      await until(() => sizes.length === 1);
      waiting = Promise.all([first, client(1), client(2)]);
    });
    await waiting;
    expect(sizes).toEqual([1, 3, 3, 2]);
  });

  it('keeps the order of a store, and has stores go on beside each other', async () => {
    const { database } = storage;
    const [slow, quick] = [await newStore(database), await newStore(database)];
    const queue = queueOn(database);
    const key = numbered(1);
    const turns = Array.from({ length: 100 }, (_, i) =>
      i % 2 === 0 ? request({ writes: [key] }) : request({ deletes: [key] }),
    );
    let waiting: Promise<readonly WriteOutcome[]> | undefined;
    await whileLocked(slow, async () => {
      waiting = Promise.all(turns.map((turn) => queue.submit(slow, turn)));
      expect(revisionOf(await queue.submit(quick, writing(1)))).toBe(1);
    });
    // In any other order a write would have met a tuple, or a delete none.
    expect((await waiting!).map(revisionOf)).toEqual(turns.map((_, i) => i + 1));
  });

  it('tries the requests of a failed transaction alone, so that only the cause fails', async () => {
    const { database } = storage;
    const storeId = await newStore(database);
    const queue = queueOn(database);
    const poison = tuple('document:poison#viewer@user:anne', {
      condition: { name: 'c', context: { text: 'PostgreSQL takes no \u0000' } },
    });
    const submitted = [
      ...[writing(0), writing(1), writing(2)],
      ...[request({ writes: [poison] }), writing(3), writing(2)],
    ].map((one) => queue.submit(storeId, one));
    const settled = await Promise.allSettled(submitted);
    expect(
      settled.map((one) => (one.status === 'fulfilled' ? revisionOf(one.value) : 'failed')),
    ).toEqual([1, 2, 3, 'failed', 4, NaN]);
    expect(await storedTuples(database, storeId)).toHaveLength(4);
    expect(revisionOf(await queue.submit(storeId, writing(5)))).toBe(5);
  });

  it('rejects all of a transaction when the database is unavailable, and then goes on', async () => {
    const database = await storage.connect({ timeoutMs: 500 });
    const storeId = await newStore(database);
    const { queue, sizes } = countingQueueOn(database);
    await whileLocked(storeId, async () => {
      const submit = (i: number): Promise<WriteOutcome> => queue.submit(storeId, writing(i));
      const submitted = [submit(0)];
      await until(() => sizes.length === 1);
      submitted.push(...Array.from({ length: 9 }, (_, i) => submit(i + 1)));
      for (const one of await Promise.allSettled(submitted)) {
        expect(one).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
      }
      // The first, and the nine that came while it waited: none of them was tried again.
      expect(sizes).toEqual([1, 9]);
    });
    expect(await storedTuples(database, storeId)).toEqual([]);
    expect(revisionOf(await queue.submit(storeId, writing(1)))).toBe(1);
  });

  it('has a limit, beyond which it says so at once', async () => {
    const { database } = storage;
    const storeId = await newStore(database);
    const { queue, sizes } = countingQueueOn(database, 2);
    let submitted: Promise<WriteOutcome>[] = [];
    await whileLocked(storeId, async () => {
      submitted = [queue.submit(storeId, writing(0))];
      await until(() => sizes.length === 1);
      submitted.push(...[1, 2].map((i) => queue.submit(storeId, writing(i))));
      await expect(queue.submit(storeId, writing(3))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('2 writes'),
      });
      // Another store has a queue of its own.
      expect(revisionOf(await queue.submit(await newStore(database), writing(1)))).toBe(1);
    });
    expect((await Promise.all(submitted)).map(revisionOf)).toEqual([1, 2, 3]);
  });
});
