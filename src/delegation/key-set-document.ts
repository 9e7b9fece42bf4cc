/** The JWK set as it is published: the public halves alone, and a tag that changes with them. */
import { hash } from 'node:crypto';
import type { SigningKey } from './signing-key.js';

export function keySetDocument(keys: readonly SigningKey[]): {
  readonly body: string;
  readonly etag: string;
} {
  const body = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
  return { body, etag: `"${hash('sha256', body, 'base64url')}"` };
}
