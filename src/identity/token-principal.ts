/**
 * Verified token → who that is. As a caller: a service, if the issuer's rule says so, and then its
 * id is its client's; else a user. As a subject: an object of a store's graph. Ids are what
 * `claim-id.ts` makes of claims, so a claim cannot reach out of the place that the issuer was given.
 */
import type { JsonObject, Subject } from '../tuple/tuple.js';
import { idOfClaim } from '../tuple/claim-id.js';
import type { CallerRules, ClaimPath, ServiceRule } from './issuers.js';
import type { KnownPrincipal } from './principal.js';
import { tokenRefusal } from './token-refusal.js';
import type { TokenRule } from './token-refusal.js';
import { claimAt } from './token-rules.js';
import type { VerifiedToken } from './token-verifier.js';

export function principalOf({ issuer, claims }: VerifiedToken): KnownPrincipal {
  const rules = issuer.callers;
  if (rules === undefined) throw tokenRefusal('use');
  const kind = isService(claims, rules.service) ? 'service' : 'user';
  const clientId = clientIdOf(claims, rules, kind);
  const id = kind === 'service' ? clientId : requiredId(claims, rules.subject, 'subject');
  if (id === undefined) throw tokenRefusal('client');
  return { kind, issuer: issuer.name, id, clientId };
}

/** No token has so many; beyond, roles would cost more than the question. */
export const MAX_ROLES = 200;

/** The roles of a caller, as ids of the system store: `corp/operators`. What cannot be one is none. */
export function rolesOf({ issuer, claims }: VerifiedToken): readonly string[] {
  const path = issuer.callers?.roles;
  const value = path && claimAt(claims, path);
  const names = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  return names.slice(0, MAX_ROLES).flatMap((name) => {
    const id = typeof name === 'string' ? idOfClaim(name) : undefined;
    return id === undefined ? [] : [`${issuer.name}/${id}`];
  });
}

export function subjectOf({
  issuer,
  claims,
}: VerifiedToken): Subject & { readonly kind: 'object' } {
  const rules = issuer.subjects;
  if (rules === undefined) throw tokenRefusal('use');
  const id = requiredId(claims, rules.subject, 'subject');
  return { kind: 'object', type: rules.type, id: `${rules.prefix}${id}` };
}

function isService(claims: JsonObject, rule: ServiceRule): boolean {
  switch (rule.kind) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'equals':
      return claimAt(claims, rule.claim) === rule.value;
    case 'same': {
      const value = claimAt(claims, rule.claim);
      return typeof value === 'string' && value === claimAt(claims, rule.other);
    }
  }
}

/** A user's token may come without a client, but not with a wrong one. */
function clientIdOf(
  claims: JsonObject,
  { client }: CallerRules,
  kind: 'user' | 'service',
): string | undefined {
  if (kind === 'user' && claimAt(claims, client) === undefined) return undefined;
  return requiredId(claims, client, 'client');
}

function requiredId(claims: JsonObject, path: ClaimPath, rule: TokenRule): string {
  const value = claimAt(claims, path);
  const id = typeof value === 'string' ? idOfClaim(value) : undefined;
  if (id === undefined) throw tokenRefusal(rule);
  return id;
}
