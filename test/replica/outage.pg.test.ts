/**
 * What happens when PostgreSQL is away, or there and silent: with a server of this file's own, which
 * is stopped, started and frozen.
 */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import type { StoreId } from '../../src/ids.js';
import { Replicas } from '../../src/replica/replicas.js';
import { Database } from '../../src/storage/database.js';
import type { Session } from '../../src/storage/database.js';
import { startEmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import type { EmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import { migrate } from '../../src/storage/migrations.js';
import { WriteQueue } from '../../src/storage/write-queue.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import { newStore, request, storedTuples, tuple, until } from '../support/storage.js';
import { edgesOf } from './edges.js';
import { describeOnUnix } from '../support/embedded.js';

/** The service's default. */
const TIMEOUT_MS = 5000;
/** What a caller should have to wait at most to hear that the database is away. */
const QUICKLY_MS = 6000;
/** For tests that have to sit through it. */
const SHORT_MS = 500;

let dataDir: string;
let server: EmbeddedPostgres;
const pools: Database[] = [];
const running: Replicas[] = [];
const frozen = new Set<number>();

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'pemba-outage-'));
  chmodSync(dataDir, 0o755);
  server = await start();
  const database = await connect();
  await migrate(database);
  await release();
});
afterEach(release);
afterAll(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ dataDir, durable: false });

async function connect(timeoutMs = TIMEOUT_MS, poolSize = 4): Promise<Database> {
  const address = server.connection;
  const database = await Database.connect({ address, poolSize, timeoutMs });
  pools.push(database);
  return database;
}

async function release(): Promise<void> {
  for (const pid of frozen) process.kill(pid, 'SIGCONT');
  frozen.clear();
  for (const replicas of running.splice(0)) await replicas.stop();
  for (const pool of pools.splice(0)) await pool.close();
}

function follow(database: Database, failed: string[]): Replicas {
  const onError = (what: string): void => void failed.push(what);
  const replicas = new Replicas(database, systemClock, { pollIntervalMs: 100, onError });
  running.push(replicas);
  replicas.start();
  return replicas;
}

function freeze(pid: number): void {
  frozen.add(pid);
  process.kill(pid, 'SIGSTOP');
}

const numbered = (i: number): ReturnType<typeof request> =>
  request({ writes: [tuple(`document:${i}#viewer@user:a`)] });

const write = (database: Database, storeId: StoreId, i: number): Promise<unknown> =>
  writeTuples(database, storeId, [numbered(i)], new Date());

async function expectUnavailable(work: () => Promise<unknown>, withinMs: number): Promise<void> {
  const startedAt = performance.now();
  await expect(work()).rejects.toMatchObject({ name: 'PembaError', code: 'unavailable' });
  expect(performance.now() - startedAt).toBeLessThan(withinMs);
}

async function backends(database: Database, condition: string): Promise<readonly number[]> {
  const rows = await database.query(`SELECT pid FROM pg_stat_activity WHERE ${condition}`);
  return rows.map((row) => Number(row['pid']));
}

const backendOf = async (session: Session): Promise<number> =>
  Number((await session.query('SELECT pg_backend_pid() AS pid'))[0]?.['pid']);

describeOnUnix('while PostgreSQL is stopped', () => {
  it('what needs it fails quickly, the graph answers, and all recovers by itself', async () => {
    const database = await connect();
    const failed: string[] = [];
    const replicas = follow(database, failed);
    const storeId = await newStore(database);
    const queue = new WriteQueue((id, requests) => writeTuples(database, id, requests, new Date()));
    await queue.submit(storeId, numbered(1));
    const replica = await replicas.open(storeId);
    const expected = await storedTuples(database, storeId);

    await server.stop();
    const stoppedAt = systemClock.monotonic();
    await Promise.all([
      expectUnavailable(() => database.query('SELECT 1'), QUICKLY_MS),
      expectUnavailable(() => queue.submit(storeId, numbered(2)), QUICKLY_MS),
      expectUnavailable(() => replicas.reachHead(replica), QUICKLY_MS),
      expectUnavailable(() => replicas.open('ANOTHER' as StoreId), QUICKLY_MS),
      expectUnavailable(() => migrate(database), QUICKLY_MS),
      expectUnavailable(() => connect(), QUICKLY_MS),
    ]);
    expect(edgesOf(replica.graph)).toEqual(expected);
    await until(() => failed.includes('listening for changes'));
    await until(() => failed.includes('polling for changes'));
    expect(replicas.stalenessMs).toBeGreaterThan(systemClock.monotonic() - stoppedAt - 200);

    server = await start();
    const other = await connect();
    await write(other, storeId, 3);
    await until(() => replica.revision === 2);
    await until(async () => (await backends(other, `query LIKE 'LISTEN %'`)).length > 0);
    await until(() => replicas.stalenessMs < 200);
    await Promise.all(Array.from({ length: 8 }, () => database.query('SELECT 1')));
    await queue.submit(storeId, numbered(2));
    await replicas.reachHead(replica);
    expect(edgesOf(replica.graph)).toEqual(await storedTuples(other, storeId));
  });

  it('a transaction that it stops in fails as well, in a statement or between two', async () => {
    const database = await connect();
    let begun = 0;
    const transactions = [`SELECT pg_sleep(60)`, `SELECT 1`].map((sql) => {
      const stopped = until(() => begun > 2);
      return expectUnavailable(
        () =>
          database.transaction(async (session) => {
            await session.query('SELECT 1');
            begun += 1;
            if (sql === 'SELECT 1') await stopped;
            await session.query(sql);
          }),
        QUICKLY_MS,
      );
    });
    await until(() => begun === 2);
    await server.stop();
    begun += 1;
    await Promise.all(transactions);
    server = await start();
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describeOnUnix('while PostgreSQL is silent', () => {
  it('a statement fails in time, and its connection is used no more', async () => {
    const database = await connect(SHORT_MS, 1);
    const pid = await backendOf(database);
    freeze(pid);
    await expectUnavailable(() => database.query('SELECT 1'), 4 * SHORT_MS);
    expect(await backendOf(database)).not.toBe(pid);
  });

  it('a transaction fails as soon as one of its statements', async () => {
    const database = await connect(SHORT_MS, 1);
    const work = (): Promise<void> =>
      database.transaction(async (session) => {
        freeze(await backendOf(session));
        await session.query('SELECT 1');
      });
    await expectUnavailable(work, 4 * SHORT_MS);
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('nobody gets connected, and is told so in time', async () => {
    const database = await connect(SHORT_MS, 1);
    await database.query('SELECT 1');
    const postmaster = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8');
    freeze(Number.parseInt(postmaster, 10));
    await expectUnavailable(() => connect(SHORT_MS), 4 * SHORT_MS);
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const failed: string[] = [];
    const replicas = follow(database, failed);
    await until(() => failed.includes('listening for changes'));
    const startedAt = performance.now();
    await replicas.stop();
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  it('polls go on when the listening connection is mute, and it can be stopped', async () => {
    const database = await connect();
    const storeId = await newStore(database);
    const replicas = follow(database, []);
    const replica = await replicas.open(storeId);
    const isListening = `query LIKE 'LISTEN %'`;
    await until(async () => (await backends(database, isListening)).length > 0);
    for (const pid of await backends(database, isListening)) freeze(pid);
    await write(database, storeId, 1);
    await until(() => replica.revision === 1);
    const startedAt = performance.now();
    await replicas.stop();
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
