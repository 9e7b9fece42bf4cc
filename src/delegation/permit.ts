/**
 * A permit: the signed proof of one decision. Service `actors[0]`, for whom the others stood before
 * it, may do these things for the subject at the service that is the audience, for a minute.
 *
 * What is read here holds for every permit, whoever reads it: its form, one audience, at most four
 * actors and none twice, at most sixteen concrete permissions, five minutes at most. Of the claims
 * of the payload, others than these are passed over, as RFC 7519 has it; inside of a permission, an
 * actor or a confirmation an unknown member refuses the permit, because it may say "only if".
 */
import { isJsonObject } from '../identity/strict-json.js';
import { isRelationName, parseObject } from '../tuple/tuple.js';
import type { JsonObject, JsonValue, ObjectRef } from '../tuple/tuple.js';
import {
  claimOf,
  hashClaim,
  invalidClaim,
  membersClaim,
  objectClaim,
  refuseOthers,
  serviceClaim,
  textClaim,
} from './claims.js';
import { readLifetime } from './lifetime.js';
import type { Lifetime } from './lifetime.js';
import { readSignedToken } from './signed-token.js';
import type { SignedToken, SigningAlgorithm } from './signed-token.js';

export const PERMIT_TYPE = 'permit+jwt';
export const PERMISSION_TYPE = 'urn:pemba:permission';
export const PERMIT_SECONDS_MAX = 300;
/** A longer chain is one that nobody oversees any more. */
export const ACTORS_MAX = 4;
/** Of a permit: (action, resource) pairs, all of them decided at one revision. */
export const PERMISSIONS_MAX = 16;

/** Whose key is to be proved: a DPoP key's thumbprint, or that of a client certificate. */
export type Confirmation = { readonly jkt: string } | { readonly 'x5t#S256': string };

export interface PermitDetail {
  readonly actions: readonly string[];
  readonly resource: ObjectRef;
  /** What the conditions were given when it was decided. */
  readonly context?: JsonObject;
}

export interface Permit extends Lifetime {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  /** Who presents it, then whoever stood before that one. */
  readonly actors: readonly [string, ...string[]];
  readonly confirmation?: Confirmation;
  /** Of the whole transaction that it belongs to; the same in all permits of it. */
  readonly transactionId: string;
  readonly id: string;
  readonly details: readonly PermitDetail[];
  /** The revision that it was decided at. */
  readonly consistencyToken: string;
  readonly modelId: string;
  readonly decisionId: string;
}

export interface UnverifiedPermit {
  readonly permit: Permit;
  readonly token: SignedToken;
}

/**
 * Its form and the rules that hold for every permit; whether it is signed, counts now, and is for
 * whom it reached, is for the caller to ask. Throws `PermitRefused`.
 */
export function parsePermit(
  text: string,
  algorithms?: readonly SigningAlgorithm[],
): UnverifiedPermit {
  const token = readSignedToken(text, PERMIT_TYPE, algorithms);
  return { permit: readPermit(token.claims), token };
}

export function readPermit(claims: JsonObject): Permit {
  const actors = readActors(claims);
  if (claimOf(claims, 'client_id') !== actors[0]) throw invalidClaim('client_id');
  const confirmation = readConfirmation(claims);
  return {
    issuer: textClaim(claims, 'iss'),
    audience: serviceClaim(claims, 'aud'),
    subject: objectClaim(claims, 'sub'),
    actors,
    ...(confirmation !== undefined && { confirmation }),
    transactionId: textClaim(claims, 'txn'),
    id: textClaim(claims, 'jti'),
    ...readLifetime(claims, { maxSeconds: PERMIT_SECONDS_MAX, notBeforeRequired: true }),
    details: readDetails(claims),
    consistencyToken: textClaim(claims, 'rev'),
    modelId: textClaim(claims, 'sch'),
    decisionId: textClaim(claims, 'did'),
  };
}

/** The claims that `readPermit` reads as this permit. */
export function permitClaims(permit: Permit): JsonObject {
  const { issuedAt: iat, notBefore: nbf, expiresAt: exp, confirmation: cnf } = permit;
  return {
    iss: permit.issuer,
    aud: permit.audience,
    sub: permit.subject,
    act: actClaim(permit.actors) ?? null,
    client_id: permit.actors[0],
    ...(cnf !== undefined && { cnf: { ...cnf } }),
    txn: permit.transactionId,
    jti: permit.id,
    ...{ iat, nbf, exp },
    authorization_details: permit.details.map(({ actions, resource, context }) => ({
      type: PERMISSION_TYPE,
      actions,
      resource: { type: resource.type, id: resource.id },
      ...(context !== undefined && { context }),
    })),
    rev: permit.consistencyToken,
    sch: permit.modelId,
    did: permit.decisionId,
  };
}

const actClaim = ([sub, ...before]: readonly string[]): JsonObject | undefined => {
  if (sub === undefined) return undefined;
  const act = actClaim(before);
  return { sub, ...(act !== undefined && { act }) };
};

function readActors(claims: JsonObject): readonly [string, ...string[]] {
  const actors: string[] = [];
  for (let act = membersClaim(claims, 'act'); act !== undefined; act = membersClaim(act, 'act')) {
    refuseOthers(act, ['sub', 'act'], 'act');
    const actor = serviceClaim(act, 'sub');
    if (actors.length === ACTORS_MAX || actors.includes(actor)) throw invalidClaim('act');
    actors.push(actor);
  }
  const [first, ...before] = actors;
  if (first === undefined) throw invalidClaim('act');
  return [first, ...before];
}

function readConfirmation(claims: JsonObject): Confirmation | undefined {
  const cnf = membersClaim(claims, 'cnf');
  if (cnf === undefined) return undefined;
  const [member, another] = Object.keys(cnf);
  if (another !== undefined) throw invalidClaim('cnf');
  if (member === 'jkt') return { jkt: hashClaim(cnf, member) };
  if (member === 'x5t#S256') return { 'x5t#S256': hashClaim(cnf, member) };
  throw invalidClaim('cnf');
}

function readDetails(claims: JsonObject): readonly PermitDetail[] {
  const details = claimOf(claims, 'authorization_details');
  if (!Array.isArray(details) || details.length === 0) throw invalidClaim(DETAILS);
  const read = details.map(readDetail);
  const permissions = read.reduce((sum, { actions }) => sum + actions.length, 0);
  if (permissions > PERMISSIONS_MAX) throw invalidClaim(DETAILS);
  return read;
}

const DETAILS = 'authorization_details';

function readDetail(detail: JsonValue): PermitDetail {
  if (!isJsonObject(detail)) throw invalidClaim(DETAILS);
  refuseOthers(detail, ['type', 'actions', 'resource', 'context'], DETAILS);
  if (claimOf(detail, 'type') !== PERMISSION_TYPE) throw invalidClaim(DETAILS);
  const actions = claimOf(detail, 'actions');
  const isAction = (action: JsonValue): action is string =>
    typeof action === 'string' && isRelationName(action);
  if (!Array.isArray(actions) || actions.length === 0 || !actions.every(isAction)) {
    throw invalidClaim(DETAILS);
  }
  const context = membersClaim(detail, 'context');
  return { actions, resource: readResource(detail), ...(context !== undefined && { context }) };
}

/** A concrete object: `*` is none. */
function readResource(detail: JsonObject): ObjectRef {
  const resource = claimOf(detail, 'resource');
  if (!isJsonObject(resource)) throw invalidClaim(DETAILS);
  refuseOthers(resource, ['type', 'id'], DETAILS);
  const type = claimOf(resource, 'type');
  const id = claimOf(resource, 'id');
  if (typeof type !== 'string' || typeof id !== 'string') throw invalidClaim(DETAILS);
  const object = parseObject(`${type}:${id}`);
  if (object?.type !== type) throw invalidClaim(DETAILS);
  return object;
}
