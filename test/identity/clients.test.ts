/** Clients that ask for tokens: every method, no two of them, and what is held against each. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { parseNetworks } from '../../src/config/networks.js';
import { PembaError } from '../../src/errors.js';
import { Authenticator } from '../../src/identity/authenticator.js';
import { ClientAssertions } from '../../src/identity/client-assertion.js';
import { ClientAuthenticator } from '../../src/identity/clients.js';
import type { AuthenticatedClient, ClientFacts } from '../../src/identity/clients.js';
import { parseIssuerFile } from '../../src/identity/issuer-file.js';
import { OneUse } from '../../src/identity/one-use.js';
import { RateLimits } from '../../src/identity/rate-limits.js';
import { TokenVerifier } from '../../src/identity/token-verifier.js';
import { TestIssuer, makeKey } from '../support/issuer.js';
import type { Claims, SigningKey } from '../support/issuer.js';
import { ManualTime } from '../support/manual-time.js';
import { BILLING, BOTH, EVIL, ORDERS } from './certificates.js';
import { base64url, forge, forgeHmac, tampered } from './forge.js';

const ISSUER = 'https://pemba.shop/stores/01J';
const TOKEN_URL = `${ISSUER}/oauth/token`;
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const PROXY = '10.1.2.3';
const HEADER = 'client-cert';
const FAILURES_A_MINUTE = 5;

let orders: TestIssuer;
let billing: TestIssuer;
let corp: TestIssuer;
let time: ManualTime;
let clients: ClientAuthenticator;
let stop: () => Promise<void>;
let jtis = 0;

beforeAll(async () => {
  const now = (): number => time.now();
  orders = await TestIssuer.start(now);
  billing = await TestIssuer.start(now);
  corp = await TestIssuer.start(now);
  await billing.publish(await makeKey('billing-key'));
});
afterAll(() => Promise.all([orders, billing, corp].map((one) => one.stop())));

beforeEach(() => {
  time = new ManualTime();
  const file = parseIssuerFile(
    JSON.stringify({
      issuers: [corp.settings('corp', { callers: { audience: ['pemba'], service: 'always' } })],
      clients: [
        {
          id: 'orders',
          keys: { jwks_url: orders.jwksUrl },
          algorithms: ['ES256'],
          tls: { san_uri: 'spiffe://shop/ns/orders' },
        },
        { id: 'billing', keys: { jwks_url: billing.jwksUrl }, tls: { san_dns: 'billing.shop' } },
      ],
    }),
    'issuers.json',
  );
  const events = { loaded: () => undefined, failed: () => undefined };
  const parts = { clock: time, timers: time, fetch, events };
  const tokens = new TokenVerifier({
    ...{ ...parts, issuers: file.issuers, maxTokenBytes: 16_384, cachedTokens: 10 },
  });
  const oneUse = new OneUse(
    () => Promise.resolve(true),
    () => time.now(),
    () => undefined,
  );
  const assertions = new ClientAssertions(file.clients, parts, oneUse);
  const none = { queries: undefined, writes: undefined, administration: undefined };
  clients = new ClientAuthenticator({
    authenticator: new Authenticator({ keys: undefined, tokens }),
    clients: file.clients,
    assertions,
    issuers: new Map(file.issuers.map((issuer) => [issuer.issuer, issuer])),
    limits: new RateLimits(
      {
        ...{ ...none, exchanges: undefined },
        authentication: { tokens: FAILURES_A_MINUTE, windowSeconds: 60 },
      },
      time,
    ),
    oneUse,
    clock: time,
    maxTokenBytes: 16_384,
    trustedProxies: parseNetworks('10.0.0.0/8,fd00::/8')!,
    certificateHeader: HEADER,
  });
  stop = async () => {
    await Promise.all([tokens.stop(), assertions.stop()]);
  };
});
afterEach(() => stop());

interface Given {
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly peer?: string;
  readonly clientId?: string;
  readonly secret?: string;
  readonly assertion?: string;
  readonly type?: string | undefined;
}

const factsOf = (given: Given): ClientFacts => ({
  header: (name) => (given.headers ?? []).flatMap(([key, value]) => (key === name ? [value] : [])),
  peer: given.peer ?? '192.0.2.1',
  urls: [TOKEN_URL],
  audiences: [ISSUER, TOKEN_URL],
  parameters: {
    clientId: given.clientId,
    clientSecret: given.secret,
    assertion: given.assertion,
    assertionType: 'type' in given ? given.type : given.assertion && JWT_BEARER,
  },
});

const authenticate = (given: Given): Promise<AuthenticatedClient> =>
  clients.authenticate(factsOf(given));

/** The client's name, or the broken rule. */
async function verdict(given: Given): Promise<string> {
  try {
    return (await authenticate(given)).caller.name;
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    const { rule, field } = error.facts;
    return `${error.code}: ${String(rule ?? field)}`;
  }
}

const seconds = (): number => Math.floor(time.now() / 1000);

const claimsOf = (overrides: Claims = {}): Claims => ({
  iss: 'orders',
  sub: 'orders',
  aud: ISSUER,
  jti: `jti-${jtis++}`,
  iat: seconds(),
  exp: seconds() + 60,
  ...overrides,
});
const assertionOf = (overrides: Claims = {}, key?: SigningKey, header: Claims = {}) =>
  orders.sign(claimsOf(overrides), { ...(key && { key }), header: { typ: 'JWT', ...header } });

describe('an assertion', () => {
  it('says which registered client asks', async () => {
    const { caller, ...rest } = await authenticate({ assertion: await assertionOf() });
    expect(caller).toMatchObject({
      name: 'service:clients/orders',
      principal: { kind: 'service', issuer: 'clients', id: 'orders' },
      roles: [],
    });
    expect(rest).toEqual({});
  });

  it.each<[string, Claims, Claims]>([
    ['the endpoint', { aud: TOKEN_URL }, {}],
    ['a list of one audience', { aud: [ISSUER] }, {}],
    ['no type', {}, { typ: undefined }],
    ['the type of its own', {}, { typ: 'client-authentication+jwt' }],
    ['no key id', {}, { kid: undefined }],
    ['the longest life', { exp: Date.UTC(2030, 0, 1) / 1000 + 300 }, {}],
  ])('may have %s', async (_what, claims, header) => {
    const assertion = await assertionOf(claims, undefined, header);
    expect(await verdict({ assertion })).toBe('service:clients/orders');
  });

  const NOW = Date.UTC(2030, 0, 1) / 1000;
  it.each<[string, Claims]>([
    ['client', { sub: 'billing' }],
    ['client', { iss: 'nobody', sub: 'nobody' }],
    ['client', { iss: ['orders'], sub: ['orders'] }],
    ['client', { sub: undefined }],
    ['audience', { aud: undefined }],
    ['audience', { aud: 'https://pemba.shop' }],
    ['audience', { aud: 'https://pemba.shop/stores/02J' }],
    ['audience', { aud: `${ISSUER}/` }],
    ['audience', { aud: [ISSUER, TOKEN_URL] }],
    ['audience', { aud: [ISSUER, 'https://elsewhere'] }],
    ['audience', { aud: [] }],
    ['expiry', { exp: undefined }],
    ['expiry', { exp: NOW - 6 }],
    ['expiry', { exp: 'soon' }],
    ['lifetime', { exp: NOW + 301 }],
    ['issued_at', { iat: undefined }],
    ['issued_at', { iat: NOW + 6 }],
    ['not_before', { nbf: NOW + 6 }],
    ['jti', { jti: undefined }],
    ['jti', { jti: '' }],
    ['jti', { jti: 7 }],
    ['jti', { jti: 'j'.repeat(257) }],
    ['id_token', { nonce: 'n' }],
  ])('is refused by the rule %s: %j', async (rule, claims) => {
    expect(await verdict({ assertion: await assertionOf(claims) })).toBe(`invalid_client: ${rule}`);
  });

  it.each<[string, Claims]>([
    ['header', { jwk: { kty: 'EC' } }],
    ['header', { jku: 'https://evil' }],
    ['header', { x5c: ['a'] }],
    ['type', { typ: 'at+jwt' }],
    ['type', { typ: 'dpop+jwt' }],
    ['type', { typ: 'permit+jwt' }],
    ['unknown_key', { kid: 'billing-key' }],
    ['unknown_key', { kid: '../../keys' }],
  ])('is refused by the rule %s for its header %j', async (rule, header) => {
    const assertion = await assertionOf({}, undefined, header);
    expect(await verdict({ assertion })).toBe(`invalid_client: ${rule}`);
  });

  it("is not signed by another client's key", async () => {
    const key = billing.published.find(({ id }) => id === 'billing-key');
    expect(await verdict({ assertion: await assertionOf({}, key) })).toMatch(/unknown_key$/);
    const named = await assertionOf({}, key, { kid: orders.key.id });
    expect(await verdict({ assertion: named })).toBe('invalid_client: signature');
  });

  it('has an algorithm of its client, and a signature', async () => {
    const header = { alg: 'ES256', kid: orders.key.id };
    const good = await assertionOf();
    const pem = JSON.stringify(orders.key.publicJwk);
    const forgeries = {
      'algorithm none': `${base64url(JSON.stringify({ alg: 'none' }))}.${base64url(JSON.stringify(claimsOf()))}.`,
      'algorithm none, signed': forge(orders.key, { ...header, alg: 'none' }, claimsOf()),
      'the public key as a secret': forgeHmac(pem, { ...header, alg: 'HS256' }, claimsOf()),
      'an algorithm of others': forge(orders.key, { ...header, alg: 'EdDSA' }, claimsOf()),
      'a member twice': forge(orders.key, header, '{"iss":"orders","iss":"billing"}'),
      'no signature': tampered(good, ([a, b]) => [a, b, '']),
      'the signature of others': tampered(good, ([a, , c]) => [
        a,
        base64url(JSON.stringify(claimsOf({ exp: seconds() + 90 }))),
        c,
      ]),
      nothing: 'x',
      'much of it': 'a'.repeat(20_000),
    };
    const verdicts: Record<string, string> = {};
    for (const [what, assertion] of Object.entries(forgeries)) {
      verdicts[what] = await verdict({ assertion });
    }
    expect(verdicts).toEqual({
      'algorithm none': 'invalid_client: form',
      'algorithm none, signed': 'invalid_client: algorithm',
      'the public key as a secret': 'invalid_client: algorithm',
      'an algorithm of others': 'invalid_client: algorithm',
      'a member twice': 'invalid_client: json',
      'no signature': 'invalid_client: form',
      'the signature of others': 'invalid_client: signature',
      nothing: 'invalid_client: form',
      'much of it': 'invalid_client: size',
    });
  });

  it('counts once, however many come at once, and no longer than it lives', async () => {
    const assertion = await assertionOf();
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verdict({ assertion })));
    expect(verdicts.filter((one) => one === 'service:clients/orders')).toHaveLength(1);
    time.advance(59_000);
    expect(await verdict({ assertion })).toBe('invalid_client: replayed');
    time.advance(6000);
    expect(await verdict({ assertion })).toBe('invalid_client: expiry');
  });

  it('of a forger uses nothing up', async () => {
    const assertion = await assertionOf({ jti: 'mine' });
    const forged = tampered(assertion, ([a, b, c]) => [a, b, `${c.slice(0, -4)}AAAA`]);
    expect(await verdict({ assertion: forged })).toBe('invalid_client: signature');
    expect(await verdict({ assertion })).toBe('service:clients/orders');
  });

  it('of an issuer says which of its services asks, again and again', async () => {
    const assertion = await corp.accessToken({ sub: 'web', client_id: 'web' });
    expect(await verdict({ assertion })).toBe('service:corp/web');
    expect(await verdict({ assertion })).toBe('service:corp/web');
    const meantForOthers = await corp.accessToken({ aud: 'shop-api' });
    expect(await verdict({ assertion: meantForOthers })).toBe('invalid_client: audience');
  });

  it('is not as good as a secret, nor of another type', async () => {
    const assertion = await corp.accessToken();
    expect(await verdict({ secret: assertion })).toBe('invalid_client: malformed_key');
    const saml = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer';
    for (const type of [saml, undefined]) {
      expect(await verdict({ assertion, type })).toBe('invalid_request: client_assertion_type');
    }
    expect(await verdict({ type: JWT_BEARER })).toBe('invalid_request: client_assertion');
  });
});

describe('the certificate of a connection', () => {
  const certificate = (der: string): readonly [string, string] => [HEADER, `:${der}:`];
  const told = (der: string, more: Given = {}): Given => ({
    peer: PROXY,
    headers: [certificate(der)],
    ...more,
  });
  const thumbprint = createHash('sha256')
    .update(Buffer.from(ORDERS.der, 'base64'))
    .digest('base64url');

  it('says which registered client asks, and binds what is issued', async () => {
    const { caller, confirmation } = await authenticate(told(ORDERS.der));
    expect(caller.name).toBe('service:clients/orders');
    expect(confirmation).toEqual({ 'x5t#S256': thumbprint });
    expect(await verdict(told(ORDERS.der, { peer: 'fd00::1' }))).toBe(caller.name);
    expect(await verdict(told(ORDERS.der, { peer: '::ffff:10.9.9.9' }))).toBe(caller.name);
  });

  it('is believed of nobody else than a trusted proxy', async () => {
    for (const peer of ['192.0.2.1', '11.0.0.1', '::1', 'fe80::1%eth0', '']) {
      expect(await verdict(told(ORDERS.der, { peer }))).toBe(
        'invalid_client: certificate_of_a_stranger',
      );
      time.advance(60_000);
    }
    const assertion = await assertionOf();
    expect(await verdict(told(ORDERS.der, { peer: '192.0.2.1', assertion }))).toMatch(/stranger/);
  });

  it('is one, whole, and of one client', async () => {
    const twice = { peer: PROXY, headers: [certificate(ORDERS.der), certificate(ORDERS.der)] };
    expect(await verdict(twice)).toBe('invalid_client: several_certificates');
    expect(await verdict(told('AAAA'))).toBe('invalid_client: certificate');
    expect(await verdict(told(EVIL.der))).toBe('invalid_client: certificate_of_nobody');
    expect(await verdict(told(BOTH.der))).toBe('invalid_client: certificate_of_several');
    expect(await verdict(told(BOTH.der, { clientId: 'billing' }))).toBe('service:clients/billing');
    expect(await verdict(told(BILLING.der, { clientId: 'orders' }))).toMatch(/of_nobody$/);
  });

  it('beside another method proves nobody, and binds all the same', async () => {
    const assertion = await orders.sign(claimsOf(), { header: { typ: 'JWT' } });
    const { caller, confirmation } = await authenticate(told(BILLING.der, { assertion }));
    expect(caller.name).toBe('service:clients/orders');
    expect(confirmation).toEqual({ 'x5t#S256': expect.any(String) });
  });
});

describe('a client', () => {
  it('authenticates by one method', async () => {
    const assertion = await assertionOf();
    const bearer = ['authorization', `Bearer ${await corp.accessToken()}`] as const;
    for (const given of [
      { assertion, secret: 's' },
      { assertion, headers: [bearer] },
      { secret: 's', headers: [bearer] },
      { headers: [bearer, bearer] },
      { type: JWT_BEARER, headers: [bearer] },
    ]) {
      expect(await verdict(given)).toBe('invalid_request: several_methods');
    }
    expect(await verdict({ assertion })).toBe('service:clients/orders');
  });

  it('that brings nothing is refused', async () => {
    expect(await verdict({})).toBe('invalid_client: missing');
    expect(await verdict({ clientId: 'orders' })).toBe('invalid_client: missing');
  });

  it.each(['Basic', 'Basic !', 'Basic Og', 'Basic YQ==', 'Basic YTolZmY=', 'Digest x', 'Bearer'])(
    'with the header %j is refused',
    async (header) => {
      expect(await verdict({ headers: [['authorization', header]] })).toMatch(/^invalid_client/);
    },
  );

  it('names itself, or the service that it acts as', async () => {
    const given = async (clientId: string): Promise<Given> => ({
      clientId,
      assertion: await assertionOf(),
    });
    expect((await authenticate(await given('orders'))).actor).toBeUndefined();
    expect((await authenticate(await given('service:clients/orders'))).actor).toBeUndefined();
    expect((await authenticate(await given('service:checkout'))).actor).toBe('service:checkout');
    expect(await verdict(await given('billing'))).toBe('invalid_client: client_id');
    expect(await verdict(await given('service:*'))).toBe('invalid_request: client_id');
    expect(await verdict(await given('service:a#b'))).toBe('invalid_request: client_id');
  });

  it('that guesses waits; one that nobody can guess does not', async () => {
    for (let i = 0; i < FAILURES_A_MINUTE; i++) {
      expect(await verdict({ secret: `pemba_${i}` })).toMatch(/^invalid_client/);
    }
    expect(await verdict({ secret: 'pemba_x' })).toBe('too_many_requests: undefined');
    const token = await corp.accessToken();
    expect(await verdict({ assertion: token })).toBe('too_many_requests: undefined');
    expect(await verdict({ assertion: await assertionOf() })).toBe('service:clients/orders');
    expect(await verdict({ assertion: token, peer: '198.51.100.1' })).toBe('service:corp/web');
    expect(await verdict({ assertion: token })).toBe('service:corp/web');
  });

  it('is told as many words, whoever it is', async () => {
    const messages = new Set<string>();
    const assertions = [
      await assertionOf({ iss: 'nobody', sub: 'nobody' }),
      await assertionOf({}, await makeKey(orders.key.id)),
      await assertionOf({ exp: 1 }),
    ];
    for (const given of [...assertions.map((assertion) => ({ assertion })), {}, { secret: 'x' }]) {
      const error: unknown = await authenticate(given).catch((thrown: unknown) => thrown);
      messages.add(error instanceof PembaError ? `${error.code} ${error.message}` : 'accepted');
    }
    expect([...messages]).toEqual(['invalid_client client authentication failed']);
  });
});

describe('a proof of possession', () => {
  let key: SigningKey;
  beforeAll(async () => {
    key = await makeKey('device');
  });

  async function proofOf(claims: Claims = {}, header: Claims = {}, signing = key) {
    const { kty, crv, x, y } = key.publicJwk;
    const jwk = { kty: kty ?? '', crv: crv ?? '', x: x ?? '', y: y ?? '' };
    const all = { typ: 'dpop+jwt', kid: undefined, jwk, ...header };
    return orders.sign(
      { htm: 'POST', htu: TOKEN_URL, iat: seconds(), jti: `proof-${jtis++}`, ...claims },
      { key: signing, header: all },
    );
  }
  const proved = async (...proofs: readonly string[]): Promise<Given> => ({
    assertion: await assertionOf(),
    headers: proofs.map((proof) => ['dpop', proof] as const),
  });

  it('binds what is issued to its key', async () => {
    const { confirmation } = await authenticate(await proved(await proofOf()));
    expect(confirmation).toEqual({ jkt: await calculateJwkThumbprint(key.publicJwk) });
  });

  it('goes before a certificate', async () => {
    const given = await proved(await proofOf());
    const headers = [...(given.headers ?? []), [HEADER, `:${ORDERS.der}:`] as const];
    const { confirmation } = await authenticate({ ...given, peer: PROXY, headers });
    expect(confirmation).toHaveProperty('jkt');
  });

  it('may name the address with a query', async () => {
    const given = await proved(await proofOf({ htu: `${TOKEN_URL}?a=b#c` }));
    expect(await verdict(given)).toBe('service:clients/orders');
  });

  it('counts once', async () => {
    const proof = await proofOf();
    expect(await verdict(await proved(proof))).toBe('service:clients/orders');
    expect(await verdict(await proved(proof))).toBe('invalid_dpop_proof: dpop_replayed');
    expect(await verdict(await proved(proof, proof))).toBe('invalid_request: DPoP');
  });

  const NOW = Date.UTC(2030, 0, 1) / 1000;
  it.each<[string, Claims, Claims]>([
    ['method', { htm: 'GET' }, {}],
    ['method', { htm: undefined }, {}],
    ['url', { htu: undefined }, {}],
    ['url', { htu: 'https://pemba.shop/stores/02J/oauth/token' }, {}],
    ['url', { htu: 'nowhere' }, {}],
    ['age', { iat: NOW - 61 }, {}],
    ['age', { iat: NOW + 6 }, {}],
    ['age', { iat: undefined }, {}],
    ['age', { iat: 'now' }, {}],
    ['jti', { jti: undefined }, {}],
    ['jti', { jti: 'j'.repeat(257) }, {}],
    ['type', {}, { typ: 'JWT' }],
    ['type', {}, { typ: undefined }],
    ['header', {}, { jwk: undefined }],
    ['header', {}, { kid: 'a' }],
    ['header', {}, { x5c: ['a'] }],
    ['key', {}, { jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }],
    ['key', {}, { jwk: { kty: 'oct', k: 'AA' } }],
    ['signature', { exp: NOW - 100 }, {}],
  ])('is refused by the rule %s: %j %j', async (rule, claims, header) => {
    const given = await proved(await proofOf(claims, header));
    const found = await verdict(given);
    expect(found.replace('dpop_signature', 'dpop_key')).toBe(
      `invalid_dpop_proof: dpop_${rule === 'signature' ? 'key' : rule}`,
    );
  });

  it('holds no secret, and is signed by the key in it', async () => {
    const { kty = '', crv = '', x = '', y = '' } = key.publicJwk;
    const jwk = { kty, crv, x, y, d: x };
    expect(await verdict(await proved(await proofOf({}, { jwk })))).toMatch(/^invalid_dpop_proof/);
    const other = await proofOf({}, {}, await makeKey('other'));
    expect(await verdict(await proved(other))).toBe('invalid_dpop_proof: dpop_signature');
    expect(await verdict(await proved('a.b.c'))).toBe('invalid_dpop_proof: dpop_form');
  });

  it('proves nobody', async () => {
    expect(await verdict({ headers: [['dpop', await proofOf()]] })).toBe('invalid_client: missing');
  });
});
