/**
 * Tokens that are not what they seem: of other kinds, issuers, stores and keys, altered, or with claims
 * that mean more, or less, than their reader thinks.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { PermitWorld, TOKEN_TYPE, claimsOf, granted } from '../support/permit-world.js';
import type { Ask } from '../support/permit-world.js';
import { describeWithPostgres } from '../support/postgres.js';

let world: PermitWorld;

const REFUSED = '400 invalid_request';

const refused = async (ask: Ask): Promise<string> => {
  const { status, json, token } = await world.exchange(ask);
  return token === '' ? `${status} ${String(json['error'])}` : 'granted';
};

const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** As Pemba signs, with what claims and type one likes. */
const signedByPemba = (claims: JsonObject, typ = 'permit+jwt'): string =>
  world.pemba.assembly.signing.sign(typ, claims);

const claimsForOrders = async (): Promise<JsonObject> =>
  claimsOf(await world.permitForOrders()) as JsonObject;

async function verdicts(token: string): Promise<readonly string[]> {
  const orders = await world.verifier('orders');
  const presented = {
    peer: { service: 'service:web' },
    action: 'can_place',
    resource: { type: 'order', id: '1' },
  };
  const offline = await orders.verifyPermit(token, presented).then(
    () => 'accepted',
    (error: unknown) => (error as { reason: string }).reason,
  );
  return [await refused(await world.reserving(token)), offline];
}

describeWithPostgres('tokens that are not what they seem', () => {
  beforeAll(async () => {
    world = await PermitWorld.start({ PEMBA_TRUST_DOMAIN: 'shop.example' });
  });
  afterAll(() => world.stop());

  it('are told from the real one', async () => {
    expect(await verdicts(await world.permitForOrders())).toEqual(['granted', 'accepted']);
    expect(await verdicts(signedByPemba(await claimsForOrders()))).toEqual(['granted', 'accepted']);
  });

  describe('by their header', () => {
    const headerOf = (token: string): JsonObject =>
      JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as JsonObject;

    it.each([
      ['none', () => ''],
      ['None', () => ''],
      ['HS256', (input: string, key: string) => hmac(key, input)],
      [
        'HS256',
        (input: string, _key: string, x: string) => hmac(Buffer.from(x, 'base64url'), input),
      ],
    ])('do not weaken the algorithm to %s', async (alg, signatureOf) => {
      const [, payload = ''] = (await world.permitForOrders()).split('.');
      const { keys } = world.pemba.assembly.signing.jwks();
      const [jwk] = keys as readonly { kid: string; x: string }[];
      const pem = createPublicKey({ key: jwk as never, format: 'jwk' }).export({
        ...{ type: 'spki', format: 'pem' },
      });
      const input = `${encoded({ alg, kid: jwk?.kid, typ: 'permit+jwt' })}.${payload}`;
      const token = `${input}.${signatureOf(input, String(pem), jwk?.x ?? '')}`;
      const [online, offline] = await verdicts(token);
      expect(online).toBe(REFUSED);
      expect(['algorithm_not_allowed', 'malformed']).toContain(offline);
    });

    it.each([
      ['a key of their own', { jwk: {} }],
      ['an address of keys', { jku: 'https://evil.example/keys' }],
      ['what has to be understood', { crit: ['exp'] }],
      ['a payload as it stands', { b64: false, crit: ['b64'] }],
      ['a certificate', { x5c: ['MIIB'] }],
      ['another type', { typ: 'Permit+JWT' }],
      ['a long type', { typ: 'application/permit+jwt' }],
      ['the type of access tokens', { typ: 'at+jwt' }],
      ['no type', { typ: undefined }],
      ['no key', { kid: undefined }],
      ['a key by its path', { kid: '../../etc/passwd' }],
      ['a key that objects inherit', { kid: '__proto__' }],
      ['the other algorithm', { alg: 'ES256' }],
    ])('do not bring along %s', async (_what, members) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const real = await world.permitForOrders();
      const input = `${encoded({ ...headerOf(real), ...members })}.${real.split('.')[1] ?? ''}`;
      const forged = `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
      const [online, offline] = await verdicts(forged);
      expect(online).toBe(REFUSED);
      expect(offline).not.toBe('accepted');
    });

    it('do not become another by a change of their text', async () => {
      const real = await world.permitForOrders();
      const [header = '', payload = '', signature = ''] = real.split('.');
      for (const text of [
        `${header}.${payload}.`,
        `${header}.${payload}`,
        `${real}.`,
        `.${real}`,
        `${header}.${payload}=.${signature}`,
        `${header}.${encoded({ ...claimsOf(real), sub: 'user:root' })}.${signature}`,
        `${header}.${payload}.${signature.slice(0, -1)}`,
        `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      ]) {
        const [online, offline] = await verdicts(text);
        expect([online, offline]).toEqual([REFUSED, expect.not.stringMatching('accepted')]);
      }
    });
  });

  it.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['the issuer with a slash', { iss: 'https://pemba.test/' }],
    ['no issuer', { iss: undefined }],
    ['a list of audiences', { aud: ['service:orders'] }],
    ['an audience of another type', { aud: 'user:orders' }],
    ['a client that is not the actor', { client_id: 'service:inventory' }],
    ['no actor', { act: undefined }],
    ['an actor with conditions', { act: { sub: 'service:web', only: 'reading' } }],
    ['a circle', { act: { sub: 'service:web', act: { sub: 'service:web' } } }],
    ['a user as actor', { act: { sub: 'user:web' }, client_id: 'user:web' }],
    ['a wildcard as subject', { sub: 'user:*' }],
    ['a set as subject', { sub: 'group:eng#member' }],
    ['an end far away', { exp: 9_999_999_999 }],
    ['an end that is text', { exp: '9999999999' }],
    ['no beginning', { nbf: undefined }],
    ['nothing permitted', { authorization_details: [] }],
    ['a key to prove and another', { cnf: { jkt: 'a'.repeat(43), kid: 'x' } }],
  ])('of Pemba’s own key with %s are refused', async (_what, changes) => {
    const { ...claims } = { ...(await claimsForOrders()), ...changes };
    const token = signedByPemba(JSON.parse(JSON.stringify(claims)) as JsonObject);
    const [online, offline] = await verdicts(token);
    expect(online).toBe(REFUSED);
    expect(['invalid_claim', 'wrong_issuer', 'lives_too_long']).toContain(offline);
  });

  it('of another store of the same deployment are refused, though its keys are the same', async () => {
    const other = await world.pemba.call('POST', '/stores', { name: 'other' });
    const claims = await claimsForOrders();
    const iss = `https://pemba.test/stores/${String(other.json.id)}`;
    expect(await verdicts(signedByPemba({ ...claims, iss }))).toEqual([REFUSED, 'wrong_issuer']);
    // And at that store the clients are none, so that it is not even looked at.
    const token = await world.permitForOrders();
    const path = `/stores/${String(other.json.id)}/oauth/token`;
    const body = new URLSearchParams({
      ...{ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: token },
      ...{ subject_token_type: `${TOKEN_TYPE}:jwt`, audience: 'inventory' },
      authorization_details:
        '[{"type":"urn:pemba:permission","actions":["a"],"resource":{"type":"b","id":"c"}}]',
    });
    const headers = { authorization: `Bearer ${await world.keyOf('orders')}` };
    const response = await fetch(world.pemba.url + path, { method: 'POST', headers, body });
    expect(await response.json()).toMatchObject({ error: 'unauthorized_client' });
  });

  it('are no credentials at Pemba’s own API, wherever they are put', async () => {
    const permit = await world.permitForOrders();
    const user = await world.userToken();
    const { path } = world.store;
    for (const token of [permit, user]) {
      const headers = { authorization: `Bearer ${token}` };
      const body = { tuple_key: { user: 'user:anne', relation: 'customer', object: 'order:1' } };
      expect((await world.pemba.call('POST', `${path}/check`, body, { headers })).status).toBe(401);
      const { status } = await world.exchange({ token: user, headers });
      expect(status).toBe(401);
      const asserted = await world.exchange({
        token: user,
        headers: { authorization: '' },
        form: {
          client_assertion: token,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        },
      });
      expect([asserted.status, asserted.json['error']]).toEqual([400, 'invalid_client']);
    }
    const body = { subject_token: permit, tuple_key: { relation: 'can_place', object: 'order:1' } };
    const { status } = await world.pemba.call('POST', `${path}/check`, body);
    expect(status).toBe(400);
  });

  describe('as users’ tokens', () => {
    it.each([
      ['of nobody here', { aud: 'nobody' }, REFUSED],
      ['of another service', { aud: 'orders' }, REFUSED],
      ['of a list without it', { aud: ['orders', 'nobody'] }, REFUSED],
      ['of a list with it', { aud: ['nobody', 'shop-web'] }, 'granted'],
      ['of its name beside what the settings say', { aud: ['nobody', 'web'] }, REFUSED],
      ['in another case', { aud: 'Shop-Web' }, REFUSED],
    ])('count by their audience: %s', async (_what, claims, expected) => {
      expect(await refused({ token: await world.userToken(claims) })).toBe(expected);
    });

    it.each([
      [{ sub: 'web' }, 'granted'],
      [{ sub: 'service:web' }, 'granted'],
      [{ sub: 'orders' }, REFUSED],
      [{ client_id: 'web' }, 'granted'],
      [{ sub: 'web', client_id: 'orders' }, REFUSED],
      [{}, REFUSED],
      ['web', REFUSED],
      [['web'], REFUSED],
      [null, REFUSED],
      [{ sub: ['web'] }, REFUSED],
      [{ sub: 'web', iss: 'https://another.example' }, REFUSED],
      [{ sub: 'web', act: { sub: 'orders' } }, REFUSED],
    ])('are exchanged by who may act by them: %j', async (may_act, expected) => {
      expect(await refused({ token: await world.userToken({ may_act }) })).toBe(expected);
    });

    it.each(['service:orders', 'orders', 'web', '__proto__', 'anne#x', '*', 'ünïcödé', 'a b:c'])(
      'of a user who calls himself %s are that user’s, and nobody else’s',
      async (sub) => {
        expect(await refused({ token: await world.userToken({ sub }) })).toBe(
          '400 invalid_authorization_details',
        );
      },
    );

    it('with a transaction of their own go on with it where a permit can carry it', async () => {
      const txnOf = async (txn: JsonObject[string]): Promise<unknown> =>
        claimsOf(await world.permitForOrders({ txn }))['txn'];
      expect(await txnOf('a transaction ☃')).toBe('a transaction ☃');
      for (const odd of ['', 7, ['a'], { a: 1 }, null, 'x'.repeat(513)]) {
        expect(await txnOf(odd)).toMatch(/^[0-9A-Z]{26}$/);
      }
      const permit = await world.permitForOrders({ txn: 'x'.repeat(512) });
      expect(await verdicts(permit)).toEqual(['granted', 'accepted']);
    });

    it('do not outlive themselves', async () => {
      const now = Math.floor(world.pemba.clock.now() / 1000);
      const exp = now + 2;
      expect(claimsOf(await world.permitForOrders({ exp }))['exp']).toBe(exp);
      expect(await refused({ token: await world.userToken({ exp: now - 61 }) })).toBe(REFUSED);
    });
  });

  it('are as many kinds as there are: none is exchanged as another', async () => {
    const form = { requested_token_type: `${TOKEN_TYPE}:txn_token`, scope: 'a' };
    const ask = { audience: 'shop.example', form: { ...form, authorization_details: undefined } };
    const token = await world.userToken({ scope: 'a' });
    const txn = granted(await world.exchange({ ...ask, token }));
    const orders = await world.verifier('orders');
    const expected = { trustDomain: 'shop.example' };
    await orders.verifyTransactionToken(txn, expected);
    const permit = await world.permitForOrders();
    await expect(orders.verifyTransactionToken(permit, expected)).rejects.toMatchObject({
      reason: 'wrong_type',
    });
    const dressed = signedByPemba(claimsOf(permit) as JsonObject, 'txntoken+jwt');
    await expect(
      orders.verifyTransactionToken(dressed, { trustDomain: 'service:orders' }),
    ).rejects.toMatchObject({ reason: 'invalid_claim' });
    expect(await verdicts(signedByPemba(claimsOf(txn) as JsonObject))).toEqual([
      REFUSED,
      'invalid_claim',
    ]);
  });
});

const hmac = (key: string | Buffer, input: string): string =>
  createHmac('sha256', key).update(input).digest('base64url');
