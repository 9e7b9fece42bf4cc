/** Two server processes whose PostgreSQL, one of this test's own, is stopped and started again. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startEmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import type { EmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import { keyOf } from '../api/stores.js';
import { until } from '../support/storage.js';
import { History } from './history.js';
import { batchCheck, check, listObjects } from './questions.js';
import { ServerProcess } from './server-process.js';
import { Session, send } from './session.js';
import type { Reply } from './session.js';
import { createStore } from './workload.js';
import { describeOnUnix } from '../support/embedded.js';

/** How soon a caller hears that the database is away. */
const QUICKLY_MS = 6000;

const GRANT = 'document:1#granted@user:anne';
const VIEW = 'document:1#viewer@user:anne';
const LATER_GRANT = 'document:2#granted@user:anne';
const LATER_VIEW = 'document:2#viewer@user:anne';
const LIST = listObjects({ relation: 'viewer', user: 'user:anne' }, ['document:1', 'document:2']);

describeOnUnix('while PostgreSQL is stopped', () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres;
  const servers: ServerProcess[] = [];

  const startPostgres = async (): Promise<void> => {
    postgres = await startEmbeddedPostgres({ dataDir, durable: false });
  };
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'pemba-away-'));
    chmodSync(dataDir, 0o755); // for the server's user to get in
    await startPostgres();
    const { host, port, user, database } = postgres.connection;
    const databaseUrl = `postgresql://${user}@${encodeURIComponent(host)}:${port}/${database}`;
    for (let i = 0; i < 2; i += 1) servers.push(await ServerProcess.start({ databaseUrl }));
  });
  afterAll(async () => {
    for (const server of servers) await server.kill();
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const readiness = (): Promise<readonly Reply[]> =>
    Promise.all(servers.map(({ url }) => send('GET', `${url}/readyz`)));
  const allReady = async (): Promise<boolean> =>
    (await readiness()).every(({ status }) => status === 200);

  it('the graph answers, what needs it fails quickly, and all recovers by itself', async () => {
    const urls = servers.map(({ url }) => url);
    const id = await createStore(urls[0] ?? '');
    const history = new History();
    const session = new Session({ id, urls }, history);
    await session.write(0, { deletes: [], writes: [GRANT] });
    for (const server of [0, 1]) await session.read(server, 'head', check(VIEW));
    expect(await allReady()).toBe(true);

    await postgres.stop();
    const startedAt = performance.now();
    const failures = urls.flatMap((url) => [
      send('POST', `${url}/stores/${id}/write`, { writes: { tuple_keys: [keyOf(LATER_GRANT)] } }),
      send('POST', `${url}/stores/${id}/check`, {
        tuple_key: keyOf(VIEW),
        consistency: 'HIGHER_CONSISTENCY',
      }),
    ]);
    for (const server of [0, 1]) {
      await session.read(server, 'nothing', check(VIEW));
      await session.read(server, 'token', batchCheck([VIEW, LATER_VIEW]));
      await session.read(server, 'nothing', LIST);
    }
    for (const reply of await Promise.all(failures)) {
      expect(reply).toMatchObject({ status: 503, json: { code: 'unavailable' } });
    }
    for (const reply of await readiness()) {
      expect(reply).toMatchObject({ status: 503, json: { status: 'not ready' } });
    }
    expect(performance.now() - startedAt).toBeLessThan(QUICKLY_MS);

    await startPostgres();
    await until(allReady);
    await session.write(0, { deletes: [GRANT], writes: [LATER_GRANT] });
    for (const freshness of ['token', 'head'] as const) await session.read(1, freshness, LIST);
    await session.write(1, { deletes: [], writes: [GRANT] });
    await session.read(0, 'token', LIST);
    // Each follows the other again, without being asked to.
    await until(async () => {
      await session.read(0, 'nothing', LIST);
      return history.readings.at(-1)?.revision === history.acknowledged;
    });
    expect(history.violations()).toEqual([]);
  });
});
