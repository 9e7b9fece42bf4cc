/** Schemas pushed, listed, pulled and rolled back by the built command, against a server. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { startPemba } from '../../support/pemba.js';
import type { Pemba } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { runCommand } from '../../support/command.js';
import type { Outcome } from '../../support/command.js';

const FIRST = `model
  schema 1.1
type user
type doc
  relations
    define editor: [user]
    define viewer: [user]
`;
const SECOND = FIRST.replace('viewer: [user]', 'viewer: [user] or editor');
const NARROWER = FIRST.replace('viewer: [user]', 'viewer: editor');

const STORE_FILE = `model_file: shop.fga
tuples:
  - { user: 'user:anne', relation: editor, object: 'doc:1' }
tests:
  - name: editors view
    check:
      - user: user:anne
        object: doc:1
        assertions: { viewer: true }
`;

interface Newest {
  readonly id: string;
  readonly metadata: object;
  readonly claims_mapping?: object;
}

describeWithPostgres('a schema', () => {
  let pemba: Pemba;
  let store: string;
  let folder: string;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
  });
  afterAll(() => pemba.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pemba-push-'));
    store = String((await pemba.call('POST', '/stores', { name: 'pushed' })).json.id);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const run = (...args: readonly string[]): Promise<Outcome> =>
    runCommand(['schema', ...args], {
      cwd: folder,
      env: { PEMBA_URL: pemba.url, PEMBA_API_KEY: pemba.adminKey ?? '', PEMBA_STORE: store },
    });
  const put = (text: string, name = 'shop.fga'): void => {
    writeFileSync(join(folder, name), text);
  };
  const idIn = ({ exitCode, out, err }: Outcome): string => {
    expect({ exitCode, err }).toMatchObject({ exitCode: 0 });
    return out.trim();
  };
  const newest = async (): Promise<Newest> => {
    const { json } = await pemba.call('GET', `/stores/${store}/authorization-models?page_size=1`);
    return json.authorization_models[0] as Newest;
  };

  it('is pushed from a folder, with its message, author and revision, and then is the same', async () => {
    put(FIRST);
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
    git('init', '-q');
    git('config', 'user.name', 'Anne');
    git('config', 'user.email', 'anne@example.com');
    git('add', '.');
    git('commit', '-qm', 'first');
    const id = idIn(await run('push', '.', '--message', 'the first, größer'));
    expect(await newest()).toMatchObject({
      id,
      metadata: {
        message: 'the first, größer',
        author: 'Anne <anne@example.com>',
        git_revision: git('rev-parse', 'HEAD'),
      },
    });
    const again = await run('push', '.');
    expect(again).toMatchObject({
      exitCode: 0,
      err: expect.stringContaining('Nothing has changed'),
    });
    expect(again.out.trim()).toBe(id);
    put(SECOND);
    const second = idIn(await run('push', '.', '--yes'));
    expect(await newest()).toMatchObject({
      id: second,
      metadata: { git_revision: expect.stringMatching(/^[0-9a-f]{40}-dirty$/) },
    });
    const listed = JSON.parse((await run('log', '--json')).out) as readonly { id: string }[];
    expect(listed.map((each) => each.id)).toEqual([second, id]);
    expect((await run('log')).out).toContain('the first, größer');
  });

  it('is not pushed where nobody agrees to what changes, and says what does', async () => {
    put(FIRST);
    const first = idIn(await run('push', 'shop.fga'));
    await pemba.call('POST', `/stores/${store}/write`, {
      writes: { tuple_keys: [{ user: 'user:anne', relation: 'editor', object: 'doc:1' }] },
    });
    put(SECOND);
    const refused = await run('push', 'shop.fga');
    expect(refused).toMatchObject({
      exitCode: 1,
      out: '',
      err: expect.stringMatching(
        /widening[^]*user:anne +gains +viewer +on doc:1[^]*a change is widening; 1 pair gained; .*--yes/,
      ),
    });
    expect((await newest()).id).toBe(first);
    const dry = await run('--json', 'push', 'shop.fga', '--dry-run');
    expect(JSON.parse(dry.out)).toMatchObject({
      authorization_model_id: first,
      written: false,
      changes: [{ class: 'widening', type: 'doc', relation: 'viewer' }],
      impact: { gained: 1, lost: 0, complete: true },
    });
    const unseen = await run('--json', 'push', 'shop.fga', '--dry-run', '--no-impact');
    expect(JSON.parse(unseen.out)).not.toHaveProperty('impact');
    const failed = await run('push', 'shop.fga', '--yes', '--fail-on', 'narrowing');
    expect(failed).toMatchObject({ exitCode: 1, err: expect.stringContaining('is widening') });
    idIn(await run('push', 'shop.fga', '--yes', '--fail-on', 'breaking'));
  });

  it('is not pushed when a test beside it fails', async () => {
    put(FIRST);
    put(STORE_FILE, 'shop.fga.yaml');
    const failed = await run('push', 'shop.fga');
    expect(failed).toMatchObject({ exitCode: 1, out: '' });
    expect(failed.err).toMatch(/FAIL shop.fga.yaml[^]*nothing was written: 1 of 1 test/);
    idIn(await run('push', 'shop.fga', '--no-test'));
    put(SECOND);
    expect((await run('push', 'shop.fga', '--yes')).err).toContain('PASS shop.fga.yaml');
  });

  it('is pushed only after the model that is expected', async () => {
    put(FIRST);
    const first = idIn(await run('push', 'shop.fga', '--expect-current', 'none'));
    put(SECOND);
    const refused = await run('push', 'shop.fga', '--yes', '--expect-current', 'none');
    expect(refused).toMatchObject({ exitCode: 4, err: expect.stringContaining(first) });
    idIn(await run('push', 'shop.fga', '--yes', '--expect-current', first));
  });

  it('is rolled back, with what was kept with it', async () => {
    put(FIRST);
    const first = idIn(await run('push', 'shop.fga'));
    await pemba.call('PUT', `/stores/${store}/claims-mapping`, { context: ['acr'] });
    put(NARROWER);
    idIn(await run('push', 'shop.fga', '--yes'));
    const shown = await run('rollback', '--to', first, '--dry-run');
    expect(shown.err).toContain('claims_mapping');
    const back = idIn(await run('rollback', '--to', first, '--yes'));
    const current = await newest();
    expect(current).toMatchObject({ id: back, metadata: { message: `rollback to ${first}` } });
    expect(current).not.toHaveProperty('claims_mapping');
    expect((await run('pull')).out).toContain('define viewer: [user]\n');
    idIn(await run('rollback', '--yes'));
    expect((await newest()).claims_mapping).toEqual({ context: ['acr'] });
    expect((await run('pull')).out).toContain('define viewer: editor\n');
    expect((await run('pull', first)).out).toContain('define viewer: [user]\n');
  });

  it('of modules is pulled as files', async () => {
    mkdirSync(join(folder, 'parts'));
    put(`schema: '1.2'\ncontents:\n  - core.fga\n  - parts/doc.fga\n`, 'fga.mod');
    put('module core\n\ntype user\n', 'core.fga');
    const part = 'module doc\n\ntype doc\n  relations\n    define viewer: [user]\n';
    put(part, 'parts/doc.fga');
    idIn(await run('push', '.'));
    const pulled = await run('pull', '--out', 'back');
    expect(pulled.out.split('\n')).toEqual([
      'back/fga.mod',
      'back/core.fga',
      'back/parts/doc.fga',
      '',
    ]);
    expect(readFileSync(join(folder, 'back/parts/doc.fga'), 'utf8')).toBe(part);
  });

  it('with mistakes is not pushed', async () => {
    put(FIRST.replace('[user]', '[nobody]'));
    const refused = await run('push', 'shop.fga');
    expect(refused).toMatchObject({ exitCode: 1, err: expect.stringContaining('nobody') });
    expect(await run('push', 'missing.fga')).toMatchObject({ exitCode: 2 });
  });
});
