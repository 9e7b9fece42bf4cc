/** `pemba schema push` against several server processes, of which some are killed or paused. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../support/command.js';
import type { Outcome } from '../support/command.js';
import { createTestDatabase, describeWithPostgres } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';
import { ServerProcess } from './server-process.js';
import { createStore } from './workload.js';

/** `SILENT_MS`, and a moment for the command itself on a busy machine. */
const SILENT_MS = 10_000;

const schema = (relation: string): string =>
  `model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define ${relation}: [user]\n`;

describeWithPostgres('a schema that is pushed to two processes', () => {
  let database: TestDatabase;
  let folder: string;
  let store: string;
  let servers: readonly [ServerProcess, ServerProcess];
  beforeEach(async () => {
    database = await createTestDatabase();
    folder = mkdtempSync(join(tmpdir(), 'pemba-rollout-'));
    const start = (): Promise<ServerProcess> => ServerProcess.start({ databaseUrl: database.url });
    servers = [await start(), await start()];
    store = await createStore(servers[0].url);
    for (const { url } of servers) await check(url, 'owner');
  });
  afterEach(async () => {
    for (const server of servers) await server.kill();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  /** The status: 200 where the newest model that is known has the relation. */
  async function check(url: string, relation: string): Promise<number> {
    const { status } = await fetch(`${url}/stores/${store}/check`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tuple_key: { user: 'user:a', relation, object: 'doc:1' } }),
    });
    return status;
  }

  function push(relation: string, ...options: readonly string[]): Promise<Outcome> {
    writeFileSync(join(folder, 'a.fga'), schema(relation));
    return runCommand(['schema', '--json', 'push', 'a.fga', '--yes', ...options], {
      cwd: folder,
      env: { PEMBA_URL: servers[0].url, PEMBA_STORE: store },
    });
  }

  const jsonOf = ({ out }: Outcome): Readonly<Record<string, unknown>> =>
    JSON.parse(out) as Readonly<Record<string, unknown>>;

  it('is answered with by both when the command is done', async () => {
    for (const relation of ['one', 'two', 'three']) {
      const pushed = await push(relation);
      expect(pushed).toMatchObject({ exitCode: 0 });
      expect(jsonOf(pushed)).toMatchObject({
        rollout: { processes: 2, ready: 2, complete: true },
      });
      const statuses = await Promise.all(servers.map(({ url }) => check(url, relation)));
      expect(statuses).toEqual([200, 200]);
    }
  });

  it('is written, and the command fails, while one of them is paused', async () => {
    servers[1].pause();
    const started = performance.now();
    const late = await push('one', '--timeout', '2s');
    expect(performance.now() - started).toBeLessThan(SILENT_MS);
    expect(late).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('is written, but 1 of 2 processes did not have it within 2s'),
    });
    expect(jsonOf(late)).toMatchObject({ written: true, rollout: { ready: 1, complete: false } });
    expect(await push('two', '--no-wait')).toMatchObject({ exitCode: 0 });
    servers[1].goOn();
    const again = await push('two');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(jsonOf(again)).toMatchObject({ written: false, rollout: { complete: true } });
    expect(await check(servers[1].url, 'two')).toBe(200);
  });

  it('waits for a killed one only until that was silent for 10 s', async () => {
    await servers[1].kill();
    const killedAt = performance.now();
    const pushed = await push('one');
    expect(pushed).toMatchObject({ exitCode: 0 });
    expect(jsonOf(pushed)).toMatchObject({ rollout: { processes: 1, ready: 1 } });
    // Its last word was up to 2 s before its end.
    expect(performance.now() - killedAt).toBeGreaterThan(SILENT_MS - 3000);
  });

  it('does not wait for one that was stopped in order', async () => {
    await servers[1].stop();
    const pushed = await push('one', '--timeout', '5s');
    expect(jsonOf(pushed)).toMatchObject({ rollout: { processes: 1, ready: 1, complete: true } });
  });

  it('is not pushed with a time that is none', async () => {
    expect(await push('one', '--timeout', 'soon')).toMatchObject({ exitCode: 2, out: '' });
  });
});
