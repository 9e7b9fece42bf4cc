/** Fixed keys, made from names, and tokens signed with them by hand, so that they may also be wrong. */
import {
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign,
} from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';

export interface VectorKey {
  readonly kid: string;
  readonly alg: 'EdDSA' | 'ES256';
  readonly privateKey: KeyObject;
  /** Without `kid` and the like. */
  readonly publicJwk: JsonWebKey;
}

export type Part = object | string;

const PKCS8_OF_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export function vectorKey(kid: string, alg: VectorKey['alg']): VectorKey {
  const seed = createHash('sha256').update(`test vector key ${kid}`).digest();
  const privateKey = alg === 'EdDSA' ? ed25519(seed) : p256(seed);
  return { kid, alg, privateKey, publicJwk: createPublicKey(privateKey).export({ format: 'jwk' }) };
}

const ed25519 = (seed: Buffer): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([PKCS8_OF_ED25519, seed]),
    format: 'der',
    type: 'pkcs8',
  });

function p256(seed: Buffer): KeyObject {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(seed);
  const point = curve.getPublicKey();
  const [x, y, d] = [point.subarray(1, 33), point.subarray(33), seed].map(base64url);
  return createPrivateKey({
    key: { kty: 'EC', crv: 'P-256', x, y, d } as JsonWebKey,
    format: 'jwk',
  });
}

export const base64url = (data: string | Uint8Array): string =>
  Buffer.from(data).toString('base64url');

export const sha256 = (text: string): string =>
  createHash('sha256').update(text).digest('base64url');

export function thumbprint({ publicJwk: { crv, kty, x, y } }: VectorKey): string {
  return sha256(JSON.stringify({ crv, kty, x, ...(y !== undefined && { y }) }));
}

const encoded = (part: Part): string =>
  base64url(typeof part === 'string' ? part : JSON.stringify(part));

export const signingInput = (header: Part, payload: Part): string =>
  `${encoded(header)}.${encoded(payload)}`;

/** Signs, whatever the header says. */
export function signed(header: Part, payload: Part, { alg, privateKey }: VectorKey): string {
  const input = signingInput(header, payload);
  const signature =
    alg === 'EdDSA'
      ? sign(null, Buffer.from(input), privateKey)
      : sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${base64url(signature)}`;
}

export function hmacSigned(header: Part, payload: Part, secret: string): string {
  const input = signingInput(header, payload);
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}
