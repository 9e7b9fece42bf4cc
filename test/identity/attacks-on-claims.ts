/** Attacks on what a token says: its key, its issuer, whom and what it is for, and when. */
import { makeKey } from '../support/issuer.js';
import type { Claims, SigningKey } from '../support/issuer.js';
import type { TokenRule } from '../../src/identity/token-refusal.js';
import type { AttackCase, AttackTargets } from './attacks.js';
import { forge, headerOf } from './forge.js';

export function keyCases(
  { strict, lax }: AttackTargets,
  mallory: SigningKey,
): readonly AttackCase[] {
  const { key } = strict;
  const claims = strict.claims();
  const withKid = (name: string, kid: unknown, rule: TokenRule, signer = mallory): AttackCase => [
    name,
    rule,
    forge(signer, { ...headerOf(key), kid }, claims),
  ];
  return [
    withKid('a path as kid', '../../../../dev/null', 'unknown_key'),
    withKid('SQL as kid', "' OR 1=1 --", 'unknown_key'),
    withKid('a command as kid', 'key;curl mallory.example', 'unknown_key'),
    withKid('a null character in kid', `${key.id}\u0000`, 'unknown_key'),
    withKid('kid in upper case', key.id.toUpperCase(), 'unknown_key', key),
    withKid('kid of a member of all objects', '__proto__', 'unknown_key'),
    withKid('kid constructor', 'constructor', 'unknown_key'),
    withKid('kid in a list', [key.id], 'key_id', key),
    withKid('kid as a number', 1, 'key_id', key),
    withKid('kid null', null, 'key_id', key),
    withKid('an empty kid', '', 'key_id', key),
    withKid('kid of ten kilobytes', 'k'.repeat(10_000), 'key_id', key),
    withKid('no kid where two keys fit', undefined, 'ambiguous_key', key),
    ["another issuer's key under the same id", 'signature', lax.sign(claims)],
    [
      "another issuer's key under its own id",
      'unknown_key',
      makeKey('lax-only').then(async (own) => lax.sign(claims, { key: await lax.publish(own) })),
    ],
  ];
}

export function issuerCases({ strict }: AttackTargets, mallory: SigningKey): readonly AttackCase[] {
  const withIss = (name: string, iss: Claims[string], key = strict.key): AttackCase => [
    name,
    'issuer',
    strict.accessToken({ iss }, { key }),
  ];
  return [
    withIss('no iss', undefined),
    withIss('an empty iss', ''),
    withIss('iss with a slash more', `${strict.url}/`),
    withIss('iss in upper case', strict.url.toUpperCase()),
    withIss('iss that begins with the issuer', `${strict.url}.mallory.example`),
    withIss('iss that the issuer begins with', strict.url.slice(0, -1)),
    withIss('iss with a space', `${strict.url} `),
    withIss('iss in a list', [strict.url]),
    withIss('iss as an object', { url: strict.url }),
    withIss('iss null', null),
    withIss('a stranger with keys of his own', 'https://mallory.example', mallory),
    withIss('iss of a member of all objects', '__proto__'),
  ];
}

export function audienceCases({ strict }: AttackTargets): readonly AttackCase[] {
  const withAud = (name: string, aud: Claims[string]): AttackCase => [
    name,
    'audience',
    strict.accessToken({ aud }),
  ];
  const many = Array.from({ length: 10 }, (_, i) => `api-${i}`);
  return [
    withAud('no aud', undefined),
    withAud('an empty aud', ''),
    withAud('aud of an empty list', []),
    withAud('aud null', null),
    withAud('aud as a number', 1),
    withAud('aud as an object', { pemba: true }),
    withAud('aud that ours begins with', 'pemb'),
    withAud('aud that begins with ours', 'pemba2'),
    withAud('aud in upper case', 'PEMBA'),
    withAud('aud with a list inside', [['pemba']]),
    withAud('aud with a number beside', ['pemba', 7]),
    withAud('aud with nothing beside', ['pemba', '']),
    withAud('aud of two names in one', 'pemba other'),
    withAud('aud of eleven', ['pemba', ...many]),
    withAud('aud of others', many),
    withAud('the audience of users, who are asked about', 'shop-api'),
  ];
}

export function timeCases({ strict, lax, now }: AttackTargets): readonly AttackCase[] {
  const seconds = Math.floor(now() / 1000);
  const withClaims = (name: string, rule: TokenRule, claims: Claims): AttackCase => [
    name,
    rule,
    strict.accessToken(claims),
  ];
  const withExp = (name: string, exp: Claims[string]): AttackCase =>
    withClaims(name, 'expiry', { exp });
  const overflown = JSON.stringify(strict.claims({ exp: undefined })).replace('{', '{"exp":1e400,');
  return [
    withExp('no exp', undefined),
    withExp('exp as a string', String(seconds + 300)),
    withExp('exp null', null),
    withExp('exp true', true),
    withExp('exp in a list', [seconds + 300]),
    withExp('exp negative', -1),
    withExp('exp zero', 0),
    withExp('exp an hour ago', seconds - 3600),
    withExp('exp as far back as clocks may differ', seconds - 5),
    withClaims('exp at iat', 'expiry', { iat: seconds, exp: seconds }),
    ['exp that overflows', 'json', forge(strict.key, headerOf(strict.key), overflown)],
    withClaims('exp of 1e300', 'lifetime', { exp: 1e300 }),
    withClaims('exp in milliseconds', 'lifetime', { exp: (seconds + 300) * 1000 }),
    withClaims('a second more than a day', 'lifetime', { exp: seconds + 86_401 }),
    withClaims('iat long ago, exp soon', 'lifetime', { iat: 1, exp: seconds + 60 }),
    [
      'no iat, and good for two days',
      'lifetime',
      lax.accessToken({ iat: undefined, exp: seconds + 172_800 }),
    ],
    withClaims('nbf to come', 'not_before', { nbf: seconds + 60 }),
    withClaims('nbf as a string', 'not_before', { nbf: String(seconds) }),
    withClaims('nbf null', 'not_before', { nbf: null }),
    withClaims('iat to come', 'issued_at', { iat: seconds + 60 }),
    withClaims('iat as a string', 'issued_at', { iat: String(seconds) }),
    withClaims('iat true', 'issued_at', { iat: true }),
  ];
}

export function kindCases({ strict, lax }: AttackTargets): readonly AttackCase[] {
  const withTyp = (name: string, typ: Claims[string]): AttackCase => [
    name,
    'type',
    strict.accessToken({}, { header: { typ } }),
  ];
  const asJwt = { header: { typ: 'JWT' } };
  return [
    withTyp('no typ', undefined),
    ...[
      'JWT',
      'dpop+jwt',
      'logout+jwt',
      'txntoken+jwt',
      'permit+jwt',
      'secevent+jwt',
      'absent',
      '',
      'at+jwt ',
      'at+jwt; x=1',
      'x/at+jwt',
    ].map((typ) => withTyp(`typ '${typ}'`, typ)),
    [
      'typ as a number',
      'type',
      forge(strict.key, { ...headerOf(strict.key), typ: 1 }, strict.claims()),
    ],
    [
      'typ in a list',
      'type',
      forge(strict.key, { ...headerOf(strict.key), typ: ['at+jwt'] }, strict.claims()),
    ],
    ['an ID token with a nonce', 'id_token', lax.accessToken({ nonce: 'n' }, asJwt)],
    ['an ID token with at_hash', 'id_token', lax.accessToken({ at_hash: 'h' }, asJwt)],
    [
      'an ID token with c_hash and no typ',
      'id_token',
      lax.accessToken({ c_hash: 'h' }, { header: { typ: undefined } }),
    ],
    ['an ID token by its token_use', 'id_token', lax.accessToken({ token_use: 'id' }, asJwt)],
    ['an ID token by its typ claim', 'id_token', lax.accessToken({ typ: 'ID' }, asJwt)],
  ];
}

export function claimCases({ strict, lax }: AttackTargets): readonly AttackCase[] {
  const missing = (name: string): AttackCase => [
    `no ${name}`,
    'required_claim',
    strict.accessToken({ [name]: undefined }),
  ];
  return [
    ...['sub', 'client_id', 'jti', 'iat'].map(missing),
    ['sub as a number', 'required_claim', strict.accessToken({ sub: 7 })],
    ['an empty sub', 'required_claim', strict.accessToken({ sub: '' })],
    ['client_id in a list', 'required_claim', strict.accessToken({ client_id: ['web'] })],
    ['sub too long for an id', 'subject', strict.accessToken({ sub: 's'.repeat(201) })],
    ['sub of half a character', 'subject', strict.accessToken({ sub: 'a\ud800' })],
    ['no sub where none is demanded', 'subject', lax.accessToken({ sub: undefined })],
    ['sub as an object', 'subject', lax.accessToken({ sub: { id: 'anne' } })],
    ['a wrong client beside a good sub', 'client', lax.accessToken({ client_id: 7 })],
  ];
}
