/** What verifiers must accept and must refuse. Each refused one is wrong in one way. */
import { base64url, hmacSigned, sha256, signed, signingInput, thumbprint } from './permit-keys.js';
import {
  NOW,
  PARAMETERS,
  SERVICE,
  TRUST_DOMAIN,
  chainOf,
  claimsOf,
  ed,
  es,
} from './permit-vector.js';
import { headerOf, permission, permit, stranger, watermark } from './permit-vector.js';
import type { Changes, Expectation, PermitParameters, Vector } from './permit-vector.js';

export function permitVector(
  name: string,
  why: string,
  expect: Expectation,
  token: string,
  parameters: Partial<PermitParameters> = {},
): Vector {
  return { name, why, expect, kind: 'permit', token, parameters: { ...PARAMETERS, ...parameters } };
}

const FOUR = ['service:orders', 'service:web', 'service:edge', 'service:kiosk'];
const QUANTITY = { quantity: 3, tags: ['a', { b: null }] };
const withContext = { authorization_details: [permission({ context: QUANTITY })] };

export const acceptedPermits = (): readonly Vector[] => [
  permitVector('EdDSA', 'a plain permit', 'accepted', permit()),
  permitVector('ES256', 'a plain permit of the other algorithm', 'accepted', permit({}, es)),
  permitVector(
    'four actors',
    'the longest chain there may be; its outermost actor presents it',
    'accepted',
    permit({ act: chainOf(FOUR) }),
  ),
  permitVector(
    'a service as subject',
    'a service may act for one that acts for itself',
    'accepted',
    permit({ sub: 'service:web' }),
  ),
  permitVector(
    'the second permission',
    'any of the permissions may fit',
    'accepted',
    permit({
      authorization_details: [
        permission({ resource: { type: 'item', id: '8' } }),
        permission({ actions: ['can_view', 'can_reserve'] }),
      ],
    }),
  ),
  permitVector(
    'the same context',
    'members in another order are equal',
    'accepted',
    permit(withContext),
    { context: { tags: ['a', { b: null }], quantity: 3 } },
  ),
  permitVector(
    'more context than was asked for',
    'values that the decision was not given do not matter to it',
    'accepted',
    permit(withContext),
    { context: { ...QUANTITY, colour: 'red' } },
  ),
  permitVector(
    'just not expired',
    'four seconds after exp, within the skew',
    'accepted',
    permit(),
    {
      now: NOW + 64,
    },
  ),
  permitVector(
    'just begun',
    'five seconds before iat and nbf, within the skew',
    'accepted',
    permit(),
    {
      now: NOW - 5,
    },
  ),
  permitVector('five minutes', 'the longest life', 'accepted', permit({ exp: NOW + 300 })),
  permitVector(
    'an unknown claim',
    'claims of the payload that are not known are passed over',
    'accepted',
    permit({ note: 'for the log' }),
  ),
  permitVector('for once', 'the first use', 'accepted', permit(), { once: true }),
  permitVector('twice', 'reading may be done again', 'accepted', permit(), { presented_before: 1 }),
  permitVector(
    'issued after a watermark',
    'the subject was revoked, and granted again before this was issued',
    'accepted',
    permit(),
    { revocations: [watermark('sub', 'user:anne', { not_before: NOW - 1 })] },
  ),
  permitVector("others' watermarks", 'a value counts for its kind alone', 'accepted', permit(), {
    revocations: [watermark('jti', 'user:anne'), watermark('act', 'service:web')],
  }),
];

const header = (changes: Changes, key = ed): string =>
  signed(headerOf(key, changes), claimsOf(), key);

/** Its parts, changed after it was signed. */
function changed(change: (parts: readonly [string, string, string]) => readonly string[]): string {
  const [head = '', payload = '', signature = ''] = permit().split('.');
  return change([head, payload, signature]).join('.');
}

export const refusedForm = (): readonly Vector[] => {
  const pem = ed.privateKey.export({ format: 'jwk' });
  const cases: readonly (readonly [string, string, Expectation, string])[] = [
    ['empty', 'no token', 'malformed', ''],
    ['two parts', 'no signature', 'malformed', changed(([h, p]) => [h, p])],
    ['four parts', 'something behind the signature', 'malformed', `${permit()}.e30`],
    ['padded', 'base64url with padding', 'malformed', changed(([h, p, s]) => [h, p, `${s}==`])],
    ['white space', 'a line end behind it', 'malformed', `${permit()}\n`],
    ['too long', 'more than 16,384 characters', 'too_long', permit({ note: 'x'.repeat(13_000) })],
    [
      'a claim twice',
      'readers differ in which of the two counts',
      'malformed',
      signed(headerOf(ed), JSON.stringify(claimsOf()).replace('{', '{"sub":"user:eve",'), ed),
    ],
    [
      'a header member twice',
      'readers differ in which of the two counts',
      'malformed',
      signed('{"alg":"none","alg":"EdDSA","kid":"ed-1","typ":"permit+jwt"}', claimsOf(), ed),
    ],
    ['no object', 'the payload is a list', 'malformed', signed(headerOf(ed), '[]', ed)],
    ['no UTF-8', 'the payload is Latin-1', 'malformed', notUtf8()],
    [
      'crit',
      'an extension that must be understood',
      'header_not_allowed',
      header({ crit: ['exp'] }),
    ],
    ['b64', 'an unencoded payload', 'header_not_allowed', header({ b64: false, crit: ['b64'] })],
    [
      'jku',
      'an address of keys',
      'header_not_allowed',
      header({ jku: 'https://evil.example/keys' }),
    ],
    [
      'x5u',
      'an address of a certificate',
      'header_not_allowed',
      header({ x5u: 'https://evil.example' }),
    ],
    ['x5c', 'a certificate brought along', 'header_not_allowed', header({ x5c: ['MIIB'] })],
    [
      'jwk',
      'a key brought along, which signed it',
      'header_not_allowed',
      signed(headerOf(stranger, { jwk: stranger.publicJwk }), claimsOf(), stranger),
    ],
    [
      'any other member',
      'nothing else is in the header',
      'header_not_allowed',
      header({ cty: 'JWT' }),
    ],
    ['an access token', 'of another type', 'wrong_type', header({ typ: 'at+jwt' })],
    ['no type', 'the type is needed', 'wrong_type', header({ typ: undefined })],
    ['a longer type', 'the type is exact', 'wrong_type', header({ typ: 'application/permit+jwt' })],
    ['a transaction token', 'context is no permit', 'wrong_type', header({ typ: 'txntoken+jwt' })],
    [
      'alg none',
      'unsigned',
      'malformed',
      `${signingInput({ alg: 'none', kid: 'ed-1', typ: 'permit+jwt' }, claimsOf())}.`,
    ],
    ['alg none, signed', 'the algorithm decides', 'algorithm_not_allowed', header({ alg: 'none' })],
    [
      'HS256 with the public key',
      'what everybody knows is no secret',
      'algorithm_not_allowed',
      hmacSigned(headerOf(ed, { alg: 'HS256' }), claimsOf(), pem.x ?? ''),
    ],
    ['RS256', 'of another family', 'algorithm_not_allowed', header({ alg: 'RS256' })],
    ['no kid', 'no key is guessed', 'unknown_key', header({ kid: undefined })],
    ['an unknown kid', "not among the issuer's", 'unknown_key', permit({}, stranger)],
    [
      "another key's kid",
      'the key is of the other algorithm',
      'key_mismatch',
      signed(headerOf(ed, { kid: 'es-1' }), claimsOf(), ed),
    ],
    [
      "a stranger's signature",
      "under the kid of the issuer's key",
      'bad_signature',
      signed(headerOf(ed), claimsOf(), stranger),
    ],
    [
      'other claims',
      'the payload of another permit',
      'bad_signature',
      changed(([h, , s]) => [h, base64url(JSON.stringify(claimsOf({ sub: 'user:eve' }))), s]),
    ],
    ['a short signature', '63 bytes', 'bad_signature', changed(([h, p, s]) => [h, p, cut(s)])],
    ['a signature in DER', 'ES256 is r and s as they are', 'bad_signature', derSigned()],
  ];
  return [
    ...cases.map(([name, why, expect, token]) => permitVector(name, why, expect, token)),
    permitVector(
      'an algorithm not listed',
      'ES256 is off',
      'algorithm_not_allowed',
      permit({}, es),
      {
        algorithms: ['EdDSA'],
      },
    ),
  ];
};

const cut = (signature: string): string =>
  base64url(Buffer.from(signature, 'base64url').subarray(0, 63));

function notUtf8(): string {
  const [head = '', , signature = ''] = permit().split('.');
  const payload = Buffer.from(JSON.stringify(claimsOf({ note: 'é' })), 'latin1');
  return [head, payload.toString('base64url'), signature].join('.');
}

/** r and s of fixed bytes, in DER: what is refused is the form. */
function derSigned(): string {
  const one = Buffer.alloc(32, 1);
  const integer = Buffer.concat([Buffer.from([2, 32]), one]);
  const der = Buffer.concat([Buffer.from([0x30, 68]), integer, integer]);
  return `${signingInput(headerOf(es), claimsOf())}.${base64url(der)}`;
}

/** By the name of the claim that is wrong. */
export const refusedClaims = (): readonly Vector[] => {
  const details = (...list: readonly object[]): Changes => ({ authorization_details: list });
  const resource = (changes: Changes): Changes =>
    details(permission({ resource: { type: 'item', id: '9', ...changes } }));
  const cases: readonly (readonly [string, string, Expectation, Changes])[] = [
    [
      'another issuer',
      'of another store',
      'wrong_issuer',
      { iss: 'https://pemba.example/stores/2' },
    ],
    ['an issuer with a slash', 'exact', 'wrong_issuer', { iss: `${String(claim('iss'))}/` }],
    ['another audience', 'for billing', 'wrong_audience', { aud: 'service:billing' }],
    ['an audience in a list', 'one string', 'invalid_claim', { aud: [SERVICE] }],
    ['no audience', 'for somebody', 'invalid_claim', { aud: undefined }],
    ['no subject', 'for somebody', 'invalid_claim', { sub: undefined }],
    ['everybody', 'no wildcard is a subject', 'invalid_claim', { sub: 'user:*' }],
    ['no actor', 'somebody acts', 'invalid_claim', { act: undefined }],
    ['a user as actor', 'services act', 'invalid_claim', { act: { sub: 'user:anne' } }],
    ['another client', 'client_id is the actor', 'invalid_claim', { client_id: 'service:web' }],
    ['five actors', 'four at most', 'invalid_claim', { act: chainOf([...FOUR, 'service:fifth']) }],
    [
      'a cycle',
      'an actor twice',
      'invalid_claim',
      { act: chainOf(['service:orders', 'service:web', 'service:orders']) },
    ],
    [
      'an actor with more',
      'it may say "only if"',
      'invalid_claim',
      { act: { sub: 'service:orders', iss: 'x' } },
    ],
    ['no jti', 'needed against replays', 'invalid_claim', { jti: undefined }],
    ['no txn', 'needed to revoke', 'invalid_claim', { txn: undefined }],
    ['no exp', 'it would live for ever', 'invalid_claim', { exp: undefined }],
    ['no iat', 'it would escape watermarks', 'invalid_claim', { iat: undefined }],
    ['no nbf', 'needed', 'invalid_claim', { nbf: undefined }],
    ['exp as text', 'a number', 'invalid_claim', { exp: String(NOW + 60) }],
    ['a fraction of a second', 'whole seconds', 'invalid_claim', { iat: NOW + 0.5 }],
    ['exp before iat', 'never valid', 'invalid_claim', { exp: NOW - 1, nbf: NOW - 9 }],
    ['301 seconds', 'five minutes at most', 'lives_too_long', { exp: NOW + 301 }],
    ['no permissions', 'it permits nothing', 'invalid_claim', details()],
    [
      'seventeen permissions',
      'sixteen at most',
      'invalid_claim',
      details(...Array.from({ length: 17 }, (_, i) => permission({ actions: [`can_${i}`] }))),
    ],
    [
      'seventeen actions',
      'each is a permission',
      'invalid_claim',
      details(permission({ actions: Array.from({ length: 17 }, (_, i) => `can_${i}`) })),
    ],
    ['every item', 'no wildcard is a resource', 'invalid_claim', resource({ id: '*' })],
    ['a resource with more', 'it may say "only if"', 'invalid_claim', resource({ part: 'left' })],
    ['a resource without id', 'concrete', 'invalid_claim', resource({ id: undefined })],
    [
      'a permission with more',
      'a restriction that is not understood',
      'invalid_claim',
      details(permission({ constraints: { max_quantity: 3 } })),
    ],
    [
      'another kind of detail',
      'of another type',
      'invalid_claim',
      details(permission({ type: 'payment' })),
    ],
    ['no actions', 'it permits nothing', 'invalid_claim', details(permission({ actions: [] }))],
    ['an unknown confirmation', 'it cannot be proved', 'invalid_claim', { cnf: { kid: 'x' } }],
    [
      'two confirmations',
      'one',
      'invalid_claim',
      { cnf: { jkt: thumbprint(ed), 'x5t#S256': sha256('x') } },
    ],
    ['an empty confirmation', 'one', 'invalid_claim', { cnf: {} }],
  ];
  return cases.map(([name, why, expect, changes]) =>
    permitVector(name, why, expect, permit(changes)),
  );
};

const claim = (name: string): unknown =>
  Object.entries(claimsOf()).find(([key]) => key === name)?.[1];

export const transactionVectors = (): readonly Vector[] => {
  const claims = (changes: Changes = {}): object => ({
    ...{ iss: claim('iss'), aud: TRUST_DOMAIN, iat: NOW, exp: NOW + 300, txn: 'txn-1' },
    ...{ jti: 'jti-2', sub: 'user:anne', scope: 'order.place', req_wl: 'service:web' },
    ...{ tctx: { order: '7' }, rctx: { req_ip: '192.0.2.7' }, ...changes },
  });
  const token = (changes: Changes = {}, headerChanges: Changes = {}): string =>
    signed(headerOf(ed, { typ: 'txntoken+jwt', ...headerChanges }), claims(changes), ed);
  const parameters = { now: NOW + 1, trust_domain: TRUST_DOMAIN, revocations: [] };
  const vector = (
    name: string,
    why: string,
    expect: Expectation,
    text: string,
    changes: object = {},
  ): Vector => ({
    ...{ name, why, expect, kind: 'transaction_token', token: text },
    parameters: { ...parameters, ...changes },
  });
  return [
    vector('a transaction token', 'nbf may be absent', 'accepted', token()),
    vector('a permit as transaction token', 'authority is no context', 'wrong_type', permit()),
    vector(
      'of another trust domain',
      'aud is exact',
      'wrong_audience',
      token({ aud: 'bank.example' }),
    ),
    vector(
      'with actors',
      'it is no chain',
      'invalid_claim',
      token({ act: { sub: 'service:web' } }),
    ),
    vector(
      'without requester',
      'somebody asked for it',
      'invalid_claim',
      token({ req_wl: undefined }),
    ),
    vector('of an hour', 'a quarter of one at most', 'lives_too_long', token({ exp: NOW + 3600 })),
    vector('expired', 'and beyond the skew', 'expired', token(), { now: NOW + 305 }),
    vector('of a revoked transaction', 'by its txn', 'revoked', token(), {
      revocations: [watermark('txn', 'txn-1')],
    }),
    vector(
      'of another transaction',
      'its txn was not revoked',
      'accepted',
      token({ txn: 'txn-2' }),
      {
        revocations: [watermark('txn', 'txn-1')],
      },
    ),
  ];
};
