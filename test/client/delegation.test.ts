/** Delegated checks and token exchange, against a server that plays the contract. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PembaClient } from '../../src/client/client.js';
import type { ExchangeOptions, PermitRequest } from '../../src/client/client.js';
import { ManualTime } from '../support/manual-time.js';
import { failureOf } from './failures.js';
import { ScriptedServer, answer } from './scripted-server.js';

const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const PERMIT: PermitRequest = {
  subjectToken: 'eyJ.user.s',
  audience: 'service:inventory',
  details: [{ actions: ['can_reserve'], resource: { type: 'item', id: '9' } }],
};

/** Time that moves when it is told to; deadlines do not come. */
class Time extends ManualTime {
  wall(): number {
    return super.now();
  }

  override now(): number {
    return this.monotonic();
  }
}

let server: ScriptedServer;
let time: Time;
beforeEach(async () => {
  time = new Time();
  server = await ScriptedServer.start((_asked, response, count) => {
    answer(
      response,
      200,
      {
        access_token: `permit-${count}`,
        issued_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_type: 'N_A',
        expires_in: 60,
      },
      { 'pemba-consistency-token': `t${count}` },
    );
  });
});
afterEach(() => server.stop());

const clientOf = (exchange?: ExchangeOptions): PembaClient =>
  new PembaClient({
    urls: [server.url],
    storeId: STORE,
    apiKey: 'pemba_key',
    time,
    retries: { max: 0 },
    exchange,
  });

const formOf = (i: number): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(server.asked[i]?.text));

interface Jwt {
  readonly header: ReturnType<typeof JSON.parse>;
  readonly claims: ReturnType<typeof JSON.parse>;
}

/** What a JWT says, once its signature holds. */
function verified(token: string, jwk: PublicJwk): Jwt {
  const [head = '', body = '', signature = ''] = token.split('.');
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  const digest = jwk.kty === 'OKP' ? null : 'sha256';
  const holds = verify(
    digest,
    Buffer.from(`${head}.${body}`),
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  expect(holds).toBe(true);
  const [header, claims] = [head, body].map((part): unknown =>
    JSON.parse(Buffer.from(part, 'base64url').toString()),
  );
  return { header, claims };
}

const keyPairs = [
  ['EdDSA', { name: 'Ed25519' }],
  ['ES256', { name: 'ECDSA', namedCurve: 'P-256' }],
] as const;

async function keyPairOf(algorithm: (typeof keyPairs)[number][1]): Promise<CryptoPair> {
  const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new TypeError('it is a pair');
  const { kty = '', crv = '', x = '', y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { pair, jwk: { kty, crv, x, ...(y !== undefined && { y }) } };
}

interface PublicJwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y?: string;
}

interface CryptoPair {
  readonly pair: Required<ExchangeOptions>['dpopKey'] & object;
  readonly jwk: PublicJwk;
}

describe('a delegated check', () => {
  const decision = { allowed: false, reason: 'ceiling', decision_id: 'd1' };

  it('asks who acts for whom, and tells why', async () => {
    server.script = (_asked, response) => {
      answer(response, 200, {
        ...decision,
        actor: 'service:orders',
        revision: 7,
        missing: ['scope:item.can_reserve'],
      });
    };
    const answered = await clientOf().delegatedCheck(
      { subjectToken: 'eyJ', relation: 'can_reserve', object: 'item:9', context: { n: 1 } },
      { chain: ['service:web'], explain: true, consistency: 'higher' },
    );
    expect(answered).toEqual({
      allowed: false,
      reason: 'ceiling',
      decisionId: 'd1',
      actor: 'service:orders',
      revision: 7,
      missing: ['scope:item.can_reserve'],
    });
    expect(server.asked[0]).toMatchObject({
      path: `/stores/${STORE}/delegated-check`,
      body: {
        tuple_key: { relation: 'can_reserve', object: 'item:9' },
        subject_token: 'eyJ',
        context: { n: 1 },
        chain: ['service:web'],
        explain: true,
        consistency: 'HIGHER_CONSISTENCY',
      },
    });
  });

  it('of several things has an answer to each, in order', async () => {
    server.script = (_asked, response) => {
      answer(response, 200, {
        result: {
          1: decision,
          2: { error: { input_error: 'validation_error', message: 'm' } },
          0: { allowed: true, reason: 'granted', decision_id: 'd0' },
        },
        actor: 'service:orders',
        revision: 7,
      });
    };
    const checks = ['item:1', 'item:2', 'item'].map((object) => ({ relation: 'r', object }));
    const options = { subjectToken: 'eyJ', actor: 'service:orders' };
    expect(await clientOf().batchDelegatedCheck(checks, options)).toMatchObject({
      results: [
        { allowed: true, reason: 'granted', decisionId: 'd0' },
        { allowed: false, reason: 'ceiling', decisionId: 'd1' },
        { error: { code: 'validation_error', status: 400 } },
      ],
      actor: 'service:orders',
      revision: 7,
    });
    expect(server.asked[0]).toMatchObject({
      path: `/stores/${STORE}/delegated-batch-check`,
      body: {
        subject_token: 'eyJ',
        actor: 'service:orders',
        checks: [{ correlation_id: '0' }, { correlation_id: '1' }, { correlation_id: '2' }],
      },
    });
  });

  it.each([
    {},
    { allowed: 1, reason: 'granted', decision_id: 'd', actor: 'a', revision: 1 },
    { allowed: true, decision_id: 'd', actor: 'a', revision: 1 },
  ])('is not answered by %j', async (body) => {
    server.script = (_asked, response) => {
      answer(response, 200, body);
    };
    const call = clientOf().delegatedCheck({ user: 'user:a', relation: 'r', object: 'o:1' });
    expect((await failureOf(call)).code).toBe('invalid_response');
  });
});

describe('token exchange', () => {
  it('asks for a permit as RFC 8693 has it', async () => {
    const context = { amount: 3 };
    const details = [{ ...PERMIT.details[0]!, context }];
    const issued = await clientOf().exchangeToken(
      { ...PERMIT, details, subjectTokenType: 'jwt' },
      { consistency: { atLeast: 'T' } },
    );
    expect(issued).toEqual({
      token: 'permit-1',
      expiresInSeconds: 60,
      details: undefined,
      scope: undefined,
    });
    const { path, headers } = server.asked[0]!;
    expect(path).toBe(`/stores/${STORE}/oauth/token`);
    expect(headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      authorization: 'Bearer pemba_key',
    });
    const { authorization_details: sent, ...form } = formOf(0);
    expect(form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: PERMIT.subjectToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      audience: 'service:inventory',
      consistency_token: 'T',
    });
    expect(JSON.parse(sent ?? '')).toEqual([{ type: 'urn:pemba:permission', ...details[0] }]);
  });

  it('asks for a Transaction Token', async () => {
    server.script = (_asked, response) => {
      answer(response, 200, { access_token: 'txn', expires_in: 300, scope: 'checkout' });
    };
    const issued = await clientOf().exchangeToken({
      requested: 'txn_token',
      subjectToken: 'eyJ',
      audience: 'shop',
      scope: 'checkout',
      requestContext: { req_ip: '::1' },
      requestDetails: { order: '7' },
    });
    expect(issued).toMatchObject({ token: 'txn', scope: 'checkout' });
    expect(formOf(0)).toMatchObject({
      requested_token_type: 'urn:ietf:params:oauth:token-type:txn_token',
      scope: 'checkout',
      request_context: '{"req_ip":"::1"}',
      request_details: '{"order":"7"}',
    });
    expect(formOf(0)).not.toHaveProperty('authorization_details');
  });

  it('reads what was permitted', async () => {
    const detail = { ...PERMIT.details[0]!, context: { n: 1 } };
    server.script = (_asked, response) => {
      answer(response, 200, {
        access_token: 'p',
        expires_in: 60,
        authorization_details: [{ type: 'urn:pemba:permission', ...detail }],
      });
    };
    expect((await clientOf().exchangeToken(PERMIT)).details).toEqual([detail]);
  });

  it("tells OAuth's errors", async () => {
    server.script = (_asked, response) => {
      answer(response, 400, { error: 'invalid_target', error_description: 'm' });
    };
    expect(await failureOf(clientOf().exchangeToken(PERMIT))).toMatchObject({
      code: 'invalid_target',
      message: 'm',
      status: 400,
    });
  });

  it('shows an assertion instead of the API key', async () => {
    let made = 0;
    const client = clientOf({ clientAssertion: () => Promise.resolve(`assertion-${++made}`) });
    await client.exchangeToken(PERMIT);
    await client.exchangeToken(PERMIT);
    expect([0, 1].map((i) => formOf(i)['client_assertion'])).toEqual([
      'assertion-1',
      'assertion-2',
    ]);
    expect(formOf(0)['client_assertion_type']).toBe(
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    );
    expect(server.asked[0]?.headers.authorization).toBeUndefined();
  });

  it.each(keyPairs)('signs an assertion with a key (%s)', async (alg, algorithm) => {
    const { pair, jwk } = await keyPairOf(algorithm);
    const key = { clientId: 'service:orders', privateKey: pair.privateKey, keyId: 'k1' };
    const client = clientOf({ key, publicUrl: 'https://pemba.example' });
    await client.exchangeToken(PERMIT);
    await client.exchangeToken(PERMIT);
    const [one, other] = [0, 1].map((i) => verified(formOf(i)['client_assertion'] ?? '', jwk));
    const iat = Math.floor(time.wall() / 1000);
    expect(one?.header).toEqual({ alg, typ: 'JWT', kid: 'k1' });
    expect(one?.claims).toEqual({
      iss: 'service:orders',
      sub: 'service:orders',
      aud: `https://pemba.example/stores/${STORE}`,
      jti: expect.any(String),
      iat,
      exp: iat + 60,
    });
    expect(other?.claims.jti).not.toBe(one?.claims.jti);
  });

  it.each(keyPairs)('proves that it holds a key (%s)', async (alg, algorithm) => {
    const { pair, jwk } = await keyPairOf(algorithm);
    await clientOf({ dpopKey: pair }).exchangeToken(PERMIT);
    const { headers } = server.asked[0]!;
    const { header, claims } = verified(String(headers['dpop']), jwk);
    expect(header).toEqual({ alg, typ: 'dpop+jwt', jwk });
    expect(claims).toEqual({
      htm: 'POST',
      htu: `${server.url}/stores/${STORE}/oauth/token`,
      jti: expect.any(String),
      iat: Math.floor(time.wall() / 1000),
    });
    expect(headers.authorization).toBe('Bearer pemba_key');
  });

  it('takes no key that the server would not', async () => {
    const rsa = await crypto.subtle.generateKey(
      {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-256',
      },
      false,
      ['sign', 'verify'],
    );
    const key = { clientId: 'service:orders', privateKey: rsa.privateKey };
    await expect(clientOf({ key }).exchangeToken(PERMIT)).rejects.toThrow(/Ed25519/);
  });
});

describe('permits', () => {
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

  it('are not kept unless it is said', async () => {
    const client = clientOf();
    await client.exchangeToken(PERMIT);
    await client.exchangeToken(PERMIT);
    expect(server.asked).toHaveLength(2);
  });

  it('are used again while they are good for long enough', async () => {
    const client = clientOf({ cache: { minValidSeconds: 10 } });
    await client.exchangeToken(PERMIT);
    time.advance(50_000);
    expect(await client.exchangeToken(PERMIT)).toMatchObject({
      token: 'permit-1',
      expiresInSeconds: 10,
    });
    time.advance(1);
    expect(await client.exchangeToken(PERMIT)).toMatchObject({ token: 'permit-2' });
  });

  it('are asked for once by many', async () => {
    const client = clientOf({ cache: true });
    const issued = await Promise.all(
      Array.from({ length: 20 }, () => client.exchangeToken(PERMIT)),
    );
    expect(new Set(issued.map(({ token }) => token))).toEqual(new Set(['permit-1']));
    expect(server.asked).toHaveLength(1);
  });

  it.each<[string, object, object?]>([
    ['another subject', { subjectToken: digest('other') }],
    ['another audience', { audience: 'service:billing' }],
    ['other details', { details: [{ actions: ['r'], resource: { type: 'item', id: '8' } }] }],
    ['another actor token', { actorToken: 'a' }],
    ['one use', { once: true }],
    ['a certain revision', {}, { consistency: { atLeast: 'T' } }],
    ['another store', {}, { storeId: 'OTHER' }],
  ])('are not used for %s', async (_what, request, options = {}) => {
    const client = clientOf({ cache: true });
    await client.exchangeToken(PERMIT);
    await client.exchangeToken({ ...PERMIT, ...request }, options);
    expect(server.asked).toHaveLength(2);
    expect(await client.exchangeToken(PERMIT)).toMatchObject({ token: 'permit-1' });
  });

  it('for one use are not shared while they are on their way', async () => {
    const client = clientOf({ cache: true });
    const once = { ...PERMIT, once: true };
    await Promise.all([client.exchangeToken(once), client.exchangeToken(once)]);
    expect(server.asked).toHaveLength(2);
  });

  it('are never older than a write of this client', async () => {
    const client = clientOf({ cache: true });
    await client.exchangeToken(PERMIT);
    const { script } = server;
    let release = (): void => undefined;
    server.script = async (asked, response, count) => {
      if (asked.path.endsWith('/write')) {
        answer(response, 200, {}, { 'pemba-consistency-token': `t${count}` });
        return;
      }
      // The third is on its way while the write is made.
      if (count === 3) await new Promise<void>((resolve) => (release = resolve));
      await script(asked, response, count);
    };
    const write = (): Promise<unknown> =>
      client.session().write({ deletes: [{ user: 'user:a', relation: 'r', object: 'item:9' }] });
    await write();
    const early = client.exchangeToken(PERMIT);
    while (server.asked.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    await write();
    // Who asks after the write does not wait for what was asked before it …
    expect(await client.exchangeToken(PERMIT)).toMatchObject({ token: 'permit-5' });
    release();
    expect(await early).toMatchObject({ token: 'permit-3' });
    // … which is not kept, either.
    expect(await client.exchangeToken(PERMIT)).toMatchObject({ token: 'permit-5' });
    expect(server.asked).toHaveLength(5);
  });

  it('are so many and no more', async () => {
    const client = clientOf({ cache: { maxPermits: 2 } });
    for (const audience of ['a', 'b', 'c']) await client.exchangeToken({ ...PERMIT, audience });
    for (const audience of ['c', 'b']) await client.exchangeToken({ ...PERMIT, audience });
    expect(server.asked).toHaveLength(3);
    await client.exchangeToken({ ...PERMIT, audience: 'a' });
    expect(server.asked).toHaveLength(4);
  });

  it('that failed are asked for again', async () => {
    const client = clientOf({ cache: true });
    const { script } = server;
    server.script = (_asked, response) => {
      answer(response, 400, { error: 'invalid_target' });
    };
    await failureOf(client.exchangeToken(PERMIT));
    server.script = script;
    expect(await client.exchangeToken(PERMIT)).toMatchObject({ token: 'permit-2' });
  });
});
