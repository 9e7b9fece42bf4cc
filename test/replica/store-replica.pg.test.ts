/** One store's graph: loaded at a snapshot, and in step with the log from there on. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { systemClock } from '../../src/clock.js';
import { asRevision } from '../../src/ids.js';
import type { ModelId, Revision, StoreId } from '../../src/ids.js';
import { StoreReplica } from '../../src/replica/store-replica.js';
import type { Database } from '../../src/storage/database.js';
import { insertModel } from '../../src/storage/models.js';
import { readSnapshot } from '../../src/storage/snapshot.js';
import { softDeleteStore, storeHeads } from '../../src/storage/stores.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import type { WriteOutcome } from '../../src/storage/write-ledger.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { Random } from '../reference/random.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newId, newStore, openStorage, request, statementsOf } from '../support/storage.js';
import { storedTuples, tuple, untilBlocked, whileTuplesAreLocked } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';
import { edgesOf, randomRequest, silentWrite } from './edges.js';

const SEED_MAX = 2 ** 31;
const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * SEED_MAX));

let storage: TestStorage;
let database: Database;
let random: Random;
beforeAll(async () => {
  storage = await openStorage();
  database = storage.database;
  random = new Random(seed);
});
afterAll(() => storage.close());

const load = (storeId: StoreId): Promise<StoreReplica> =>
  StoreReplica.load(storeId, database, systemClock);

/** A revision; requests that happen to change nothing do not count. */
async function write(storeId: StoreId): Promise<Extract<WriteOutcome, { kind: 'written' }>> {
  for (;;) {
    const [outcome] = await writeTuples(database, storeId, [randomRequest(random)], new Date());
    if (outcome?.kind !== 'written') throw new Error('a random request was refused');
    if (outcome.changes.length > 0) return outcome;
  }
}

async function follow(replica: StoreReplica): Promise<void> {
  const { storeId } = replica;
  const head = (await storeHeads(database, [storeId])).get(storeId);
  await replica.keepUp(head!, systemClock.monotonic());
  expect(replica.revision).toBe(head!.revision);
  expect(edgesOf(replica.graph)).toEqual(await storedTuples(database, storeId));
}

/** Statements in another process, at once: nothing goes on in this one until they are committed. */
function runOutside(statements: readonly string[]): void {
  const program = `const client = new (require('pg').Client)(JSON.parse(process.argv[1]));
    client.connect().then(() => client.query(process.argv[2])).then(() => client.end());`;
  const values = [JSON.stringify(database.options.address), statements.join(';')];
  execFileSync(process.execPath, ['--eval', program, ...values], { stdio: 'pipe' });
}

/** More than comes at once from PostgreSQL. */
async function largeStore(): Promise<StoreId> {
  const storeId = await newStore(database);
  const writes = Array.from({ length: 5000 }, (_, i) => tuple(`document:${i}#owner@user:o${i}`));
  await writeTuples(database, storeId, [request({ writes })], new Date());
  return storeId;
}

describeWithPostgres(`a store's replica (PEMBA_SEED=${seed})`, () => {
  it('is loaded as of one revision, whatever is written meanwhile, and follows', async () => {
    const storeId = await largeStore();
    const model = newId() as ModelId;
    await insertModel(
      database,
      storeId,
      () => ({ id: model, body: {}, attachments: {}, metadata: {} }),
      {
        now: new Date(),
      },
    );
    const writing = (async () => {
      for (let i = 0; i < 60; i += 1) await write(storeId);
    })();
    const replicas: StoreReplica[] = [];
    for (let i = 0; i < 4; i += 1) replicas.push(await load(storeId));
    await writing;
    expect(replicas.some(({ revision }) => revision > 1)).toBe(true);
    for (const replica of replicas) {
      expect(replica.newestModel).toBe(model);
      await follow(replica);
    }
  });

  it('is of the revision it says, whatever is committed before its tuples are read', async () => {
    const storeId = await newStore(database);
    const seen: RelationTuple[] = [];
    const head = await readSnapshot(database, storeId, {
      begin: () => {
        runOutside(silentWrite(storeId));
      },
      tuple: (one) => seen.push(one),
      attributes: () => undefined,
    });
    expect(head).toMatchObject({ revision: 0, newestModel: undefined });
    expect(seen).toEqual([]);
    expect(await storedTuples(database, storeId)).toHaveLength(1);
  });

  it('is none where there is no store', async () => {
    const storeId = await newStore(database);
    await softDeleteStore(database, storeId, new Date());
    await expect(load(storeId)).rejects.toMatchObject({ code: 'store_not_found' });
  });

  it('takes its own writes at once, without the database', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    const { revision, changes } = await write(storeId);
    const asked = await statementsOf(database, async () => {
      const applied = replica.applyOwn(revision, changes);
      expect(replica.revision).toBe(revision);
      await applied;
    });
    expect(asked).toEqual([]);
    await follow(replica);
  });

  it('reads nothing of an own write that others hear of before its end', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    const asked = await statementsOf(database, async () => {
      replica.expectOwn(1 as Revision);
      const reached = replica.catchUp(1 as Revision);
      await replica.applyOwn(1 as Revision, [
        { operation: 'write', tuple: tuple('document:1#viewer@user:a') },
      ]);
      await reached;
    });
    expect(asked).toEqual([]);
    expect(replica.revision).toBe(1);
  });

  it('reads what was committed when nobody knows how an own write ended', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    const giveUp = replica.expectOwn(asRevision(replica.revision + 1));
    const { revision } = await write(storeId);
    const reached = replica.catchUp(revision);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(replica.revision).toBeLessThan(revision);
    giveUp();
    await reached;
    await follow(replica);
  });

  it('takes what was before an own write that is expected from the log', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    await write(storeId);
    const { revision, changes } = await write(storeId);
    replica.expectOwn(revision);
    const reached = replica.catchUp(revision);
    await replica.applyOwn(revision, changes);
    await reached;
    await follow(replica);
  });

  it('takes what it lacks from the log before an own write', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    for (let i = 0; i < 3; i += 1) await write(storeId);
    const { revision, changes } = await write(storeId);
    await replica.applyOwn(revision, changes);
    expect(replica.revision).toBe(revision);
    await follow(replica);
  });

  it('catches up to what a write found that had nothing to change', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    const writes = [tuple('document:1#viewer@user:a')];
    await writeTuples(database, storeId, [request({ writes })], new Date());
    const again = [request({ writes, onDuplicate: 'ignore' })];
    const [outcome] = await writeTuples(database, storeId, again, new Date());
    expect(outcome).toEqual({ kind: 'written', revision: 1, changes: [] });
    await replica.applyOwn(1 as Revision, []);
    await follow(replica);
  });

  it('applies revisions in order, however own writes and the log come together', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    let previous: Revision = replica.revision;
    const watch = (): void => {
      expect(replica.revision).toBeGreaterThanOrEqual(previous);
      previous = replica.revision;
    };
    const turn = async (): Promise<void> => {
      const { revision, changes } = await write(storeId);
      const delay = random.between(0, 3);
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      watch();
      if (random.chance(0.6)) await replica.applyOwn(revision, changes);
      else if (random.chance(0.5)) await replica.catchUp(revision);
      else return;
      expect(replica.revision).toBeGreaterThanOrEqual(revision);
      watch();
    };
    for (let round = 0; round < 25; round += 1) await Promise.all([1, 2, 3, 4, 5, 6].map(turn));
    await follow(replica);
  });

  it('reads one part of the log for all who wait for it', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    for (let i = 0; i < 5; i += 1) await write(storeId);
    const { revision } = await write(storeId);
    const reads = await statementsOf(database, () =>
      Promise.all(Array.from({ length: 20 }, () => replica.catchUp(revision))),
    );
    expect(reads).toHaveLength(1);
    await follow(replica);
  });

  it('follows a log of many readings', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    const batch = Array.from({ length: 1500 }, () => randomRequest(random));
    await writeTuples(database, storeId, batch, new Date());
    await follow(replica);
    expect(replica.revision).toBeGreaterThan(1000);
  });

  it('is loaded anew where the log has a gap', async () => {
    const storeId = await newStore(database);
    for (let i = 0; i < 5; i += 1) await write(storeId);
    const replica = await load(storeId);
    const loaded = replica.graph;
    const gap = (await write(storeId)).revision + 1;
    for (let i = 0; i < 5; i += 1) await write(storeId);
    await database.query('DELETE FROM tuple_change WHERE store_id = $1 AND revision = $2', [
      ...[storeId, gap],
    ]);
    await follow(replica);
    expect(replica.graph).not.toBe(loaded);
    for (let i = 0; i < 3; i += 1) await write(storeId);
    await follow(replica);
  });

  it('is loaded anew where the log was trimmed to nothing, own writes or not', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    const own: Awaited<ReturnType<typeof write>>[] = [];
    for (let i = 0; i < 6; i += 1) own.push(await write(storeId));
    await database.query('DELETE FROM tuple_change WHERE store_id = $1', [storeId]);
    const applied = own.map(({ revision, changes }) => replica.applyOwn(revision, changes));
    await Promise.all([...applied, replica.catchUp(own.at(-1)!.revision)]);
    await follow(replica);
  });

  it('keeps own writes that overtake a loading', async () => {
    const storeId = await newStore(database);
    const replica = await load(storeId);
    const logged = [await write(storeId), await write(storeId)];
    await database.query('DELETE FROM tuple_change WHERE store_id = $1', [storeId]);
    const next = tuple('document:next#viewer@user:a');
    let caughtUp: Promise<void> | undefined;
    await whileTuplesAreLocked(storage, async () => {
      caughtUp = replica.catchUp(2 as Revision);
      await untilBlocked(database);
      // The snapshot is of revision 2 by now.
      for (const { revision, changes } of logged) await replica.applyOwn(revision, changes);
      await replica.applyOwn(3 as Revision, [{ operation: 'write', tuple: next }]);
    });
    await caughtUp;
    expect(replica.revision).toBe(3);
    await writeTuples(database, storeId, [request({ writes: [next] })], new Date());
    await follow(replica);
  });
});
