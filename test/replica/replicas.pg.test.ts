/** The replicas of several processes on one database, kept in step by notices and polls. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import type { StoreId } from '../../src/ids.js';
import { Replicas } from '../../src/replica/replicas.js';
import type { Database } from '../../src/storage/database.js';
import { insertModel } from '../../src/storage/models.js';
import { softDeleteStore, storeHeads } from '../../src/storage/stores.js';
import { WriteQueue } from '../../src/storage/write-queue.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import type { WriteRequest } from '../../src/storage/write-ledger.js';
import { Random } from '../reference/random.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newId, newStore, openStorage, request, statementsOf } from '../support/storage.js';
import {
  storedTuples,
  tuple,
  until,
  untilBlocked,
  whileTuplesAreLocked,
} from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';
import { edgesOf, randomRequest, silentWrite } from './edges.js';

const SEED_MAX = 2 ** 31;
const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * SEED_MAX));

/** Longer than any test: whatever happens was not the doing of a poll. */
const NEVER_MS = 600_000;

let storage: TestStorage;
const started: TestProcess[] = [];
beforeAll(async () => {
  storage = await openStorage();
});
afterAll(() => storage.close());
afterEach(async () => {
  for (const one of started.splice(0)) await one.replicas.stop();
});

/** What a server process has of the database. */
class TestProcess {
  readonly replicas: Replicas;
  readonly database: Database;
  readonly #writes: WriteQueue;
  /** What was reported as failed. */
  readonly failed: string[] = [];

  private constructor(database: Database, pollIntervalMs: number) {
    this.database = database;
    this.replicas = new Replicas(database, systemClock, {
      pollIntervalMs,
      onError: (what) => this.failed.push(what),
    });
    this.#writes = new WriteQueue((storeId, requests) =>
      writeTuples(database, storeId, requests, new Date()),
    );
  }

  static async start(pollIntervalMs = NEVER_MS): Promise<TestProcess> {
    const one = new TestProcess(await storage.connect(), pollIntervalMs);
    started.push(one);
    const before = await listeners();
    one.replicas.start();
    await until(async () => (await listeners()).some((pid) => !before.includes(pid)));
    return one;
  }

  /** As the write operation does it. Returns the revision. */
  async write(storeId: StoreId, parts: Partial<WriteRequest>): Promise<number> {
    const outcome = await this.#writes.submit(storeId, request(parts));
    if (outcome.kind === 'refused') throw outcome.error;
    await this.replicas.peek(storeId)?.applyOwn(outcome.revision, outcome.changes);
    return outcome.revision;
  }

  revision(storeId: StoreId): number | undefined {
    return this.replicas.peek(storeId)?.revision;
  }
}

/** The process ids of the backends that listen. */
async function listeners(): Promise<readonly number[]> {
  const rows = await storage.database.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
  );
  return rows.map((row) => Number(row['pid']));
}

const numbered = (i: number): Partial<WriteRequest> => ({
  writes: [tuple(`document:${i}#viewer@user:a`)],
});

describeWithPostgres('a process', () => {
  it('loads a store once for all who ask for it', async () => {
    const one = await TestProcess.start();
    const storeId = await newStore(one.database);
    const opened = await Promise.all([1, 2, 3].map(() => one.replicas.open(storeId)));
    expect(new Set([...opened, one.replicas.peek(storeId)]).size).toBe(1);
    await expect(one.replicas.open(newId() as StoreId)).rejects.toMatchObject({
      code: 'store_not_found',
    });
  });

  it('is at what was written while it loaded, though it heard no notice of it', async () => {
    const one = await TestProcess.start();
    const storeId = await newStore(one.database);
    let loading: Promise<unknown> | undefined;
    await whileTuplesAreLocked(storage, async (session) => {
      loading = one.replicas.open(storeId);
      await untilBlocked(storage.database);
      for (const sql of silentWrite(storeId)) await session.query(sql);
    });
    await loading;
    await until(() => one.revision(storeId) === 1);
  });

  it('follows what another writes and models, by notices', async () => {
    const [one, other] = [await TestProcess.start(), await TestProcess.start()];
    const storeId = await newStore(one.database);
    await one.replicas.open(storeId);
    const written = await other.write(storeId, numbered(1));
    await until(() => one.revision(storeId) === written);
    const model = { id: newId() as never, body: {}, attachments: {}, metadata: {} };
    await insertModel(other.database, storeId, () => model, { now: new Date() });
    await until(() => one.replicas.peek(storeId)?.newestModel === model.id);
    expect([...one.failed, ...other.failed]).toEqual([]);
  });

  it('learns the newest models of what it holds, and of what it was loading', async () => {
    const one = await TestProcess.start();
    const [held, loaded] = [await newStore(one.database), await newStore(one.database)];
    await one.replicas.open(held);
    const model = newId();
    const storeSilently = `UPDATE store SET newest_model = $2 WHERE store_id = ANY ($1)`;
    let isLearned = false;
    let learning: Promise<void> | undefined;
    await whileTuplesAreLocked(storage, async (session) => {
      void one.replicas.open(loaded);
      await untilBlocked(storage.database);
      await storage.database.query(storeSilently, [[held, loaded], model]);
      learning = one.replicas.learnModels().then(() => {
        isLearned = true;
      });
      await session.query('SELECT pg_sleep(0.2)');
      expect(isLearned).toBe(false);
    });
    await learning;
    const known = [held, loaded].map((id) => one.replicas.peek(id)?.newestModel);
    expect(known).toEqual([model, model]);
  });

  it('is at its own write when the write is done', async () => {
    const one = await TestProcess.start();
    const storeId = await newStore(one.database);
    const replica = await one.replicas.open(storeId);
    for (let i = 0; i < 20; i += 1) {
      const writes = [1, 2, 3].map((n) => one.write(storeId, numbered(10 * i + n)));
      const revisions = await Promise.all(writes);
      expect(replica.revision).toBeGreaterThanOrEqual(Math.max(...revisions));
    }
  });

  it('drops a store that another deletes, by notice or by poll', async () => {
    const [one, other] = [await TestProcess.start(), await TestProcess.start()];
    const [noticed, polled] = [await newStore(one.database), await newStore(one.database)];
    for (const storeId of [noticed, polled]) await one.replicas.open(storeId);
    await softDeleteStore(other.database, noticed, new Date());
    await until(() => one.replicas.peek(noticed) === undefined);
    await storage.database.query('UPDATE store SET deleted_at = now() WHERE store_id = $1', [
      polled,
    ]);
    expect(one.replicas.peek(polled)).toBeDefined();
    await one.replicas.poll();
    expect(one.replicas.peek(polled)).toBeUndefined();
    await expect(one.replicas.open(polled)).rejects.toMatchObject({ code: 'store_not_found' });
  });
});

describeWithPostgres('a poll', () => {
  const failed: string[] = [];
  const withoutNotices = (): Replicas =>
    new Replicas(storage.database, systemClock, {
      pollIntervalMs: NEVER_MS,
      onError: (what) => failed.push(what),
    });
  const twoStores = async (): Promise<readonly StoreId[]> => [
    await newStore(storage.database),
    await newStore(storage.database),
  ];
  const write = (storeId: StoreId): Promise<unknown> =>
    writeTuples(storage.database, storeId, [request(numbered(1))], new Date());

  it('finds what no notice told', async () => {
    const replicas = withoutNotices();
    for (const storeId of await twoStores()) {
      const replica = await replicas.open(storeId);
      await write(storeId);
      expect(replica.revision).toBe(0);
    }
    const before = systemClock.monotonic();
    await replicas.poll();
    expect([...replicas.stores].map(({ revision }) => revision)).toEqual([1, 1]);
    expect([...replicas.stores].every(({ currentAt }) => currentAt >= before)).toBe(true);
    expect(replicas.stalenessMs).toBeLessThanOrEqual(systemClock.monotonic() - before);
    expect(failed).toEqual([]);
  });

  it('keeps the other stores in step when one fails, and does not call itself current', async () => {
    const replicas = withoutNotices();
    const stores = await twoStores();
    for (const storeId of stores) await replicas.open(storeId);
    for (const storeId of stores) await write(storeId);
    await storage.database.query(
      `UPDATE tuple_change SET batch = 'no tuple', batch_size = 1 WHERE store_id = $1`,
      [stores[0]!],
    );
    const before = systemClock.monotonic();
    await replicas.poll();
    expect([...replicas.stores].map(({ revision }) => revision)).toEqual([0, 1]);
    expect(failed).toEqual(['polling for changes']);
    expect(replicas.stalenessMs).toBeGreaterThan(systemClock.monotonic() - before);
  });
});

describeWithPostgres('reaching the head', () => {
  it('takes one query for all who ask at a moment', async () => {
    const one = await TestProcess.start();
    const storeId = await newStore(one.database);
    const replica = await one.replicas.open(storeId);
    const ask = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 50 }, () => one.replicas.reachHead(replica)));
    expect(await statementsOf(one.database, ask)).toHaveLength(1);
    expect(await statementsOf(one.database, ask)).toHaveLength(1);
  });

  it('asks anew when an answer that is under way may be too old', async () => {
    const one = await TestProcess.start();
    const storeId = await newStore(storage.database);
    const replica = await one.replicas.open(storeId);
    await one.replicas.stop(); // so that only this test asks for heads
    const { database } = one;
    const send = database.query.bind(database);
    let answered = 0;
    let deliver = (): void => undefined;
    const delivery = new Promise<void>((resolve) => (deliver = resolve));
    database.query = async (...statement) => {
      const rows = await send(...statement);
      answered += 1;
      await delivery;
      return rows;
    };
    const early = one.replicas.reachHead(replica);
    await until(() => answered === 1);
    await writeTuples(storage.database, storeId, [request(numbered(1))], new Date());
    const late = one.replicas.reachHead(replica);
    deliver();
    await Promise.all([early, late]);
    expect(replica.revision).toBe(1);
  });

  it('never misses a commit that was acknowledged before', async () => {
    const [one, other] = [await TestProcess.start(), await TestProcess.start()];
    const storeId = await newStore(one.database);
    const replica = await other.replicas.open(storeId);
    // Some ask while others write, so that queries are under way at any moment.
    const turn = async (name: number): Promise<void> => {
      for (let i = 0; i < 30; i += 1) {
        const written = await one.write(storeId, numbered(1000 * name + i));
        await other.replicas.reachHead(replica);
        expect(replica.revision).toBeGreaterThanOrEqual(written);
      }
    };
    await Promise.all([1, 2, 3, 4].map(turn));
    expect(replica.revision).toBe(120);
  });

  it('fails where the store is deleted, and drops it', async () => {
    const one = await TestProcess.start();
    const storeId = await newStore(one.database);
    const replica = await one.replicas.open(storeId);
    await one.database.query('UPDATE store SET deleted_at = now() WHERE store_id = $1', [storeId]);
    await expect(one.replicas.reachHead(replica)).rejects.toMatchObject({
      code: 'store_not_found',
    });
    expect(one.replicas.peek(storeId)).toBeUndefined();
  });
});

describeWithPostgres(`several processes (PEMBA_SEED=${seed})`, () => {
  it('converge after random writes', async () => {
    const random = new Random(seed);
    const processes = [await TestProcess.start(), await TestProcess.start()];
    const stores = [await newStore(storage.database), await newStore(storage.database)];
    for (const storeId of stores) for (const each of processes) await each.replicas.open(storeId);
    const writer = async (): Promise<void> => {
      for (let i = 0; i < 40; i += 1) {
        await random.pick(processes).write(random.pick(stores), randomRequest(random));
      }
    };
    await Promise.all([1, 2, 3, 4].map(writer));
    for (const storeId of stores) {
      const expected = await storedTuples(storage.database, storeId);
      const head = (await storeHeads(storage.database, [storeId])).get(storeId)!;
      for (const each of processes) {
        await until(() => each.revision(storeId) === head.revision);
        expect(edgesOf(each.replicas.peek(storeId)!.graph)).toEqual(expected);
      }
    }
    expect(processes.flatMap(({ failed }) => failed)).toEqual([]);
  });

  it('find what they missed while the listening connection was broken, and listen again', async () => {
    const one = await TestProcess.start();
    const storeId = await newStore(one.database);
    await one.replicas.open(storeId);
    const before = await listeners();
    await storage.database.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [
      before,
    ]);
    await until(async () => !(await listeners()).some((pid) => before.includes(pid)));
    await writeTuples(storage.database, storeId, [request(numbered(1))], new Date());
    await until(() => one.revision(storeId) === 1);
    expect(one.failed).toContain('listening for changes');
    await until(async () => (await listeners()).length > 0);
    await writeTuples(storage.database, storeId, [request(numbered(2))], new Date());
    await until(() => one.revision(storeId) === 2);
  });
});
