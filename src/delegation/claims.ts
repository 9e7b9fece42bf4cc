/** Claims, read one by one; each is there in its form, or the token is refused by the claim's name. */
import { parseObject } from '../tuple/tuple.js';
import type { JsonObject, JsonValue } from '../tuple/tuple.js';
import { isJsonObject } from '../identity/strict-json.js';
import { PermitRefused } from './permit-refused.js';

/** The type of the objects that services are in a store. */
const SERVICE_TYPE = 'service';
/** Ids are kept by those who look out for replays, and logged. */
const TEXT_LENGTH_MAX = 512;
/** A SHA-256, as base64url writes it. */
const SHA256 = /^[A-Za-z0-9_-]{43}$/;

export const invalidClaim = (claim: string): PermitRefused =>
  new PermitRefused('invalid_claim', { claim });

/** What objects inherit is nothing. */
export const claimOf = (claims: JsonObject, name: string): JsonValue | undefined =>
  Object.hasOwn(claims, name) ? claims[name] : undefined;

export function textClaim(claims: JsonObject, name: string): string {
  const value = claimOf(claims, name);
  if (typeof value !== 'string' || value === '' || value.length > TEXT_LENGTH_MAX) {
    throw invalidClaim(name);
  }
  return value;
}

/** `type:id`, and no wildcard. */
export function objectClaim(claims: JsonObject, name: string): string {
  const text = textClaim(claims, name);
  if (parseObject(text) === undefined) throw invalidClaim(name);
  return text;
}

/** `service:id`. */
export function serviceClaim(claims: JsonObject, name: string): string {
  const text = objectClaim(claims, name);
  if (parseObject(text)?.type !== SERVICE_TYPE) throw invalidClaim(name);
  return text;
}

/** A NumericDate in whole seconds. */
export function secondsClaim(claims: JsonObject, name: string): number {
  const value = claimOf(claims, name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalidClaim(name);
  }
  return value;
}

export function hashClaim(claims: JsonObject, name: string): string {
  const text = textClaim(claims, name);
  if (!SHA256.test(text)) throw invalidClaim(name);
  return text;
}

export function membersClaim(claims: JsonObject, name: string): JsonObject | undefined {
  const value = claimOf(claims, name);
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw invalidClaim(name);
  return value;
}

/** What is not understood may be a restriction, so it is not passed over. */
export function refuseOthers(object: JsonObject, known: readonly string[], claim: string): void {
  if (Object.keys(object).some((name) => !known.includes(name))) throw invalidClaim(claim);
}
