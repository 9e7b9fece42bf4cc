/** `pemba schema push`, `rollback` and `migrate` against several server processes, of which some are killed or paused. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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

  const run = (...args: readonly string[]): Promise<Outcome> =>
    runCommand(['schema', '--json', ...args], {
      cwd: folder,
      env: { PEMBA_URL: servers[0].url, PEMBA_STORE: store },
    });

  function push(relation: string, ...options: readonly string[]): Promise<Outcome> {
    writeFileSync(join(folder, 'a.fga'), schema(relation));
    return run('push', 'a.fga', '--yes', ...options);
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

  it('is rolled back in both before the command is done', async () => {
    await push('one');
    const first = String(jsonOf(await push('two'))['authorization_model_id']);
    await push('three');
    const back = await run('rollback', '--yes');
    expect(back).toMatchObject({ exitCode: 0 });
    expect(jsonOf(back)).toMatchObject({ written: true, rollout: { ready: 2, complete: true } });
    const statuses = await Promise.all(servers.map(({ url }) => check(url, 'two')));
    expect(statuses).toEqual([200, 200]);
    await push('three');
    servers[1].pause();
    const late = await run('rollback', '--to', first, '--yes', '--timeout', '1s');
    expect(late).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('is written, but 1 of 2 processes did not have it within 1s'),
    });
    expect(jsonOf(late)).toMatchObject({ written: true, rollout: { ready: 1, complete: false } });
    const hasty = await run('rollback', '--to', first, '--no-wait');
    expect(hasty).toMatchObject({ exitCode: 0 });
    expect(jsonOf(hasty)).not.toHaveProperty('rollout');
    servers[1].goOn();
    const again = await run('rollback', '--to', first);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(jsonOf(again)).toMatchObject({ written: false, rollout: { complete: true } });
    expect(await check(servers[1].url, 'two')).toBe(200);
  });

  it('loses no tuple of an old name before all know the new one', async () => {
    const call = (method: string, path: string, body: object): Promise<globalThis.Response> =>
      fetch(`${servers[0].url}/stores/${store}/${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const migrate = (...options: readonly string[]): Promise<Outcome> =>
      run('migrate', 'rename-relation', 'doc#one', 'two', ...options);
    await push('one');
    const key = { user: 'user:a', relation: 'one', object: 'doc:1' };
    await call('POST', 'write', { writes: { tuple_keys: [key] } });
    expect(await migrate('--keep-old')).toMatchObject({ exitCode: 0 });
    servers[1].pause();
    // A version of the model that only one of them gets to know.
    await call('PUT', 'claims-mapping', { context: ['acr'] });
    const late = await migrate('--timeout', '1s');
    expect(late).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('1 of 2 processes did not have it within 1s'),
    });
    expect(jsonOf(late)).toMatchObject({ copied: 0, deleted: 0, rollout: { complete: false } });
    servers[1].goOn();
    const done = await migrate();
    expect(done).toMatchObject({ exitCode: 0 });
    expect(jsonOf(done)).toMatchObject({ deleted: 1, rollout: { ready: 2, complete: true } });
    const statuses = await Promise.all(servers.map(({ url }) => check(url, 'two')));
    expect(statuses).toEqual([200, 200]);
  });
});

describe('a time to wait that is none', () => {
  it.each([['push', 'a.fga'], ['rollback'], ['migrate', 'rename-relation', 'doc#one', 'two']])(
    'is found before anybody is asked: %s',
    async (...args) => {
      const folder = mkdtempSync(join(tmpdir(), 'pemba-rollout-'));
      writeFileSync(join(folder, 'a.fga'), schema('one'));
      const outcome = await runCommand(['schema', '--json', ...args, '--timeout', 'soon'], {
        cwd: folder,
        // Nobody is there.
        env: { PEMBA_URL: 'http://127.0.0.1:9', PEMBA_STORE: '01ARZ3NDEKTSV4RRFFQ69G5FAV' },
      });
      rmSync(folder, { recursive: true });
      expect(outcome).toMatchObject({ exitCode: 2, out: '' });
    },
  );
});
