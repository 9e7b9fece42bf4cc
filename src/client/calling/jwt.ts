/** JWTs that this service signs with its own keys: who it is, and that it holds a key. */
import type { SigningKey, SigningKeyPair } from './exchange-options.js';
import type { Time } from './call.js';
import type { JsonObject } from './wire.js';

/** Of an assertion: until it has arrived, clocks apart. The server takes it once. */
const ASSERTION_SECONDS = 60;

/** RFC 7523: `audience` is the token endpoint's issuer. */
export function clientAssertion(
  time: Time,
  key: {
    readonly clientId: string;
    readonly privateKey: SigningKey;
    readonly keyId?: string | undefined;
  },
  audience: string,
): Promise<string> {
  const iat = Math.floor(time.wall() / 1000);
  const { clientId, privateKey, keyId } = key;
  const header = { typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) };
  return signed(privateKey, header, {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: crypto.randomUUID(),
    iat,
    exp: iat + ASSERTION_SECONDS,
  });
}

/** RFC 9449, for one POST to the address. */
export async function dpopProof(
  time: Time,
  { privateKey, publicKey }: SigningKeyPair,
  address: string,
): Promise<string> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const jwk = Object.fromEntries(
    Object.entries({ kty, crv, x, y }).filter((entry): entry is [string, string] => !!entry[1]),
  );
  return signed(
    privateKey,
    { typ: 'dpop+jwt', jwk },
    {
      htm: 'POST',
      htu: address,
      jti: crypto.randomUUID(),
      iat: Math.floor(time.wall() / 1000),
    },
  );
}

async function signed(key: SigningKey, header: JsonObject, claims: JsonObject): Promise<string> {
  const { alg, algorithm } = algorithmOf(key);
  const text = `${encoded({ alg, ...header })}.${encoded(claims)}`;
  const signature = await crypto.subtle.sign(algorithm, key, new TextEncoder().encode(text));
  return `${text}.${base64url(new Uint8Array(signature))}`;
}

function algorithmOf({ algorithm }: SigningKey): {
  readonly alg: string;
  readonly algorithm: { readonly name: string; readonly hash?: string };
} {
  if (algorithm.name === 'Ed25519') return { alg: 'EdDSA', algorithm: { name: 'Ed25519' } };
  if (algorithm.name === 'ECDSA' && Reflect.get(algorithm, 'namedCurve') === 'P-256') {
    return { alg: 'ES256', algorithm: { name: 'ECDSA', hash: 'SHA-256' } };
  }
  throw new TypeError(`a key of ${algorithm.name}: it has to be Ed25519, or ECDSA on P-256`);
}

const encoded = (value: JsonObject): string =>
  base64url(new TextEncoder().encode(JSON.stringify(value)));

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
