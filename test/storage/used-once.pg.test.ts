/** What counts once, between processes; and that it does not stay for ever. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '../../src/storage/database.js';
import { claimOnce, forgetUsed } from '../../src/storage/used-once.js';
import { describeWithPostgres } from '../support/postgres.js';
import { openStorage } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

const NOW = new Date('2030-01-01T00:00:00Z');
const LATER = new Date('2030-01-01T00:05:00Z');

describeWithPostgres('what counts once', () => {
  let storage: TestStorage;
  let processes: readonly Database[];

  beforeAll(async () => {
    storage = await openStorage();
    processes = [storage.database, await storage.connect(), await storage.connect()];
  });
  afterAll(() => storage.close());

  it('is claimed by one of many at once', async () => {
    for (let round = 0; round < 20; round++) {
      const digest = randomBytes(32);
      const claims = processes.flatMap((one) => [
        claimOnce(one, digest, LATER),
        claimOnce(one, digest, LATER),
      ]);
      expect((await Promise.all(claims)).filter((isFirst) => isFirst)).toHaveLength(1);
    }
  });

  it('is forgotten when it has expired, in batches, and not before', async () => {
    const [database] = processes;
    if (database === undefined) throw new Error('there is no process');
    await forgetUsed(database, new Date(LATER.getTime() + 1), 1000);
    const digest = randomBytes(32);
    await claimOnce(database, digest, LATER);
    for (let i = 0; i < 5; i++) await claimOnce(database, randomBytes(32), NOW);
    expect(await forgetUsed(database, NOW, 3)).toBe(3);
    expect(await forgetUsed(database, NOW, 3)).toBe(2);
    expect(await forgetUsed(database, NOW, 3)).toBe(0);
    expect(await claimOnce(database, digest, LATER)).toBe(false);
    expect(await forgetUsed(database, LATER, 3)).toBe(1);
    expect(await claimOnce(database, digest, LATER)).toBe(true);
  });
});
