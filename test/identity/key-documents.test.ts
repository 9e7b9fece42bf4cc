/** What an issuer publishes as its keys: lies, losses, and where they are looked for. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exportJWK } from 'jose';
import {
  JWKS_PATH,
  OAUTH_PATH,
  OPENID_PATH,
  TestIssuer,
  answer,
  makeKey,
} from '../support/issuer.js';
import type { Lie } from '../support/issuer.js';
import { Live } from './live.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const live = new Live();

const rsaOf = async (bits: number): Promise<object> => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { ...(await exportJWK(publicKey)), kid: 'rsa', alg: 'RS256' };
};

describe('a key set', () => {
  /** Before the lie the keys are known; what is known goes on to count. */
  async function afterLie(lie: Lie): Promise<string> {
    expect(await live.verdict(await live.good())).toBe('accepted');
    live.issuer.lie(JWKS_PATH, lie);
    live.time.advance(MINUTE);
    const unknown = await live.verdict(await live.strange('new'));
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(live.verification.failures).toHaveLength(1);
    return `${unknown}: ${live.verification.failures[0] ?? ''}`;
  }

  it.each<[string, Lie, RegExp]>([
    ['an error', answer('', 500), /answered 500/],
    ['not found', answer('', 404), /answered 404/],
    ['no content', answer('', 204), /answered 204/],
    ['a page', answer('<html><body>Welcome</body></html>'), /not a JWK set/],
    ['nothing', answer(''), /not a JWK set/],
    ['a list', answer([]), /not a JWK set/],
    ['keys that are no list', answer({ keys: {} }), /not a JWK set/],
    ['keys that are strings', answer({ keys: ['k'] }), /not a JWK set/],
    ['keys twice', answer('{"keys":[],"keys":[]}'), /not a JWK set/],
    ['a megabyte', answer(' '.repeat(1_048_576)), /too much/],
    ['too many keys', answer({ keys: Array.from({ length: 101 }, () => ({})) }), /more than 100/],
    ['a symmetric key', answer({ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }), /symmetric/],
    ['a symmetric key kept back', answer({ keys: [{ kty: 'oct', kid: 'k' }] }), /symmetric/],
  ])('that is %s leaves the known keys as they are', async (_name, lie, reason) => {
    expect(await afterLie(lie)).toMatch(reason);
    expect(await live.verdict(await live.strange('new'))).toBe('issuer_unavailable');
  });

  it('behind a redirect is not fetched', async () => {
    const elsewhere = await TestIssuer.start(() => live.time.now());
    const redirect = answer('', 302, { location: elsewhere.jwksUrl });
    expect(await afterLie(redirect)).toMatch(/^issuer_unavailable: .*answered 302/);
    expect(elsewhere.fetches).toBe(0);
    await elsewhere.stop();
  });

  it('with a private key is refused whole', async () => {
    const { privateKey, publicJwk } = live.issuer.key;
    const lost = { ...publicJwk, ...(await exportJWK(privateKey)) };
    live.issuer.lie(
      JWKS_PATH,
      answer({ keys: [...live.issuer.jwks().keys, { ...lost, kid: 'lost' }] }),
    );
    expect(await live.verdict(await live.good())).toBe('issuer_unavailable');
    expect(live.verification.failures).toEqual([expect.stringMatching(/private/)]);
  });

  it.each<[string, object]>([
    ['for encryption', { use: 'enc' }],
    ['for signing only', { key_ops: ['sign'] }],
    ['with operations that are no list', { key_ops: 'verify' }],
    ['of another algorithm', { alg: 'ES384' }],
    ['of a symmetric algorithm', { alg: 'HS256' }],
    ['of an unknown type', { kty: 'XYZ' }],
    ['of another curve', { crv: 'secp256k1' }],
    ['off its curve', { y: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
    ['without a coordinate', { x: undefined }],
    ['with a number as its id', { kid: 1 }],
  ])('with a key %s goes without that one', async (_name, change) => {
    const useless = { ...live.issuer.key.publicJwk, kid: 'useless', ...change };
    live.issuer.lie(JWKS_PATH, answer({ keys: [useless, ...live.issuer.jwks().keys] }));
    expect(await live.verdict(await live.strange('useless'))).toBe('unknown_key');
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(live.verification.ignored).toEqual([expect.stringMatching(/^key 1 /)]);
  });

  it.each<[string, () => Promise<object>]>([
    ['short', () => rsaOf(1024)],
    [
      'so long that it takes our time',
      async () => ({ ...(await rsaOf(2048)), n: 'x'.repeat(3000) }),
    ],
    ['with the exponent 1', async () => ({ ...(await rsaOf(2048)), e: 'AQ' })],
    ['with an even exponent', async () => ({ ...(await rsaOf(2048)), e: 'AQAA' })],
  ])('goes without an RSA key that is %s', async (_name, weak) => {
    live.issuer.lie(JWKS_PATH, answer({ keys: [await weak(), ...live.issuer.jwks().keys] }));
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(live.verification.ignored).toHaveLength(1);
  });

  it.each(['EdDSA', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'RS256', 'RS512'])(
    'with a key for %s verifies its tokens',
    async (algorithm) => {
      live.configure({ algorithms: [algorithm] });
      const key = await live.issuer.publish(await makeKey('another', algorithm));
      expect(await live.verdict(await live.issuer.accessToken({}, { key }))).toBe('accepted');
    },
  );

  it('with one key serves tokens that name none', async () => {
    const token = live.issuer.accessToken({}, { header: { kid: undefined } });
    expect(await live.verdict(await token)).toBe('accepted');
  });
});

describe('discovery', () => {
  const discovery = { keys: { discovery: true } };

  it("finds the key set in the issuer's metadata", async () => {
    live.configure(discovery);
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(live.issuer.requests).toEqual([OPENID_PATH, JWKS_PATH]);
  });

  it('falls back to the place of RFC 8414', async () => {
    live.configure(discovery);
    live.issuer.lie(OPENID_PATH, answer('', 404));
    live.issuer.lie(OAUTH_PATH, answer({ issuer: live.issuer.url, jwks_uri: live.issuer.jwksUrl }));
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(live.issuer.requests).toEqual([OPENID_PATH, OAUTH_PATH, JWKS_PATH]);
  });

  it.each<[string, (issuer: TestIssuer) => unknown, RegExp]>([
    [
      'another issuer',
      ({ jwksUrl }) => ({ issuer: 'https://a.example', jwks_uri: jwksUrl }),
      /another/,
    ],
    ['a slash more', ({ url, jwksUrl }) => ({ issuer: `${url}/`, jwks_uri: jwksUrl }), /another/],
    ['no issuer', ({ jwksUrl }) => ({ jwks_uri: jwksUrl }), /another/],
    ['no key set', ({ url }) => ({ issuer: url }), /names no jwks_uri/],
    ['keys elsewhere', ({ url }) => ({ issuer: url, jwks_uri: 'https://a.example/' }), /is not at/],
    ['keys in the clear', ({ url }) => ({ issuer: url, jwks_uri: 'http://a.example/' }), /https/],
    ['keys in a file', ({ url }) => ({ issuer: url, jwks_uri: 'file:///etc/keys' }), /https/],
    ['keys at no address', ({ url }) => ({ issuer: url, jwks_uri: '/keys' }), /not a URL/],
    ['no object', () => [], /no JSON object/],
  ])('of metadata with %s fails', async (_name, metadata, reason) => {
    live.configure(discovery);
    live.issuer.lie(OPENID_PATH, answer(metadata(live.issuer)));
    expect(await live.verdict(await live.good())).toBe('issuer_unavailable');
    expect(live.verification.failures).toEqual([expect.stringMatching(reason)]);
    expect(live.issuer.fetches).toBe(0);
  });

  it('takes keys from another host when it is named', async () => {
    const host = await TestIssuer.start(() => live.time.now());
    live.issuer.lie(OPENID_PATH, answer({ issuer: live.issuer.url, jwks_uri: host.jwksUrl }));
    host.lie(JWKS_PATH, answer(live.issuer.jwks()));
    live.configure({ keys: { discovery: true, jwks_host: new URL(host.url).host } });
    expect(await live.verdict(await live.good())).toBe('accepted');
    await host.stop();
  });
});

describe('a file of keys', () => {
  it('is read again when a minute is over, and kept in mind when it is broken', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pemba-keys-'));
    const path = join(folder, 'keys.json');
    try {
      writeFileSync(path, JSON.stringify(live.issuer.jwks()));
      live.configure({ keys: { jwks_file: path } });
      live.verification.verifier.start();
      await live.afterAttempts(1);
      expect(await live.verdict(await live.good())).toBe('accepted');

      await live.issuer.rotate();
      writeFileSync(path, JSON.stringify(live.issuer.jwks()));
      live.time.advance(48 * SECOND);
      await live.afterAttempts(2);
      expect(await live.verdict(await live.good())).toBe('accepted');

      writeFileSync(path, '{"keys":');
      live.time.advance(48 * SECOND);
      await live.afterAttempts(3);
      expect(live.verification.failures).toHaveLength(1);
      expect(await live.verdict(await live.good())).toBe('accepted');
      expect(live.issuer.fetches).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
