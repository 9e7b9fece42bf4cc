/** `pemba schema diff` and `pemba schema impact`, built, against a server in this process. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../../support/pemba.js';
import type { Pemba, TestStore } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';

const COMMAND = join(import.meta.dirname, '..', '..', '..', 'dist', 'command.js');

const modelWith = (view: string): string => `model
  schema 1.1
type user
type order
  relations
    define owner: [user]
    define viewer: [user]
    define can_view: ${view}
`;

let pemba: Pemba;
let store: TestStore;
let directory: string;

function run(...args: readonly string[]): Promise<{ code: unknown; out: string; err: string }> {
  const env = { ...process.env, PEMBA_URL: pemba.url, PEMBA_API_KEY: '' };
  return new Promise((resolve) => {
    const options = { env, cwd: directory };
    execFile(process.execPath, [COMMAND, 'schema', ...args], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : error.code, out, err });
    });
  });
}

describeWithPostgres('a schema under review', () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pemba-review-'));
    pemba = await startPemba();
    store = await pemba.storeWith(modelWith('owner'));
    const writes = [{ user: 'user:anne', relation: 'viewer', object: 'order:1' }];
    await pemba.call('POST', `${store.path}/write`, { writes: { tuple_keys: writes } });
    writeFileSync(join(directory, 'same.fga'), modelWith('owner'));
    writeFileSync(join(directory, 'wider.fga'), modelWith('owner or viewer'));
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await pemba.stop();
  });

  it('is told how it differs from that of the store', async () => {
    const id = store.path.split('/').at(-1) ?? '';
    const { code, out } = await run('diff', `store:${id}`, 'wider.fga', '--fail-on', 'widening');
    expect(code).toBe(1);
    expect(out).toContain("widening   the rule of 'order#can_view' is wider");
    expect(out).toContain('+ owner or viewer');
    expect((await run('diff', `store:${id}`, 'same.fga', '--fail-on', 'any')).code).toBe(0);
  });

  it('is told who would gain access', async () => {
    const id = store.path.split('/').at(-1) ?? '';
    const { code, out } = await run('impact', 'wider.fga', '--store', id, '--fail-on', 'gained');
    expect(code).toBe(1);
    expect(out).toContain('order#can_view: 1 pair gained.');
    expect(out).toMatch(/user:anne {2}gains {2}can_view {2}on order:1/);
  });

  it('reads as paragraphs, those open to everybody among them', async () => {
    const before = modelWith('owner').replace('viewer: [user]', 'viewer: [user, user:*]');
    const { id, path } = await pemba.storeWith(before);
    const writes = [
      { user: 'user:anne', relation: 'viewer', object: 'order:1' },
      { user: 'user:charles', relation: 'owner', object: 'order:1' },
      { user: 'user:*', relation: 'viewer', object: 'order:2' },
    ];
    await pemba.call('POST', `${path}/write`, { writes: { tuple_keys: writes } });
    writeFileSync(
      join(directory, 'other.fga'),
      before.replace('can_view: owner', 'can_view: viewer'),
    );
    const { out } = await run('impact', 'other.fga', '--store', id, '--samples', '1');
    expect(out).toBe(`widening   the rule of 'order#can_view' is another one
  - owner
  + viewer
  may narrow as well

order#can_view: 3 pairs gained, 1 pair lost, 1 object opened to everybody.
  user:anne     gains  can_view  on order:1
  user:charles  loses  can_view  on order:1
  … and 3 more

In all: 3 pairs gained, 1 pair lost, 1 object opened to everybody.
`);
    writeFileSync(join(directory, 'before.fga'), before);
    const { out: none } = await run('impact', 'before.fga', '--store', id);
    expect(none).toBe('In all: nobody gains or loses access.\n');
  });

  it('fails for what only everybody gains', async () => {
    const before = modelWith('owner').replace('viewer: [user]', 'viewer: [user:*]');
    const { id, path } = await pemba.storeWith(before);
    const writes = [{ user: 'user:*', relation: 'viewer', object: 'order:2' }];
    await pemba.call('POST', `${path}/write`, { writes: { tuple_keys: writes } });
    writeFileSync(join(directory, 'open.fga'), before.replace('view: owner', 'view: viewer'));
    const found = await run('impact', 'open.fga', '--store', id, '--fail-on', 'gained');
    expect(found.code).toBe(1);
    expect(found.out).toContain('In all: 1 object opened to everybody.');
    const pushed = await run('push', 'open.fga', '--store', id);
    expect(pushed.err).toContain('1 object opened to everybody; where nobody can be asked');
  });

  it('is told in lines of JSON, and exits with 0 where nothing was to fail', async () => {
    const id = store.path.split('/').at(-1) ?? '';
    const { code, out } = await run('impact', 'wider.fga', '--store', id, '--json');
    expect(code).toBe(0);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines.at(-1)).toMatchObject({ end: { gained: 1, lost: 0, complete: true } });
  });

  it('refuses what it does not know as a mistake of usage', async () => {
    expect((await run('diff', 'same.fga', 'wider.fga', '--fail-on', 'x')).code).toBe(2);
    expect((await run('impact', 'gone.fga', '--store', 'x')).code).toBe(2);
  });
});
