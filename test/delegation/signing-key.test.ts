/** Keys and what they sign, held against the RFCs and against `jose`. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { SigningKey, thumbprint } from '../../src/delegation/signing-key.js';

const CLAIMS = { iss: 'https://pemba', sub: 'user:änne ✓', iat: 1_900_000_000, exp: 1_900_000_060 };
const AT = new Date(1_900_000_001_000);

it('has the thumbprint of RFC 8037, A.3', () => {
  const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
  expect(thumbprint({ kty: 'OKP', crv: 'Ed25519', x })).toBe(
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  );
});

describe.each(['EdDSA', 'ES256'] as const)('a key of %s', (algorithm) => {
  const key = SigningKey.generate(algorithm);

  it('has its thumbprint for an id, by another implementation, too', async () => {
    expect(key.id).toBe(await calculateJwkThumbprint(key.jwk));
  });

  it('signs what another implementation verifies', async () => {
    const token = key.sign('permit+jwt', CLAIMS);
    const verifier = await importJWK(key.jwk, algorithm);
    const options = { algorithms: [algorithm], typ: 'permit+jwt', currentDate: AT };
    const { payload } = await jwtVerify(token, verifier, options);
    expect(payload).toEqual(CLAIMS);
  });

  it('says its algorithm, its id and the type in the header, and nothing else', () => {
    for (const typ of ['permit+jwt', 'txntoken+jwt', 'permit+jwt']) {
      const header = decodeProtectedHeader(key.sign(typ, CLAIMS));
      expect(Object.entries(header)).toEqual([
        ['alg', algorithm],
        ['kid', key.id],
        ['typ', typ],
      ]);
    }
  });

  it('signs in the form of JWS, R and S side by side', () => {
    const [, , signature = ''] = key.sign('permit+jwt', CLAIMS).split('.');
    expect(Buffer.from(signature, 'base64url')).toHaveLength(64);
  });

  it('signs other claims otherwise', () => {
    expect(key.sign('permit+jwt', CLAIMS).split('.')[2]).not.toBe(
      key.sign('permit+jwt', { ...CLAIMS, sub: 'user:ben' }).split('.')[2],
    );
  });

  it('publishes what verifies and nothing else', () => {
    const coordinates = algorithm === 'EdDSA' ? ['x'] : ['x', 'y'];
    const names = ['kty', 'crv', ...coordinates, 'kid', 'alg', 'use'];
    expect(Object.keys(key.jwk).sort()).toEqual(names.sort());
    expect(key.jwk).toMatchObject({ kid: key.id, alg: algorithm, use: 'sig' });
  });

  it('shows its private half nowhere', () => {
    const der = key.exportPrivate();
    const { d = '' } = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
      format: 'jwk',
    });
    const secret = Buffer.from(d, 'base64url');
    expect(secret).toHaveLength(32);
    const shown = inspect(key, { depth: Infinity, showHidden: true }) + JSON.stringify(key);
    for (const encoding of ['base64', 'base64url', 'hex'] as const) {
      expect(shown).not.toContain(secret.toString(encoding).slice(0, 40));
    }
    expect(shown).not.toMatch(/"d"/);
  });

  it('never begins with what a command line takes for an option', () => {
    const ids = Array.from({ length: 200 }, () => SigningKey.generate(algorithm).id);
    expect(ids.filter((id) => id.startsWith('-'))).toEqual([]);
    expect(new Set(ids).size).toBe(200);
  });
});

it.each([
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey],
  ['Ed448', generateKeyPairSync('ed448').privateKey],
  ['X25519', generateKeyPairSync('x25519').privateKey],
  ['a public half', generateKeyPairSync('ed25519').publicKey],
])('is not made of %s', (_name, key) => {
  expect(SigningKey.of(key)).toBeUndefined();
});
