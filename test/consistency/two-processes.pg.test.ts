/**
 * Two server processes on one database, each hearing late of what the other writes. No answer is
 * older than its client may expect, and each is of one revision.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestDatabase, describeWithPostgres } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';
import type { Freshness, History } from './history.js';
import { ServerProcess } from './server-process.js';
import { run } from './workload.js';

const SEED_MAX = 2 ** 31;
const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * SEED_MAX));
const DURATION_MS = 8000;

const ENDPOINTS = ['check', 'batch-check', 'list-objects', 'list-users', 'expand'];
const FRESHNESS: readonly Freshness[] = ['token', 'head', 'own', 'nothing'];

describeWithPostgres('two processes on one database', () => {
  let database: TestDatabase;
  const servers: ServerProcess[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
    for (const slow of [seed, seed + 1]) {
      servers.push(await ServerProcess.start({ databaseUrl: database.url, slow }));
    }
  });
  afterAll(async () => {
    try {
      for (const server of servers) await server.stop();
    } finally {
      for (const server of servers) await server.kill();
    }
    await database.drop();
  });

  it(`give no answer older than it may be, and each at one revision (seed ${seed})`, async () => {
    const urls = servers.map(({ url }) => url);
    const history = await run({ urls, seed, durationMs: DURATION_MS });
    expect(history.violations().slice(0, 10)).toEqual([]);
    expectVariety(history);
  });
});

/** Nothing has been shown if nothing was asked, or if nobody was ever behind. */
function expectVariety({ readings, written }: History): void {
  const asked = new Set(readings.map(({ endpoint, freshness }) => `${endpoint} ${freshness}`));
  const all = ENDPOINTS.flatMap((endpoint) => FRESHNESS.map((one) => `${endpoint} ${one}`));
  expect([...asked].sort()).toEqual(all.sort());
  expect(written.length).toBeGreaterThan(100);
  const free = readings.filter(({ freshness }) => freshness === 'nothing');
  const behind = free.filter(({ revision, acknowledged }) => revision < acknowledged);
  expect(behind.length).toBeGreaterThan(20);
  // Rivals have been seen on both sides.
  const sides = new Set(readings.flatMap(({ saw }) => [...saw].filter(isSlot).map(String)));
  expect(sides.size).toBeGreaterThan(4);
}

const isSlot = ([fact]: readonly [string, boolean]): boolean => fact.startsWith('slot:');
