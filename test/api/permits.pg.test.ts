/** From a user's token to a permit, from that to the next, and offline at the end of the chain. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { PermitRefused } from '../../src/client/verifier.js';
import type { PermitPresentation, Verifier } from '../../src/client/verifier.js';
import { PermitWorld, TOKEN_TYPE, claimsOf, granted } from '../support/permit-world.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';

let world: PermitWorld;

/** Why the permit is refused; undefined if it is not. */
const refusalOf = (
  verifier: Verifier,
  token: string,
  presentation: PermitPresentation,
): Promise<string | undefined> =>
  verifier.verifyPermit(token, presentation).then(
    () => undefined,
    (error: unknown) => (error instanceof PermitRefused ? error.reason : 'failed'),
  );

describeWithPostgres('a permit', () => {
  beforeAll(async () => {
    world = await PermitWorld.start();
  });
  afterAll(() => world.stop());

  it('says who may do what where, for whom, and how that was decided', async () => {
    const { status, json, headers, token } = await world.exchange({
      token: await world.userToken(),
    });
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(json).toMatchObject({
      issued_token_type: `${TOKEN_TYPE}:jwt`,
      token_type: 'N_A',
      expires_in: 60,
    });
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'EdDSA',
      kid: expect.any(String),
      typ: 'permit+jwt',
    });
    const now = Math.floor(world.pemba.clock.now() / 1000);
    const claims = claimsOf(token);
    expect(claims).toEqual({
      iss: world.issuerUrl,
      aud: 'service:orders',
      sub: 'user:anne',
      act: { sub: 'service:web' },
      client_id: 'service:web',
      txn: expect.any(String),
      jti: expect.any(String),
      iat: expect.any(Number),
      nbf: claims['iat'],
      exp: Number(claims['iat']) + 60,
      authorization_details: [
        {
          type: 'urn:pemba:permission',
          actions: ['can_place'],
          resource: { type: 'order', id: '1' },
        },
      ],
      rev: headers.get('pemba-consistency-token'),
      sch: expect.any(String),
      did: expect.any(String),
    });
    expect(Math.abs(Number(claims['iat']) - now)).toBeLessThan(5);
  });

  it('is signed with a key that is published, as another implementation sees it', async () => {
    const token = await world.permitForOrders();
    const { json } = await world.pemba.call('GET', '/.well-known/jwks.json');
    const { kid } = decodeProtectedHeader(token);
    const jwks = json as JSONWebKeySet;
    const jwk = jwks.keys.find((key) => key.kid === kid) ?? {};
    const { payload } = await jwtVerify(token, await importJWK(jwk), {
      issuer: world.issuerUrl,
      audience: 'service:orders',
      typ: 'permit+jwt',
      currentDate: new Date(world.pemba.clock.now()),
    });
    expect(payload.sub).toBe('user:anne');
  });

  it('goes on from service to service, in one transaction and in one order', async () => {
    const first = await world.permitForOrders();
    const second = await world.permitForInventory(first);
    expect(claimsOf(second)).toMatchObject({
      aud: 'service:inventory',
      sub: 'user:anne',
      act: { sub: 'service:orders', act: { sub: 'service:web' } },
      client_id: 'service:orders',
      txn: claimsOf(first)['txn'],
    });
    expect(Number(claimsOf(second)['exp'])).toBeLessThanOrEqual(Number(claimsOf(first)['exp']));
  });

  it('is taken offline by the service that it is for, once', async () => {
    const verifier = await world.verifier('inventory');
    const token = await world.permitForInventory();
    const presentation = {
      peer: { service: 'service:orders' },
      action: 'can_reserve',
      resource: { type: 'item', id: '9' },
      once: true,
    };
    const permit = await verifier.verifyPermit(token, presentation);
    expect([permit.subject, permit.actors]).toEqual([
      'user:anne',
      ['service:orders', 'service:web'],
    ]);
    await expect(verifier.verifyPermit(token, presentation)).rejects.toMatchObject({
      reason: 'replayed',
    });
  });

  it('holds several permissions, decided together, or is not given', async () => {
    const ask = await world.reserving();
    await world.write('item:7#order@order:1', 'item:7#ordering_service@service:orders');
    const both = ['can_reserve item:9', 'can_reserve item:7'];
    const { json } = await world.exchange({ ...ask, details: both });
    expect(json['authorization_details']).toHaveLength(2);
    const { status, json: refusal } = await world.exchange({
      ...ask,
      details: [...both, 'can_reserve item:8'],
    });
    expect([status, refusal['error']]).toEqual([400, 'invalid_authorization_details']);
  });

  it('carries what its condition was given', async () => {
    const token = await world.userToken();
    const ask = { token, audience: 'service:orders', details: ['can_price item:9'] };
    const permit = granted(await world.exchange({ ...ask, context: { amount: 10 } }));
    expect(claimsOf(permit)['authorization_details']).toMatchObject([{ context: { amount: 10 } }]);
    for (const context of [{ amount: 11 }, {}]) {
      const { json } = await world.exchange({ ...ask, context });
      expect(json['error']).toBe('invalid_authorization_details');
    }
    const verifier = await world.verifier('orders');
    const request = {
      peer: { service: 'service:web' },
      action: 'can_price',
      resource: { type: 'item', id: '9' },
    };
    await verifier.verifyPermit(permit, { ...request, context: { amount: 10 } });
    await expect(
      verifier.verifyPermit(permit, { ...request, context: { amount: 9 } }),
    ).rejects.toMatchObject({ reason: 'context_differs' });
  });

  it('ends with the user’s token, and with the first tuple of its proof', async () => {
    const exp = Math.floor(world.pemba.clock.now() / 1000) + 20;
    const short = await world.permitForOrders({ exp });
    expect(claimsOf(short)['exp']).toBe(exp);
    const expires = Math.floor(world.pemba.clock.now() / 1000) + 10;
    await world.pemba.call('POST', `${world.store.path}/write`, {
      writes: {
        tuple_keys: [
          {
            ...{ object: 'order:2', relation: 'customer', user: 'user:anne' },
            expires_at: new Date(expires * 1000).toISOString(),
          },
        ],
      },
    });
    const brief = granted(
      await world.exchange({ token: await world.userToken(), details: ['can_place order:2'] }),
    );
    expect(claimsOf(brief)['exp']).toBe(expires);
  });

  describe('is revoked', () => {
    const presentation = {
      peer: { service: 'service:web' },
      action: 'can_place',
      resource: { type: 'order', id: '1' },
    };

    it.each([
      ['when a tuple that it rests on is deleted', 'delete', 'order:1#customer@user:anne'],
      ['when its ceiling is lowered', 'delete', 'scope:order.can_place#actor@service:web'],
      ['when a tuple comes that takes the right away', 'write', 'shop:tea#blocked@user:anne'],
    ] as const)('%s', async (_when, operation, tuple) => {
      const verifier = await world.verifier('orders', { revocations: 'stream' });
      const token = await world.permitForOrders();
      await verifier.verifyPermit(token, presentation);
      await world[operation](tuple);
      await until(async () => {
        return (await refusalOf(verifier, token, presentation)) === 'revoked';
      });
      // And nothing goes on from it.
      const { json } = await world.exchange(await world.reserving(token));
      expect([json['error'], json['error_description']]).toEqual([
        'invalid_request',
        'subject_token: is revoked',
      ]);
      await (operation === 'delete' ? world.write(tuple) : world.delete(tuple));
      // The watermark is of a permit, not of a person.
      const again = await world.permitForOrders();
      await verifier.verifyPermit(again, presentation);
    });

    it('under a model that does not grant it', async () => {
      const token = await world.permitForOrders();
      const { json: before } = await world.pemba.call(
        'GET',
        `${world.store.path}/authorization-models`,
      );
      const [model] = before.authorization_models;
      const narrowed = JSON.parse(JSON.stringify(model).replaceAll('"can_place"', '"can_put"'));
      const jti = claimsOf(token)['jti'];
      await world.pemba.call('POST', `${world.store.path}/authorization-models`, {
        ...narrowed,
        delegation_settings: {},
      });
      await until(async () => {
        const { json } = await world.pemba.call('GET', `${world.store.path}/revocations`);
        const { revocations } = json as { readonly revocations: readonly { value: string }[] };
        return revocations.some(({ value }) => value === jti);
      });
      await world.pemba.call('POST', `${world.store.path}/authorization-models`, model);
    });

    it('by hand: a user’s, a service’s, a transaction’s, all', async () => {
      const token = await world.permitForOrders();
      const { txn, jti } = claimsOf(token);
      const verifier = await world.verifier('orders', { revocations: 'stream' });
      for (const mark of [
        { kind: 'sub', value: 'user:anne' },
        { kind: 'act', value: 'service:web' },
        { kind: 'txn', value: txn },
        { kind: 'jti', value: jti },
        { kind: 'all' },
      ]) {
        const { status, json } = await world.pemba.call(
          'POST',
          `${world.store.path}/revocations`,
          mark,
        );
        expect([status, json]).toEqual([201, { value: '', ...mark, ...TIMES }]);
      }
      await until(async () => {
        return (await refusalOf(verifier, token, presentation)) === 'revoked';
      });
      const { json } = await world.pemba.call('GET', `${world.store.path}/audit?page_size=5`);
      const { entries } = json as { readonly entries: readonly { action: string }[] };
      expect(entries.map(({ action }) => action)).toEqual(
        Array.from({ length: 5 }, () => 'permits.revoke'),
      );
    });
  });

  it('is told of in pages, after a cursor', async () => {
    const page = async (query: string): Promise<ReturnType<typeof JSON.parse>> =>
      (await world.pemba.call('GET', `${world.store.path}/revocations?${query}`)).json;
    const all = await page('');
    expect(all.revocations.length).toBeGreaterThan(3);
    const first = await page('page_size=2');
    const second = await page(`page_size=1000&after=${first.cursor}`);
    expect([...first.revocations, ...second.revocations]).toEqual(all.revocations);
    expect(await page(`after=${all.cursor}`)).toEqual({ revocations: [], cursor: all.cursor });
  });

  it.each(['after=x', 'after=-1', 'page_size=0', 'page_size=1001', 'after=1&after=2'])(
    'is not told of for %s',
    async (query) => {
      const { status } = await world.pemba.call('GET', `${world.store.path}/revocations?${query}`);
      expect(status).toBe(400);
    },
  );

  it.each([
    [{}, 'kind'],
    [{ kind: 'sub' }, 'value'],
    [{ kind: 'all', value: 'x' }, 'value'],
    [{ kind: 'role', value: 'x' }, 'kind'],
  ])('is not revoked by %j', async (body, field) => {
    const { status, json } = await world.pemba.call(
      'POST',
      `${world.store.path}/revocations`,
      body,
    );
    expect([status, String(json.message).includes(field)]).toEqual([400, true]);
  });

  it('tells of revocations to the store’s services and readers, and to nobody else', async () => {
    const status = async (key: string): Promise<number> => {
      const headers = { authorization: `Bearer ${key}` };
      const path = `${world.store.path}/revocations`;
      return (await world.pemba.call('GET', path, undefined, { headers })).status;
    };
    const { json } = await world.pemba.call('POST', '/admin/keys', {
      name: 'stranger',
      roles: [{ role: 'observer' }],
    });
    expect(await status(await world.keyOf('inventory'))).toBe(200);
    expect(await status(String(json.key))).toBe(404);
  });
});

const TIMES = { not_before: expect.any(Number), expires: expect.any(Number) };

describeWithPostgres('a Transaction Token', () => {
  beforeAll(async () => {
    world = await PermitWorld.start({ PEMBA_TRUST_DOMAIN: 'shop.example' });
  });
  afterAll(() => world.stop());

  const form = {
    requested_token_type: `${TOKEN_TYPE}:txn_token`,
    scope: 'orders.place',
    request_details: '{"order":"1"}',
    request_context: '{"req_ip":"203.0.113.9"}',
    authorization_details: undefined,
  };

  it('says what is going on, and can be read by every service', async () => {
    const token = await world.userToken({ scope: 'orders.place orders.read' });
    const {
      status,
      json,
      token: txn,
    } = await world.exchange({
      token,
      audience: 'shop.example',
      form,
    });
    expect([status, json['token_type'], json['issued_token_type'], json['scope']]).toEqual([
      200,
      'N_A',
      `${TOKEN_TYPE}:txn_token`,
      'orders.place',
    ]);
    expect(decodeProtectedHeader(txn).typ).toBe('txntoken+jwt');
    const verifier = await world.verifier('billing');
    const transaction = await verifier.verifyTransactionToken(txn, {
      trustDomain: 'shop.example',
    });
    expect(transaction).toMatchObject({
      subject: 'user:anne',
      requester: 'service:web',
      scope: 'orders.place',
      details: { order: '1' },
      requestContext: { req_ip: '203.0.113.9' },
    });
  });

  it.each([
    ['more than the user’s token has', { scope: 'orders.delete' }, 'shop.example', 'invalid_scope'],
    ['no purpose', { scope: undefined }, 'shop.example', 'invalid_scope'],
    ['another trust domain', {}, 'other.example', 'invalid_target'],
  ])('is not issued for %s', async (_what, more, audience, error) => {
    const token = await world.userToken({ scope: 'orders.place' });
    const { status, json } = await world.exchange({ token, audience, form: { ...form, ...more } });
    expect([status, json['error']]).toEqual([400, error]);
  });

  it('is no authority: nothing is exchanged for it', async () => {
    const token = await world.userToken({ scope: 'orders.place' });
    const txn = granted(await world.exchange({ token, audience: 'shop.example', form }));
    const { json } = await world.exchange({ token: txn });
    expect([json['error'], json['error_description']]).toEqual([
      'invalid_request',
      'subject_token: a Transaction Token is context and no authority',
    ]);
  });

  it('begins with the user’s own token', async () => {
    const permit = await world.permitForOrders();
    const { json } = await world.exchange({
      ...{ as: 'orders', token: permit, audience: 'shop.example', form },
    });
    expect(json['error']).toBe('invalid_request');
  });
});
