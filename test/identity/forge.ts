/** Tokens put together by hand, for what no library would sign. */
import { KeyObject, constants, createHmac, sign } from 'node:crypto';
import type { SigningKey } from '../support/issuer.js';

export const base64url = (data: string | Uint8Array): string =>
  Buffer.from(data).toString('base64url');

export const headerOf = (key: SigningKey): { alg: string; kid: string; typ: string } => ({
  alg: key.algorithm,
  kid: key.id,
  typ: 'at+jwt',
});

type Part = string | Uint8Array | object;

/** Signed as ES256, whatever the header says. */
export function forge(key: SigningKey, header: Part, payload: Part): string {
  const input = signingInput(header, payload);
  const signature = sign('sha256', Buffer.from(input), {
    key: privateKeyOf(key),
    dsaEncoding: 'ieee-p1363',
  });
  return `${input}.${base64url(signature)}`;
}

/** With an RSA key, as PS256. */
export function forgePss(key: SigningKey, header: Part, payload: Part): string {
  const input = signingInput(header, payload);
  const signature = sign('sha256', Buffer.from(input), {
    key: privateKeyOf(key),
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
  return `${input}.${base64url(signature)}`;
}

const privateKeyOf = ({ privateKey }: SigningKey): KeyObject => KeyObject.from(privateKey);

export function forgeHmac(secret: string | Uint8Array, header: object, payload: object): string {
  const input = signingInput(header, payload);
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export const signingInput = (header: Part, payload: Part): string =>
  `${base64url(textOf(header))}.${base64url(textOf(payload))}`;

const textOf = (part: Part): string | Uint8Array =>
  typeof part === 'string' || part instanceof Uint8Array ? part : JSON.stringify(part);

/** The parts of a token, changed. */
export function tampered(
  token: string,
  change: (parts: readonly [string, string, string]) => readonly string[],
): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return change([header, payload, signature]).join('.');
}

/** The same bytes in other letters: the spare bits of the last one set. */
export function withSpareBits(part: string): string {
  const bytes = Buffer.from(part, 'base64url');
  for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
    const other = part.slice(0, -1) + last;
    if (other !== part && Buffer.from(other, 'base64url').equals(bytes)) return other;
  }
  throw new Error('a part of full groups has no spare bits');
}
