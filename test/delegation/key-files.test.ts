/** Keys of files, and what is refused of them: always with the file's name, never with its content. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { loadKeyFiles } from '../../src/delegation/key-files.js';

const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const otherP256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' = 'pkcs8'): string =>
  key.export({ format: 'pem', type }) as string;
const jwk = (key: KeyObject, more: object = {}): string =>
  JSON.stringify({ ...key.export({ format: 'jwk' }), ...more });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pemba-keys-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const thumbprintOf = (key: KeyObject): Promise<string> =>
  calculateJwkThumbprint(key.export({ format: 'jwk' }));

describe('files of keys', () => {
  it.each([
    ['PKCS #8 of Ed25519', pem(ed25519.privateKey), ed25519],
    ['PKCS #8 of P-256', pem(p256.privateKey), p256],
    ['SEC 1', pem(p256.privateKey, 'sec1'), p256],
    [
      'OpenSSL with parameters before the key',
      `# made today\n${pem(p256.privateKey, 'sec1')}`,
      p256,
    ],
    ['JWK of Ed25519', jwk(ed25519.privateKey), ed25519],
    ['JWK of P-256', `\n ${jwk(p256.privateKey, { kid: 'mine', use: 'sig', alg: 'ES256' })}`, p256],
    ['JWK for signing', jwk(ed25519.privateKey, { key_ops: ['sign'] }), ed25519],
  ])('are read in the form %s', async (_form, content, { publicKey }) => {
    const [key] = loadKeyFiles(file('key', content));
    expect(key?.id).toBe(await thumbprintOf(publicKey));
  });

  it('keep their order', async () => {
    const paths = [file('b', pem(p256.privateKey)), file('a', jwk(ed25519.privateKey))];
    const keys = loadKeyFiles(paths.join(', '));
    const expected = await Promise.all([p256.publicKey, ed25519.publicKey].map(thumbprintOf));
    expect(keys.map(({ id }) => id)).toEqual(expected);
  });
});

const swapped = { ...otherP256.publicKey.export({ format: 'jwk' }) };
const { d: secret = '' } = ed25519.privateKey.export({ format: 'jwk' });
const encrypted = ed25519.privateKey.export({
  ...{ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' },
}) as string;
const oldEncrypted = p256.privateKey.export({
  ...{ format: 'pem', type: 'sec1', cipher: 'aes-128-cbc', passphrase: 'secret' },
}) as string;

describe('refused is', () => {
  it.each([
    ['nothing', '', /must hold one private key/],
    ['a text', 'my key', /must hold one private key/],
    [
      'a public key in PEM',
      ed25519.publicKey.export({ format: 'pem', type: 'spki' }),
      /must hold one/,
    ],
    ['a public JWK', jwk(ed25519.publicKey), /is a public key/],
    ['RSA', pem(rsa.privateKey), /is no key of Ed25519 or P-256/],
    ['RSA as a JWK', jwk(rsa.privateKey), /is no key of Ed25519 or P-256/],
    ['a secret', '{"kty":"oct","k":"AAAA"}', /is no key of Ed25519 or P-256/],
    [
      'another curve',
      pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
      /is no key of/,
    ],
    ['an encrypted key', encrypted, /is encrypted/],
    ['a key encrypted in the old way', oldEncrypted, /is encrypted/],
    ['two keys', pem(ed25519.privateKey) + pem(p256.privateKey), /must hold one/],
    ['a broken PEM', pem(p256.privateKey).replace(/\n.{10}/, '\n'), /can be read/],
    ['a set', `{"keys":[${jwk(ed25519.privateKey)}]}`, /is a set of keys/],
    ['no JSON', jwk(ed25519.privateKey).slice(0, -1), /is no JWK/],
    ['a member twice', jwk(ed25519.privateKey).replace('{', '{"d":"x",'), /is no JWK/],
    [
      'the public half of another P-256',
      jwk(p256.privateKey, { x: swapped.x, y: swapped.y }),
      /halves/,
    ],
    [
      'the public half of another Ed25519',
      jwk(ed25519.privateKey, { x: 'A'.repeat(43) }),
      /halves/,
    ],
    ['half a secret', jwk(ed25519.privateKey, { d: secret.slice(0, 20) }), /halves/],
    ['a number for a secret', jwk(ed25519.privateKey, { d: 7 }), /halves/],
    ['a key for another algorithm', jwk(ed25519.privateKey, { alg: 'RS256' }), /is not for EdDSA/],
    ['a key for encryption', jwk(p256.privateKey, { use: 'enc' }), /is not for signatures/],
    ['a key for verifying', jwk(p256.privateKey, { key_ops: ['verify'] }), /is not for signing/],
    ['a large file', Buffer.alloc(20_000, 'x'), /has 20000 bytes/],
  ])('%s', (_what, content, problem) => {
    const path = file('bad.key', content);
    const message = refusalOf(path);
    expect(message).toMatch(problem);
    expect(message).toContain(path);
    expect(message).not.toContain(secret.slice(0, 20));
  });

  it('what is not there, a folder, and one key twice', () => {
    expect(refusalOf(join(folder, 'none'))).toMatch(/none cannot be read: ENOENT/);
    expect(refusalOf(folder)).toMatch(/cannot be read: EISDIR/);
    const paths = [file('one', pem(p256.privateKey)), file('same', jwk(p256.privateKey))];
    expect(refusalOf(paths.join())).toMatch(/same is the same key as another file/);
  });
});

it('OpenSSL by itself takes a key of P-256 whose halves differ', () => {
  const key = { ...p256.privateKey.export({ format: 'jwk' }), x: swapped.x, y: swapped.y };
  expect(() => createPrivateKey({ key, format: 'jwk' } as never)).not.toThrow();
});

function refusalOf(setting: string): string {
  try {
    loadKeyFiles(setting);
  } catch (error) {
    expect(error).toMatchObject({ code: 'cannot_start' });
    return (error as Error).message;
  }
  throw new Error('it was taken');
}
