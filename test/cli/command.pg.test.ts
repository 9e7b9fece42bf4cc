/** The built `pemba` command, run as a user runs it, against a server in this process. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand } from '../support/command.js';
import type { Outcome } from '../support/command.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';

const MODEL = `model
  schema 1.1
type user
type doc
  relations
    define viewer: [user]`;

let pemba: Pemba;
let store: TestStore;

const run = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> =>
  runCommand(args, {
    env: { PEMBA_URL: pemba.url, PEMBA_API_KEY: pemba.adminKey ?? '', ...env },
  });

describeWithPostgres('the command', () => {
  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_MASTER_KEY: randomBytes(32).toString('base64'),
    });
    store = await pemba.storeWith(MODEL);
    await pemba.call('POST', `${store.path}/write`, {
      writes: { tuple_keys: [{ user: 'user:anne', relation: 'viewer', object: 'doc:1' }] },
    });
  });
  afterAll(() => pemba.stop());

  it('makes a key that works, and alone on standard output', async () => {
    const made = await run(['keys', 'create', 'reports', '--role', 'reader', '--store', store.id]);
    expect(made).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^pemba_\S+\n$/) });
    const headers = { authorization: `Bearer ${made.out.trim()}` };
    expect((await pemba.call('GET', store.path, undefined, { headers })).status).toBe(200);
  });

  it('makes a key that expires', async () => {
    const made = await run([
      '--json',
      'keys',
      'create',
      'k',
      '--role',
      'creator',
      '--expires-in',
      '2h',
    ]);
    const { expires_at: expiresAt } = JSON.parse(made.out) as { readonly expires_at: string };
    expect(Math.round((Date.parse(expiresAt) - Date.now()) / 60_000)).toBe(120);
  });

  it('lists keys, and revokes one', async () => {
    const made = await run(['--json', 'keys', 'create', 'gone', '--role', 'creator']);
    const { id, key } = JSON.parse(made.out) as { readonly id: string; readonly key: string };
    expect((await run(['keys', 'list'])).out).toContain(`${id}  gone`);
    expect(await run(['keys', 'revoke', id])).toMatchObject({ exitCode: 0 });
    const headers = { authorization: `Bearer ${key}` };
    expect((await pemba.call('GET', '/stores', undefined, { headers })).status).toBe(401);
  });

  describe('on the audit log', () => {
    it('lists it', async () => {
      const listed = await run(['--json', 'audit', 'list', '--store', store.id]);
      const entries = JSON.parse(listed.out) as readonly { readonly action: string }[];
      expect(entries.map(({ action }) => action)).toEqual([
        'tuples.write',
        'model.write',
        'store.create',
      ]);
    });

    it('verifies it, from the beginning and from a noted head', async () => {
      const whole = await run(['--json', 'audit', 'verify', '--store', store.id]);
      expect(whole.exitCode).toBe(0);
      const { head } = JSON.parse(whole.out) as {
        readonly head: { readonly sequence: number; readonly hash: string };
      };
      const noted = ['--after', String(head.sequence), '--hash', head.hash];
      const rest = await run(['audit', 'verify', '--store', store.id, ...noted]);
      expect(rest).toMatchObject({ exitCode: 0, out: expect.stringContaining('0 entries') });
    });

    it('fails when it was changed, and says where', async () => {
      const { database } = pemba.assembly;
      const { id, path } = await pemba.storeWith(MODEL);
      await pemba.call('DELETE', path);
      await database.query('ALTER TABLE audit_entry DISABLE TRIGGER USER');
      await database.query(
        `UPDATE audit_entry SET principal = 'user:x' WHERE store_id = $1 AND sequence = 2`,
        [id],
      );
      await database.query('ALTER TABLE audit_entry ENABLE TRIGGER USER');
      const verified = await run(['audit', 'verify', '--store', id]);
      expect(verified).toMatchObject({
        exitCode: 1,
        out: expect.stringMatching(/^entry 2: its hash does not follow/),
        err: 'pemba: the log was changed\n',
      });
    });
  });

  describe('on the signing keys', () => {
    interface Key {
      readonly kid: string;
      readonly state: string;
    }
    const keysIn = ({ exitCode, out }: Outcome): readonly Key[] => {
      expect(exitCode).toBe(0);
      return JSON.parse(out) as readonly Key[];
    };

    it('lists them as they sign', async () => {
      const [active, next] = keysIn(await run(['--json', 'signing-keys', 'list']));
      const { out } = await run(['signing-keys', 'list']);
      expect(out.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
        ['KID', 'ALG', 'STATE'],
        [active?.kid, 'EdDSA', 'active'],
        [next?.kid, 'EdDSA', 'next'],
        [''],
      ]);
    });

    it('rotates them', async () => {
      const before = keysIn(await run(['--json', 'signing-keys', 'list']));
      pemba.clock.putForward(3_600_000);
      const after = keysIn(await run(['--json', 'signing-keys', 'rotate']));
      expect(after.map(({ state }) => state)).toEqual(['retired', 'active', 'next']);
      expect(after.slice(0, 2).map(({ kid }) => kid)).toEqual(before.map(({ kid }) => kid));
    });

    it('drops one', async () => {
      const [first] = keysIn(await run(['--json', 'signing-keys', 'list']));
      const kid = first?.kid ?? '';
      const dropped = await run(['signing-keys', 'drop', kid]);
      expect(dropped).toMatchObject({ exitCode: 0, out: expect.not.stringContaining(kid) });
      expect(await run(['signing-keys', 'drop', kid])).toMatchObject({
        exitCode: 4,
        err: expect.stringContaining(`There is no signing key '${kid}'`),
      });
    });
  });

  it('removes the signing keys at the database', async () => {
    const before = pemba.assembly.signing.list().map(({ id }) => id);
    const env = {
      DATABASE_URL: pemba.database.url,
      PEMBA_API_KEY: '',
      PEMBA_AUTHENTICATION: 'keys',
    };
    const reset = await run(['--json', 'signing-keys', 'reset'], env);
    expect(reset.exitCode).toBe(0);
    expect(JSON.parse(reset.out)).toEqual({ removed: before });
    await until(async () => {
      // For a moment there are none, which is no list.
      const { status, json } = await pemba.call('GET', '/admin/signing-keys');
      if (status === 503) return false;
      const { signing_keys: keys } = json as { signing_keys: readonly { kid: string }[] };
      return keys.length === 2 && !keys.some(({ kid }) => before.includes(kid));
    });
    const store = pemba.assembly.identity.systemStore ?? '';
    const verified = await run(['audit', 'verify', '--store', store]);
    expect(verified.exitCode).toBe(0);
    expect((await run(['audit', 'list', '--store', store])).out).toContain('signing_key.drop');
  });

  it.each([
    ['an unknown command', ['keys', 'creat'], 2, /unknown command 'creat'/],
    ['a missing option', ['keys', 'create', 'k'], 2, /--role/],
    [
      'a wrong duration',
      ['keys', 'create', 'k', '--role', 'creator', '--expires-in', '2'],
      2,
      /12h/,
    ],
    ['a wrong count', ['audit', 'list', '--store', 'x', '--limit', '0'], 2, /--limit 0/],
    ['a key without its id', ['signing-keys', 'drop'], 2, /missing required argument 'kid'/],
    ['half of a head', ['audit', 'verify', '--store', 'x', '--after', '3'], 2, /go together/],
    ['a wrong address', ['--url', 'nowhere', 'keys', 'list'], 2, /is not a URL/],
    [
      'a server that is away',
      ['--url', 'http://127.0.0.1:1', 'keys', 'list'],
      3,
      /does not answer/,
    ],
    ['what the server refuses', ['keys', 'create', 'k', '--role', 'reader'], 4, /roles\[0\]\.role/],
  ])('says what is wrong about %s', async (_what, args, exitCode, message) => {
    expect(await run(args)).toEqual({ exitCode, out: '', err: expect.stringMatching(message) });
  });

  it('asks for a key where it has none', async () => {
    expect(await run(['keys', 'list'], { PEMBA_API_KEY: '' })).toMatchObject({
      exitCode: 4,
      err: expect.stringContaining('set PEMBA_API_KEY'),
    });
  });

  it('makes an administrator at the database', async () => {
    const env = { DATABASE_URL: pemba.database.url, PEMBA_API_KEY: '' };
    const recovered = await run(['keys', 'recover'], env);
    expect(recovered).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^pemba_\S+\n$/) });
    const listed = await run(['keys', 'list'], { PEMBA_API_KEY: recovered.out.trim() });
    expect(listed.out).toContain('recovered');
  });
});
