/** Signing keys that an operator keeps in files: PEM (PKCS #8, SEC 1) or private JWK, a key each. */
import { createPrivateKey } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isNativeError } from 'node:util/types';
import { PembaError } from '../errors.js';
import { isJsonObject, strictJson } from '../identity/strict-json.js';
import type { JsonObject } from '../tuple/tuple.js';
import { SigningKey } from './signing-key.js';

/** A key has some hundred bytes. */
const FILE_BYTES_MAX = 16_384;
const KINDS = 'Ed25519 or P-256';

/** In their order. Throws `cannot_start` naming the file, and nothing that stands in it. */
export function loadKeyFiles(setting: string): readonly SigningKey[] {
  const keys = new Map<string, SigningKey>();
  for (const path of setting.split(',').map((part) => part.trim())) {
    const key = loadKey(path);
    if (keys.has(key.id)) throw refusal(path, 'is the same key as another file');
    keys.set(key.id, key);
  }
  return [...keys.values()];
}

function loadKey(path: string): SigningKey {
  const bytes = read(path);
  const isJson = bytes.toString('latin1').trimStart().startsWith('{');
  const privateKey = isJson ? fromJwk(path, bytes) : fromPem(path, bytes);
  const key = SigningKey.of(privateKey);
  if (key === undefined) throw refusal(path, `is no key of ${KINDS} whose halves belong together`);
  return key;
}

function read(path: string): Buffer {
  try {
    const { size } = statSync(path);
    if (size > FILE_BYTES_MAX) throw refusal(path, `has ${size} bytes, which no key has`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof PembaError) throw error;
    throw refusal(path, `cannot be read: ${isNativeError(error) ? error.message : typeof error}`);
  }
}

function fromPem(path: string, bytes: Buffer): KeyObject {
  const text = bytes.toString('latin1');
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw refusal(path, 'is encrypted: decrypt it, and keep the file from others');
  }
  if ((text.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----/g) ?? []).length !== 1) {
    throw refusal(path, 'must hold one private key, in PEM or as a JWK');
  }
  try {
    return createPrivateKey(bytes);
  } catch {
    throw refusal(path, 'holds no private key that can be read');
  }
}

function fromJwk(path: string, bytes: Buffer): KeyObject {
  const jwk = strictJson(bytes);
  if (!isJsonObject(jwk)) throw refusal(path, 'is no JWK');
  const problem = jwkProblem(jwk);
  if (problem !== undefined) throw refusal(path, problem);
  try {
    const { kty, crv, d, x, y } = jwk;
    const given = { kty, crv, d, x, ...(y !== undefined && { y }) } as JsonWebKey;
    const key = createPrivateKey({ key: given, format: 'jwk' });
    // OpenSSL makes the public half of Ed25519 anew, whatever the file says.
    if (key.export({ format: 'jwk' }).x === x) return key;
  } catch {
    // As for a key whose halves differ: there is no key in it.
  }
  throw refusal(path, `is no key of ${KINDS} whose halves belong together`);
}

function jwkProblem({
  kty,
  d,
  alg,
  use,
  key_ops: operations,
  keys,
}: JsonObject): string | undefined {
  if (keys !== undefined) return 'is a set of keys: give each a file of its own';
  if (kty !== 'OKP' && kty !== 'EC') return `is no key of ${KINDS}`;
  if (d === undefined) return 'is a public key: the private one is needed';
  const expected = kty === 'OKP' ? 'EdDSA' : 'ES256';
  if (alg !== undefined && alg !== expected) return `is not for ${expected}`;
  if (use !== undefined && use !== 'sig') return 'is not for signatures';
  const maySign =
    operations === undefined || (Array.isArray(operations) && operations.includes('sign'));
  return maySign ? undefined : 'is not for signing';
}

const refusal = (path: string, problem: string): PembaError =>
  new PembaError('cannot_start', `PEMBA_SIGNING_KEY_FILES: ${path} ${problem}.`);
