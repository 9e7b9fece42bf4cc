/** The published keys and their administration, over HTTP. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { loadConfig } from '../../src/config.js';
import { createSigningKeys } from '../../src/delegation/signing-keys.js';
import { systemTimers } from '../../src/identity/timers.js';
import { signingKeyEvents } from '../../src/telemetry/signing-keys.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';
import { Store, expectStatus } from './stores.js';

const PATH = '/.well-known/jwks.json';
const SETTINGS = {
  PEMBA_AUTHENTICATION: 'keys',
  PEMBA_MASTER_KEY: randomBytes(32).toString('base64'),
};
const HOUR = 3_600_000;

interface WireKey {
  readonly kid: string;
  readonly state: string;
}

const keysIn = (answer: Answer): readonly WireKey[] =>
  expectStatus(answer, 200).json.signing_keys as readonly WireKey[];
const statesIn = (answer: Answer): readonly string[] => keysIn(answer).map(({ state }) => state);
const idIn = (answer: Answer, state: string): string =>
  keysIn(answer).find((key) => key.state === state)?.kid ?? '';

/** In another process on the same database. */
async function startSigning(
  { assembly, database }: Pemba,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const config = loadConfig({ DATABASE_URL: database.url, ...settings });
  const events = signingKeyEvents(assembly.log);
  const parts = { ...assembly, config, events, timers: systemTimers, systemStore: undefined };
  await createSigningKeys(parts).start();
}

describeWithPostgres('the published keys', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba(SETTINGS);
  });
  afterAll(() => pemba.stop());

  const get = (headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    pemba.call('GET', PATH, undefined, { headers });

  it('are told to anybody, and may be kept for five minutes', async () => {
    const response = await fetch(pemba.url + PATH);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/jwk-set+json',
      'cache-control': 'public, max-age=300',
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
      vary: 'accept',
    });
  });

  it('have public members and no other', async () => {
    const { text } = expectStatus(await get(), 200);
    const set = JSON.parse(text) as { readonly keys: readonly object[] };
    expect(Object.keys(set)).toEqual(['keys']);
    expect(set.keys).toHaveLength(2);
    for (const key of set.keys) {
      expect(Object.keys(key)).toEqual(['kty', 'crv', 'x', 'kid', 'alg', 'use']);
    }
  });

  it.each([
    ['application/json', 'application/json'],
    ['application/json; q=0.9, text/plain', 'application/json'],
    ['application/json, application/jwk-set+json', 'application/jwk-set+json'],
    ['application/jwk-set+json', 'application/jwk-set+json'],
    ['APPLICATION/JSON', 'application/json'],
    ['*/*', 'application/jwk-set+json'],
    ['text/html', 'application/jwk-set+json'],
    ['', 'application/jwk-set+json'],
    [',;,', 'application/jwk-set+json'],
  ])('to who accepts %j are of type %s', async (accept, type) => {
    const answer = expectStatus(await get({ accept }), 200);
    expect(answer.headers.get('content-type')).toBe(type);
  });

  it('are not sent again to who has them', async () => {
    const etag = (await get()).headers.get('etag') ?? '';
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await get({ 'if-none-match': tag });
      expect([tag, answer.status, answer.text]).toEqual([tag, 304, '']);
      expect(answer.headers.get('etag')).toBe(etag);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
      expect(answer.headers.get('content-type')).toBeNull();
    }
    for (const tag of ['"other"', etag.slice(1, -1), '']) {
      expect([tag, (await get({ 'if-none-match': tag })).status]).toEqual([tag, 200]);
    }
  });

  it.each(['POST', 'PUT', 'DELETE'])('cannot be changed by %s', async (method) => {
    expect(await pemba.call(method, PATH)).toMatchObject({ status: 404 });
  });

  it('verify what is signed, by another implementation that fetches them', async () => {
    const token = pemba.assembly.signing.sign('permit+jwt', { sub: 'user:anne' });
    const set = createRemoteJWKSet(new URL(pemba.url + PATH));
    const { payload } = await jwtVerify(token, set, { typ: 'permit+jwt', algorithms: ['EdDSA'] });
    expect(payload).toEqual({ sub: 'user:anne' });
  });
});

describeWithPostgres('the administration of signing keys', () => {
  let pemba: Pemba;
  let beside: Pemba | undefined;
  beforeAll(async () => {
    pemba = await startPemba(SETTINGS);
  });
  afterEach(async () => {
    await beside?.stop();
    beside = undefined;
  });
  afterAll(() => pemba.stop());

  const list = (): Promise<Answer> => pemba.call('GET', '/admin/signing-keys');
  const rotate = (): Promise<Answer> => pemba.call('POST', '/admin/signing-keys/rotate');
  const drop = (kid: string): Promise<Answer> =>
    pemba.call('POST', `/admin/signing-keys/${encodeURIComponent(kid)}/drop`);
  const published = async (of = pemba): Promise<readonly string[]> => {
    const { keys } = JSON.parse((await of.call('GET', PATH)).text) as {
      readonly keys: readonly WireKey[];
    };
    return keys.map(({ kid }) => kid);
  };

  it('lists them, without what is secret', async () => {
    const answer = await list();
    expect(statesIn(answer)).toEqual(['active', 'next']);
    for (const key of keysIn(answer)) {
      expect(Object.keys(key)).toEqual(['kid', 'alg', 'state', 'created_at', 'active_from']);
    }
  });

  it('rotates them when the next one is known for an hour', async () => {
    const before = await list();
    expect(statesIn(await rotate())).toEqual(['active', 'next']);
    pemba.clock.putForward(HOUR);
    await until(async () => statesIn(await list())[0] === 'retired');
    const after = await list();
    expect(idIn(after, 'active')).toBe(idIn(before, 'next'));
    expect(idIn(after, 'retired')).toBe(idIn(before, 'active'));
  });

  it('drops one in every process within a second or two', async () => {
    beside = await startPemba({ ...SETTINGS, PEMBA_POLL_INTERVAL_MS: '100' }, pemba);
    const { signing } = beside.assembly;
    const kid = idIn(await list(), 'active');
    const token = signing.sign('permit+jwt', {});
    const changed = (await pemba.call('GET', PATH)).headers.get('etag');
    expect(keysIn(await drop(kid)).map((key) => key.kid)).not.toContain(kid);
    expect(await published()).not.toContain(kid);
    expect((await pemba.call('GET', PATH)).headers.get('etag')).not.toBe(changed);
    await until(async () => !(await published(beside)).includes(kid));
    expect(signing.verificationKey(kid)).toBeUndefined();
    const set = createRemoteJWKSet(new URL(beside.url + PATH));
    await expect(jwtVerify(token, set)).rejects.toThrow(/no applicable key/);
    await jwtVerify(signing.sign('permit+jwt', {}), set);
    expect(await published(beside)).toEqual(await published());
  });

  it.each([
    ['x', 400],
    ['x'.repeat(43), 404],
    ['x'.repeat(44), 400],
    ['../keys', 400],
    ["' OR 1=1 --", 400],
    [`${'x'.repeat(42)}\n`, 400],
    [`${'x'.repeat(42)}*`, 400],
    ['\u0000', 400],
    ['x'.repeat(300), 400],
  ])('drops no %j', async (kid, status) => {
    const before = await list();
    expect((await drop(kid)).status).toBe(status);
    expect((await list()).text).toBe(before.text);
  });

  it('writes into the audit log what was done, by whom, and what that made', async () => {
    const kid = idIn(await list(), 'active');
    await rotate();
    await drop(kid);
    const { systemStore } = pemba.assembly.identity;
    const audit = await pemba.call('GET', `/stores/${systemStore ?? ''}/audit`);
    const entries = (expectStatus(audit, 200).json.entries as readonly Record<string, unknown>[])
      .filter(({ action }) => String(action).startsWith('signing_key.'))
      .map(({ action, principal, details }) => ({ action, principal, details }));
    const made = [expect.stringMatching(/^[\w-]{43}$/)];
    expect(entries.slice(0, 2)).toEqual([
      {
        action: 'signing_key.drop',
        principal: expect.stringMatching(/^key:/),
        details: { kid, made },
      },
      expect.objectContaining({ action: 'signing_key.rotate' }),
    ]);
    expect(entries.at(-1)).toEqual({
      action: 'signing_key.create',
      principal: 'pemba',
      details: { made: [...made, ...made] },
    });
    const verified = await pemba.call('GET', `/stores/${systemStore ?? ''}/audit/verification`);
    expect(expectStatus(verified, 200).json).toMatchObject({ valid: true });
  });

  it('is for administrators of the deployment', async () => {
    const store = await Store.with(pemba, 'model\n  schema 1.1\ntype user\n', []);
    const made = await pemba.call('POST', '/admin/keys', {
      name: 'limited',
      roles: [{ role: 'creator' }, { role: 'observer' }, { role: 'admin', store_id: store.id }],
    });
    const headers = { authorization: `Bearer ${String(expectStatus(made, 201).json.key)}` };
    const kid = idIn(await list(), 'active');
    for (const [method, path] of [
      ['GET', '/admin/signing-keys'],
      ['POST', '/admin/signing-keys/rotate'],
      ['POST', `/admin/signing-keys/${kid}/drop`],
    ] as const) {
      const answer = await pemba.call(method, path, undefined, { headers });
      expect([path, answer.status]).toEqual([path, 403]);
    }
    const nobody = { authorization: '' };
    const answer = await pemba.call('GET', '/admin/signing-keys', undefined, { headers: nobody });
    expect(answer.status).toBe(401);
  });

  it('logs no secret, and what it logs of keys', () => {
    const log = pemba.logged.join('');
    expect(log).toContain('"msg":"a signing key was made"');
    expect(log).toContain('"msg":"this key signs from now on"');
    expect(log).not.toContain(SETTINGS.PEMBA_MASTER_KEY);
    expect(log).not.toMatch(/sealed|PRIVATE|"d":/);
    expect(pemba.failures()).toEqual([]);
  });
});

describeWithPostgres('permits are off', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  it('without a master key: nothing is published, nothing is signed, and the log says why', async () => {
    expect((await pemba.call('GET', PATH)).text).toBe('{"keys":[]}');
    expect(() => pemba.assembly.signing.sign('permit+jwt', {})).toThrow(
      expect.objectContaining({
        code: 'unavailable',
        message: expect.not.stringMatching(/PEMBA_/),
      }),
    );
    expect(statesIn(await pemba.call('GET', '/admin/signing-keys'))).toEqual([]);
    for (const path of ['rotate', `${'x'.repeat(43)}/drop`]) {
      expect(await pemba.call('POST', `/admin/signing-keys/${path}`)).toMatchObject({
        status: 503,
        json: { code: 'unavailable', message: expect.stringContaining('set PEMBA_MASTER_KEY') },
      });
    }
    expect(pemba.logged.join('')).toContain('permits are off: there is neither PEMBA_MASTER_KEY');
  });

  it('but not where others sign: who forgets the master key does not start', async () => {
    const other = await startPemba(SETTINGS, pemba);
    await other.stop();
    await expect(startSigning(pemba, {})).rejects.toMatchObject({
      code: 'cannot_start',
      message: expect.stringMatching(/PEMBA_MASTER_KEY is not set: set it to the one/),
    });
    const another = { PEMBA_MASTER_KEY: randomBytes(32).toString('base64') };
    await expect(startSigning(pemba, another)).rejects.toMatchObject({ code: 'cannot_start' });
  });
});

describeWithPostgres('keys of files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-jwks-'));
  const files = ['ed25519', 'ec'].map((kind) => {
    const path = join(folder, `${kind}.pem`);
    const { privateKey } =
      kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
    writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    return path;
  });
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_SIGNING_KEY_FILES: files.toReversed().join(',') });
  });
  afterAll(async () => {
    await pemba.stop();
    rmSync(folder, { recursive: true });
  });

  it('are all published, and the first signs', async () => {
    const answer = await pemba.call('GET', '/admin/signing-keys');
    expect(statesIn(answer)).toEqual(['active', 'published']);
    const set = createRemoteJWKSet(new URL(pemba.url + PATH));
    const token = pemba.assembly.signing.sign('txntoken+jwt', { aud: 'shop' });
    const { protectedHeader } = await jwtVerify(token, set);
    expect(protectedHeader).toEqual({
      ...{ alg: 'ES256', kid: idIn(answer, 'active'), typ: 'txntoken+jwt' },
    });
    const { keys } = JSON.parse((await pemba.call('GET', PATH)).text) as {
      readonly keys: readonly object[];
    };
    expect(keys.map(Object.keys)).toEqual([
      ['kty', 'crv', 'x', 'y', 'kid', 'alg', 'use'],
      ['kty', 'crv', 'x', 'kid', 'alg', 'use'],
    ]);
  });

  it('are changed where they are', async () => {
    expect(await pemba.call('POST', '/admin/signing-keys/rotate')).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('PEMBA_SIGNING_KEY_FILES') },
    });
  });

  it('stop the start when they cannot be read', async () => {
    const missing = { PEMBA_SIGNING_KEY_FILES: `${files[0] ?? ''},${folder}/none` };
    await expect(startSigning(pemba, missing)).rejects.toMatchObject({
      code: 'cannot_start',
      message: expect.stringContaining(`${folder}/none cannot be read`),
    });
  });
});
