/** The token endpoint in its frame: who may ask, what is answered, what is told to the log. */
import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Exchange, ExchangeRequest } from '../../../src/delegation/exchange.js';
import { PembaError } from '../../../src/errors.js';
import type { ErrorCode } from '../../../src/errors.js';
import { issuedTo } from '../../support/exchange.js';
import { TestIssuer } from '../../support/issuer.js';
import { writeIssuersFile } from '../../support/issuers-file.js';
import type { IssuersFile } from '../../support/issuers-file.js';
import { startPemba } from '../../support/pemba.js';
import type { Answer, Pemba } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { FORM_TYPE, JWT_BEARER, errorsOf, failure, permitForm, post } from './endpoint.js';

const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const OTHER = '01BX5ZZKBKACTAV9WEVGEMMVRZ';
const PUBLIC = 'https://pemba.shop';
const FAILURES = 100;

describeWithPostgres('the token endpoint', () => {
  let orders: TestIssuer;
  let corp: TestIssuer;
  let file: IssuersFile;
  let pemba: Pemba;
  let key: string;
  let asked: ExchangeRequest[];
  let exchange: Exchange;

  beforeAll(async () => {
    const now = (): number => pemba.clock.now();
    [orders, corp] = [await TestIssuer.start(now), await TestIssuer.start(now)];
    file = writeIssuersFile(
      [corp.settings('corp')],
      [{ id: 'orders', keys: { jwks_url: orders.jwksUrl } }],
    );
    const settings = {
      PEMBA_AUTHENTICATION: 'keys,jwt',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_PUBLIC_URL: PUBLIC,
      PEMBA_PERMITS_STORE: STORE,
      PEMBA_RATE_FAILED_AUTHENTICATIONS: String(FAILURES),
    };
    pemba = await startPemba(settings, undefined, { exchange: (one) => exchange(one) });
    key = pemba.adminKey ?? '';
  });
  afterAll(async () => {
    await pemba.stop();
    await Promise.all([orders.stop(), corp.stop()]);
    file.remove();
  });
  beforeEach(() => {
    asked = [];
    exchange = (one) => {
      asked.push(one);
      return Promise.resolve(issuedTo(one));
    };
  });

  const bearer = (): Record<string, string> => ({ authorization: `Bearer ${key}` });
  let jtis = 0;
  const assertion = (aud: string, more: object = {}): Promise<string> => {
    const iat = Math.floor(pemba.clock.now() / 1000);
    const claims = { iss: 'orders', sub: 'orders', aud, iat, exp: iat + 60, jti: `j${jtis++}` };
    return orders.sign({ ...claims, ...more }, { header: { typ: 'JWT' } });
  };

  it('answers with the token, as RFC 8693 and 9396 have it', async () => {
    const answer = await post(pemba, '/oauth/token', permitForm(), bearer());
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        access_token: 'header.payload.signature',
        issued_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_type: 'N_A',
        expires_in: 60,
        authorization_details: [
          {
            type: 'urn:pemba:permission',
            actions: ['can_reserve'],
            resource: { type: 'item', id: '9' },
          },
        ],
      },
    ]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(answer.headers.get('pemba-consistency-token')).toBe('token');
    expect(asked).toMatchObject([
      { storeId: STORE, client: { caller: { principal: { kind: 'key' } } } },
    ]);
  });

  it('is there for every store, and for the one at the root', async () => {
    await post(pemba, `/stores/${OTHER}/oauth/token`, permitForm(), bearer());
    await post(pemba, `/stores/${STORE}/oauth/token`, permitForm(), bearer());
    await post(pemba, '/oauth/token', permitForm(), bearer());
    expect(asked.map(({ storeId }) => storeId)).toEqual([OTHER, STORE, STORE]);
  });

  it('takes a charset, and capitals', async () => {
    const headers = {
      ...bearer(),
      'content-type': 'Application/X-WWW-Form-Urlencoded; charset=utf-8',
    };
    expect((await post(pemba, '/oauth/token', permitForm(), headers)).status).toBe(200);
  });

  it('takes keys in every way that there is', async () => {
    const id = key.slice('pemba_'.length, 'pemba_'.length + 26);
    const basic = (user: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(`${user}:${encodeURIComponent(key)}`).toString('base64')}`,
    });
    const ways = [
      post(pemba, '/oauth/token', permitForm(), basic(id)),
      post(pemba, '/oauth/token', permitForm(), basic('')),
      post(pemba, '/oauth/token', permitForm({ client_secret: key })),
      post(pemba, '/oauth/token', permitForm({ client_secret: key, client_id: id })),
      post(pemba, '/oauth/token', permitForm({ client_id: 'service:web' }), bearer()),
    ];
    expect((await Promise.all(ways)).map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
    expect(new Set(asked.map(({ client }) => client.caller.name))).toEqual(new Set([`key:${id}`]));
    expect(asked.flatMap(({ client }) => client.actor ?? [])).toEqual(['service:web']);
    const other = await post(pemba, '/oauth/token', permitForm(), basic(OTHER));
    expect(errorsOf(other)).toEqual(failure(401, 'invalid_client'));
  });

  it('takes assertions that are addressed to its store', async () => {
    const send = async (path: string, aud: string): Promise<number> => {
      const client_assertion = await assertion(aud);
      const form = permitForm({ client_assertion, client_assertion_type: JWT_BEARER });
      return (await post(pemba, path, form)).status;
    };
    const other = `/stores/${OTHER}/oauth/token`;
    expect(await send('/oauth/token', PUBLIC)).toBe(200);
    expect(await send('/oauth/token', `${PUBLIC}/oauth/token`)).toBe(200);
    expect(await send(other, `${PUBLIC}/stores/${OTHER}`)).toBe(200);
    expect(await send(other, PUBLIC + other)).toBe(200);
    expect(await send(`/stores/${STORE}/oauth/token`, PUBLIC)).toBe(200);
    expect(await send(other, PUBLIC)).toBe(400);
    expect(await send('/oauth/token', `${PUBLIC}/stores/${OTHER}`)).toBe(400);
    expect(asked.map(({ client }) => client.caller.name)).toEqual(
      Array.from({ length: 5 }, () => 'service:clients/orders'),
    );
  });

  it('takes an assertion once, in whichever process', async () => {
    const settings = {
      PEMBA_AUTHENTICATION: 'keys,jwt',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_PUBLIC_URL: PUBLIC,
      PEMBA_PERMITS_STORE: STORE,
    };
    const second = await startPemba(settings, pemba, { exchange: (one) => exchange(one) });
    try {
      for (let round = 0; round < 5; round++) {
        const client_assertion = await assertion(PUBLIC);
        const form = permitForm({ client_assertion, client_assertion_type: JWT_BEARER });
        const targets = [pemba, second, pemba, second];
        const answers = await Promise.all(targets.map((one) => post(one, '/oauth/token', form)));
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400]);
      }
    } finally {
      await second.stop();
    }
  });

  it('binds what it issues to a proved key, and says so', async () => {
    const { kty = '', crv = '', x = '', y = '' } = orders.key.publicJwk;
    const iat = Math.floor(pemba.clock.now() / 1000);
    const proof = await orders.sign(
      { htm: 'POST', htu: `${PUBLIC}/oauth/token`, iat, jti: 'proof' },
      { header: { typ: 'dpop+jwt', kid: undefined, jwk: { kty, crv, x, y } } },
    );
    const headers = { ...bearer(), dpop: proof };
    const answer = await post(pemba, '/oauth/token', permitForm(), headers);
    expect(answer.json).toMatchObject({ token_type: 'DPoP' });
    expect(asked[0]?.client.confirmation).toEqual({ jkt: expect.any(String) });
    const again = await post(pemba, '/oauth/token', permitForm(), headers);
    expect(errorsOf(again)).toEqual(failure(400, 'invalid_dpop_proof'));
  });

  it.each<[ErrorCode, number, string]>([
    ['invalid_target', 400, 'invalid_target'],
    ['invalid_authorization_details', 400, 'invalid_authorization_details'],
    ['invalid_scope', 400, 'invalid_scope'],
    ['invalid_subject_token', 400, 'invalid_request'],
    ['unauthorized_client', 400, 'unauthorized_client'],
    ['store_not_found', 400, 'unauthorized_client'],
    ['no_model', 400, 'unauthorized_client'],
    ['forbidden', 400, 'unauthorized_client'],
    ['unavailable', 503, 'temporarily_unavailable'],
    ['issuer_unavailable', 503, 'temporarily_unavailable'],
    ['internal', 500, 'server_error'],
  ])('tells %s of the exchange with the status %i', async (code, status, error) => {
    const secret = 'of "store" \\ 7 ü';
    exchange = () => Promise.reject(new PembaError(code, secret));
    const answer = await post(pemba, '/oauth/token', permitForm(), bearer());
    expect(errorsOf(answer)).toEqual(failure(status, error));
    expect(answer.json.error_description ?? '').toMatch(/^[ !#-[\]-~]*$/);
  });

  it('tells nothing of a bug', async () => {
    exchange = () => Promise.reject(new TypeError('of ours'));
    const answer = await post(pemba, '/oauth/token', permitForm(), bearer());
    expect([answer.status, answer.json]).toEqual([500, { error: 'server_error' }]);
    expect(pemba.failures().at(-1)).toMatch(/of ours/);
  });

  it('has one answer for a store that is not there and one where the client is nobody', async () => {
    const answers: string[] = [];
    for (const code of ['store_not_found', 'unauthorized_client', 'no_model'] as const) {
      exchange = () => Promise.reject(new PembaError(code, code));
      answers.push(
        (await post(pemba, `/stores/${OTHER}/oauth/token`, permitForm(), bearer())).text,
      );
    }
    expect(new Set(answers).size).toBe(1);
  });

  it('has one answer for everybody whom it does not know', async () => {
    const unknown = `pemba_${OTHER}_${'A'.repeat(43)}`;
    const wrong = `${key.slice(0, 33)}${'A'.repeat(43)}`;
    const answers: string[] = [];
    for (const client_secret of [unknown, wrong, 'x']) {
      const answer = await post(pemba, '/oauth/token', permitForm({ client_secret }));
      answers.push(`${answer.status} ${answer.text}`);
    }
    for (const more of [{ iss: 'nobody', sub: 'nobody' }, { exp: 1 }, { aud: 'x' }]) {
      const client_assertion = await assertion(PUBLIC, more);
      const form = permitForm({ client_assertion, client_assertion_type: JWT_BEARER });
      const answer = await post(pemba, '/oauth/token', form);
      answers.push(`${answer.status} ${answer.text}`);
    }
    answers.push(
      await post(pemba, '/oauth/token', permitForm()).then((a) => `${a.status} ${a.text}`),
    );
    expect(new Set(answers)).toEqual(
      new Set([
        '400 {"error":"invalid_client","error_description":"client authentication failed"}',
      ]),
    );
    expect(asked).toEqual([]);
  });

  it('challenges whoever used the header, by the scheme that was used', async () => {
    const challenge = async (authorization: string): Promise<unknown> => {
      const answer = await post(pemba, '/oauth/token', permitForm(), { authorization });
      expect(errorsOf(answer)).toEqual(failure(401, 'invalid_client'));
      return answer.headers.get('www-authenticate');
    };
    expect(await challenge('Basic YTpi')).toMatch(/^Basic realm=/);
    expect(await challenge('Bearer x')).toMatch(/^Bearer realm=/);
    expect(await challenge('Digest x')).toMatch(/^Bearer realm=/);
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])('knows no %s', async (method) => {
    for (const path of ['/oauth/token', `/stores/${OTHER}/oauth/token?a=b`]) {
      const override = { 'x-http-method-override': 'POST', ...bearer() };
      const answer = await pemba.call(method, path, undefined, { headers: override });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it.each<[string, string, Record<string, string>, number]>([
    ['JSON', '{}', { 'content-type': 'application/json' }, 415],
    ['text', 'a=b', { 'content-type': 'text/plain' }, 415],
    ['several parts', 'a=b', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
    ['what only begins like a form', 'a=b', { 'content-type': `${FORM_TYPE}x` }, 415],
    ['too much', `a=${'b'.repeat(300_000)}`, {}, 413],
    ['a bad escape', 'a=%', {}, 400],
    ['nothing', '', {}, 400],
  ])('does not take %s', async (_what, raw, headers, status) => {
    const answer = await post(pemba, '/oauth/token', raw, { ...bearer(), ...headers });
    expect(errorsOf(answer)).toEqual(failure(status, 'invalid_request'));
  });

  it('takes no parameters in its address', async () => {
    const answer = await post(pemba, `/oauth/token?${permitForm()}`, 'a=b', bearer());
    expect(errorsOf(answer)).toEqual(failure(400, 'invalid_request'));
  });

  it('does not take two headers for one', async () => {
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const headers = ['authorization', `Bearer ${key}`, 'authorization', 'Basic YTpi'];
      const sent = request(
        `${pemba.url}/oauth/token`,
        { method: 'POST', headers: ['content-type', FORM_TYPE, 'host', 'x', ...headers] },
        (response) => {
          resolve(response.resume().statusCode);
        },
      );
      sent.once('error', reject).end(permitForm());
    });
    expect([answer, asked]).toEqual([400, []]);
  });

  it('is not there for what is no store', async () => {
    const answer = await post(pemba, '/stores/x/oauth/token', permitForm(), bearer());
    expect(errorsOf(answer)).toEqual(failure(400, 'invalid_request'));
  });

  const lastLine = (): Record<string, unknown> => {
    const line = pemba.logged.findLast((one) => one.includes('a token exchange was refused'));
    return JSON.parse(line ?? '{}') as Record<string, unknown>;
  };

  it('tells the log why, and never the token', async () => {
    const client_assertion = await assertion(PUBLIC, { aud: 'x' });
    const form = permitForm({ client_assertion, client_assertion_type: JWT_BEARER });
    await post(pemba, '/oauth/token', form, { 'x-request-id': 'mine' });
    expect(lastLine()).toMatchObject({
      level: 'info',
      request_id: 'mine',
      outcome: 'invalid_client',
      reason: 'invalid_client: audience',
    });
    exchange = () =>
      Promise.reject(new PembaError('invalid_target', 'no', { facts: { reason: 'ceiling' } }));
    await post(pemba, '/oauth/token', permitForm(), bearer());
    expect(lastLine()).toMatchObject({
      client: expect.stringMatching(/^key:/),
      outcome: 'invalid_target',
      reason: 'invalid_target: ceiling',
    });
    expect(pemba.logged.filter((line) => line.includes(client_assertion))).toEqual([]);
  });

  it('names no user in the log', async () => {
    exchange = () => Promise.reject(new PembaError('unauthorized_client', 'no'));
    const authorization = `Bearer ${await corp.accessToken({ sub: 'anne' })}`;
    await post(pemba, '/oauth/token', permitForm(), { authorization });
    expect(lastLine()).toMatchObject({ client: 'a user' });
  });

  it('counts outcomes', async () => {
    await post(pemba, '/oauth/token', permitForm(), bearer());
    const { text } = await pemba.call('GET', '/metrics');
    expect(text).toMatch(/pemba_token_exchanges_total\{outcome="permit"\} \d+/);
    expect(text).toMatch(/pemba_token_exchanges_total\{outcome="invalid_client"\} \d+/);
  });

  it('lets no one guess for long', async () => {
    pemba.clock.hold();
    const guess = (): Promise<Answer> =>
      post(pemba, '/oauth/token', permitForm({ client_secret: `pemba_${OTHER}` }));
    let answer = await guess();
    for (let i = 0; i < FAILURES && answer.status === 400; i++) answer = await guess();
    expect(errorsOf(answer)).toEqual(failure(429, 'temporarily_unavailable'));
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await post(pemba, '/oauth/token', permitForm(), bearer())).status).toBe(200);
  });
});
