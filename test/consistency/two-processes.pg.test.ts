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
const AT_LEAST_MS = 8000;

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
    const history = await run({
      urls,
      seed,
      atLeastMs: AT_LEAST_MS,
      isEnough: (made) => lacks(made).length === 0,
    });
    expect(history.violations().slice(0, 10)).toEqual([]);
    expect(lacks(history)).toEqual([]);
  });
});

/** Nothing has been shown if something was not asked, or if nobody was ever behind. */
function lacks({ readings, written }: History): readonly string[] {
  const asked = new Set(readings.map(({ endpoint, freshness }) => `${endpoint} ${freshness}`));
  const all = ENDPOINTS.flatMap((endpoint) => FRESHNESS.map((one) => `${endpoint} ${one}`));
  const missing = all.filter((one) => !asked.has(one));
  const free = readings.filter(({ freshness }) => freshness === 'nothing');
  const behind = free.filter(({ revision, acknowledged }) => revision < acknowledged);
  if (behind.length < 20) missing.push('answers from behind');
  const swaps = written.filter(({ deletes }) => deletes[0]?.startsWith('slot:') === true);
  if (swaps.length < 20) missing.push('swaps of pairs');
  return missing;
}
