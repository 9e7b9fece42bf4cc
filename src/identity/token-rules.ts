/**
 * The rules for what a token says. They are asked before its signature is checked: they only ever
 * refuse, cost less, and name what is wrong.
 */
import type { JsonObject, JsonValue } from '../tuple/tuple.js';
import type { UnverifiedToken } from './compact-token.js';
import { mediaType } from './issuers.js';
import type { Algorithm, ClaimPath, Issuer, KeyOwner, TokenRules } from './issuers.js';
import { isJsonObject } from './strict-json.js';
import { tokenRefusal } from './token-refusal.js';

/** When a token counts, in milliseconds since 1970. */
export interface Validity {
  /** The issuer's clock skew is allowed for: tokens are used as soon as they are made. */
  readonly notBefore: number;
  /** As the token says. */
  readonly expiresAt: number;
}

const AUDIENCES_MAX = 10;
const RFC9068_CLAIMS = ['sub', 'client_id', 'jti'];
/** What only ID tokens have: proof that they belong to one login. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash'];

/** How far clocks may differ, and how long a token may live. */
export type Times = Pick<Issuer, 'clockSkewMs' | 'maxLifetimeMs'>;

export function allowedAlgorithm(
  token: UnverifiedToken,
  { algorithms }: Pick<KeyOwner, 'algorithms'>,
): Algorithm {
  const algorithm = algorithms.find((allowed) => allowed === token.algorithm);
  if (algorithm === undefined) throw tokenRefusal('algorithm');
  return algorithm;
}

export function validityOf(
  token: UnverifiedToken,
  times: Times,
  rules: TokenRules,
  now: number,
): Validity {
  const { claims, type } = token;
  requireType(type, claims, rules);
  requireAudience(claims['aud'], rules);
  if (rules.rfc9068) requireAccessTokenClaims(claims);
  return requireTimes(claims, times, now);
}

function requireType(typ: string | undefined, claims: JsonObject, rules: TokenRules): void {
  const type = typ === undefined ? undefined : mediaType(typ);
  if (!rules.types.includes(type)) throw tokenRefusal('type');
  if (type !== undefined && type !== 'jwt') return;
  // Nothing in the header tells the kinds of token apart: look for the marks of the other kind.
  const isIdToken =
    ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(claims, name)) ||
    claims['token_use'] === 'id' ||
    claims['typ'] === 'ID';
  if (isIdToken) throw tokenRefusal('id_token');
}

/** One of ours among few: a token for everybody is for nobody. */
function requireAudience(aud: JsonValue | undefined, { audience }: TokenRules): void {
  const named: readonly JsonValue[] = Array.isArray(aud) ? aud : [aud ?? null];
  const isWellFormed =
    named.length <= AUDIENCES_MAX && named.every((one) => typeof one === 'string' && one !== '');
  if (!isWellFormed || !audience.some((ours) => named.includes(ours))) {
    throw tokenRefusal('audience');
  }
}

function requireAccessTokenClaims(claims: JsonObject): void {
  const isText = (value: JsonValue | undefined): boolean =>
    typeof value === 'string' && value !== '';
  const isComplete =
    RFC9068_CLAIMS.every((name) => isText(own(claims, name))) && Object.hasOwn(claims, 'iat');
  if (!isComplete) throw tokenRefusal('required_claim');
}

function requireTimes(
  claims: JsonObject,
  { clockSkewMs, maxLifetimeMs }: Times,
  now: number,
): Validity {
  const expiresAt = instantOf(claims, 'exp');
  if (expiresAt === undefined || now >= expiresAt + clockSkewMs) throw tokenRefusal('expiry');
  const notBefore = instantOf(claims, 'nbf');
  if (notBefore !== undefined && notBefore - clockSkewMs > now) throw tokenRefusal('not_before');
  const issuedAt = instantOf(claims, 'iat');
  if (issuedAt !== undefined && issuedAt - clockSkewMs > now) throw tokenRefusal('issued_at');
  if (expiresAt <= (issuedAt ?? -Infinity)) throw tokenRefusal('expiry');
  if (expiresAt - (issuedAt ?? now) > maxLifetimeMs) throw tokenRefusal('lifetime');
  const begins = Math.max(notBefore ?? -Infinity, issuedAt ?? -Infinity);
  return { expiresAt, notBefore: begins - clockSkewMs };
}

/** A NumericDate in milliseconds. Undefined when absent; anything else than a number is refused. */
function instantOf(claims: JsonObject, name: keyof typeof TIME_RULES): number | undefined {
  const value = own(claims, name);
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw tokenRefusal(TIME_RULES[name]);
  return value * 1000;
}

const TIME_RULES = { exp: 'expiry', nbf: 'not_before', iat: 'issued_at' } as const;

/** Undefined where nothing is; what objects inherit is nothing. */
export function claimAt(claims: JsonObject, path: ClaimPath): JsonValue | undefined {
  let value: JsonValue | undefined = claims;
  for (const name of path) {
    if (!isJsonObject(value)) return undefined;
    value = own(value, name);
  }
  return value;
}

const own = (object: JsonObject, name: string): JsonValue | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;
