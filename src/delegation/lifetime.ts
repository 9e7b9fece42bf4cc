/** When a token counts; all in seconds since 1970, as the token says. */
import type { JsonObject } from '../tuple/tuple.js';
import { claimOf, invalidClaim, secondsClaim } from './claims.js';
import { PermitRefused } from './permit-refused.js';

export interface Lifetime {
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** Two clocks that somebody sets right are not farther apart; permits live for a minute. */
export const CLOCK_SKEW_MAX_S = 5;

export function readLifetime(
  claims: JsonObject,
  rules: { readonly maxSeconds: number; readonly notBeforeRequired: boolean },
): Lifetime {
  const issuedAt = secondsClaim(claims, 'iat');
  const expiresAt = secondsClaim(claims, 'exp');
  const isBounded = rules.notBeforeRequired || claimOf(claims, 'nbf') !== undefined;
  const notBefore = isBounded ? secondsClaim(claims, 'nbf') : issuedAt;
  if (expiresAt <= issuedAt || expiresAt <= notBefore) throw invalidClaim('exp');
  if (expiresAt - issuedAt > rules.maxSeconds) throw new PermitRefused('lives_too_long');
  return { issuedAt, notBefore, expiresAt };
}

/** Throws unless the token counts at this moment, in milliseconds since 1970. */
export function requireCurrent(lifetime: Lifetime, now: number, skewSeconds: number): void {
  const seconds = now / 1000;
  if (seconds >= lifetime.expiresAt + skewSeconds) throw new PermitRefused('expired');
  if (seconds + skewSeconds < Math.max(lifetime.notBefore, lifetime.issuedAt)) {
    throw new PermitRefused('not_yet_valid');
  }
}
