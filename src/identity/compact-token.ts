/** A signed JWT in compact form, taken apart but not believed. */
import type { JsonObject, JsonValue } from '../tuple/tuple.js';
import { isJsonObject, strictJson } from './strict-json.js';
import { tokenRefusal } from './token-refusal.js';

export interface UnverifiedToken {
  readonly algorithm: string;
  readonly type: string | undefined;
  readonly keyId: string | undefined;
  readonly claims: JsonObject;
}

/**
 * Members that bring a key along, name where to get one, or change what the rest means. Others are
 * not read, as RFC 7515 has it; so they cannot matter.
 */
const REFUSED_IN_HEADER = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'enc'];
const KEY_ID_LENGTH_MAX = 200;

export function readCompactToken(token: string): UnverifiedToken {
  const { header, claims } = readCompactParts(token);
  const { alg, typ, kid, ...others } = header;
  if (REFUSED_IN_HEADER.some((name) => Object.hasOwn(others, name))) throw tokenRefusal('header');
  if (typeof alg !== 'string') throw tokenRefusal('algorithm');
  if (typ !== undefined && typeof typ !== 'string') throw tokenRefusal('type');
  return { algorithm: alg, type: typ, keyId: keyIdOf(kid), claims };
}

/** For whoever has rules of its own for the header. */
export function readCompactParts(token: string): {
  readonly header: JsonObject;
  readonly claims: JsonObject;
} {
  const parts = compactParts(token);
  if (parts === undefined) throw tokenRefusal('form');
  return { header: objectOf(parts.header), claims: objectOf(parts.payload) };
}

export interface CompactParts {
  readonly header: Buffer;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

/** Undefined for what does not consist of three parts, each encoded in the one way there is. */
export function compactParts(token: string): CompactParts | undefined {
  const parts = token.split('.', 4);
  const [header, payload, signature] = parts.map(base64urlBytes);
  if (parts.length !== 3 || !header || !payload || !signature) return undefined;
  return { header, payload, signature };
}

/** Undefined unless it is what an encoder would write: no padding, no white space, no spare bits. */
function base64urlBytes(text: string): Buffer | undefined {
  if (text === '') return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

function objectOf(bytes: Uint8Array): JsonObject {
  const value = strictJson(bytes);
  if (!isJsonObject(value)) throw tokenRefusal('json');
  return value;
}

function keyIdOf(kid: JsonValue | undefined): string | undefined {
  if (kid === undefined) return undefined;
  if (typeof kid !== 'string' || kid === '' || kid.length > KEY_ID_LENGTH_MAX) {
    throw tokenRefusal('key_id');
  }
  return kid;
}
