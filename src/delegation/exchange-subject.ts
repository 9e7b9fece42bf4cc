/**
 * For whom a token is asked, as the subject token proves it: a user's access token, or a permit.
 *
 * It has to be addressed to the service that presents it. So a token that was overheard, logged or
 * meant for somebody else is worth nothing here, and only who was handed a permit can go on from it.
 */
import { PembaError } from '../errors.js';
import type { Principal } from '../identity/principal.js';
import { isJsonObject } from '../identity/strict-json.js';
import type { SubjectTokens } from '../identity/subject-tokens.js';
import type { ServiceId, StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { resolve } from '../operations/resolve.js';
import type { TokenFacts } from '../schema/claims-mapping.js';
import { parseServiceId, serviceName } from '../tuple/delegation.js';
import { parseObject } from '../tuple/tuple.js';
import type { JsonObject, JsonValue, Subject } from '../tuple/tuple.js';
import { textClaim } from './claims.js';
import type { ExchangeRequest } from './exchange.js';
import { issuerOf } from './issuer.js';
import { CLOCK_SKEW_MAX_S, requireCurrent } from './lifetime.js';
import { ACTORS_MAX, PERMIT_TYPE, parsePermit } from './permit.js';
import type { Permit } from './permit.js';
import { PermitRefused } from './permit-refused.js';
import type { Revocations } from './revocations.js';
import type { Signer } from './signing-keys.js';
import { claimedType, isSignedBy } from './signed-token.js';
import { TRANSACTION_TOKEN_TYPE } from './transaction-token.js';

export interface ExchangeSubject {
  readonly subject: Subject & { readonly kind: 'object' };
  /** The services that stood before the actor, the latest one first. */
  readonly chain: readonly ServiceId[];
  /** Milliseconds since 1970: what is issued lives no longer. */
  readonly expiresAt: number;
  /** Undefined where a new transaction begins. */
  readonly transactionId: string | undefined;
  /** The least revision to decide at, as a consistency token. */
  readonly atLeast: string | undefined;
  /** What the user's own token says besides. */
  readonly token: TokenFacts | undefined;
  /** In the turn in which something is issued: throws if it was revoked while that was prepared. */
  assertCounts(): void;
}

export interface ExchangeSubjectParts {
  readonly engine: Engine;
  readonly signer: Signer;
  readonly revocations: Revocations;
  /** Undefined when no issuer of users' tokens is configured. */
  readonly subjectTokens: SubjectTokens | undefined;
}

type SubjectOf = (request: ExchangeRequest, actor: ServiceId) => Promise<ExchangeSubject>;

export function exchangeSubjects(parts: ExchangeSubjectParts): SubjectOf {
  return async (request, actor) => {
    switch (claimedType(request.subjectToken)) {
      case PERMIT_TYPE:
        return ofPermit(parts, request, actor);
      case TRANSACTION_TOKEN_TYPE:
        throw refused('a Transaction Token is context and no authority');
      default:
        return ofAccessToken(parts, request, actor);
    }
  };
}

const refused = (problem: string, cause?: unknown): PembaError =>
  new PembaError('invalid_subject_token', `subject_token: ${problem}`, {
    facts: { field: 'subject_token' },
    ...(cause !== undefined && { cause }),
  });

async function ofPermit(
  parts: ExchangeSubjectParts,
  { storeId, subjectToken }: ExchangeRequest,
  actor: ServiceId,
): Promise<ExchangeSubject> {
  const permit = verifiedPermit(parts, storeId, subjectToken);
  if (permit.audience !== serviceName(actor)) throw refused('is addressed to somebody else');
  const chain = permit.actors.map((name) => parseServiceId(name));
  const services = new Set([actor, ...chain]);
  if (services.size <= chain.length) throw refused('its chain would come back to the client');
  if (services.size > ACTORS_MAX) {
    throw refused(`its chain would have more than ${ACTORS_MAX} services`);
  }
  const { revocations } = parts;
  const assertCounts = (): void => {
    if (revocations.concern(storeId, permit)) throw refused('is revoked');
  };
  await revocations.refresh(storeId);
  assertCounts();
  const subject = parseObject(permit.subject);
  if (subject === undefined) throw new TypeError('a permit names its subject');
  return {
    subject: { kind: 'object', ...subject },
    chain: chain as ServiceId[],
    expiresAt: permit.expiresAt * 1000,
    transactionId: permit.transactionId,
    atLeast: permit.consistencyToken,
    token: undefined,
    assertCounts,
  };
}

function verifiedPermit(
  { engine, signer }: ExchangeSubjectParts,
  storeId: StoreId,
  text: string,
): Permit {
  try {
    const { permit, token } = parsePermit(text);
    if (permit.issuer !== issuerOf(engine.config, storeId)) throw new PermitRefused('wrong_issuer');
    requireCurrent(permit, engine.clock.now(), CLOCK_SKEW_MAX_S);
    const key = signer.verificationKey(token.keyId);
    if (key === undefined) throw new PermitRefused('unknown_key');
    if (!isSignedBy(token, key)) throw new PermitRefused('bad_signature');
    return permit;
  } catch (error) {
    if (!(error instanceof PermitRefused)) throw error;
    throw refused('is no permit that counts here', error);
  }
}

async function ofAccessToken(
  { engine, subjectTokens }: ExchangeSubjectParts,
  { storeId, subjectToken, client }: ExchangeRequest,
  actor: ServiceId,
): Promise<ExchangeSubject> {
  if (subjectTokens === undefined) throw refused("no issuer of users' tokens is configured");
  const verified = await subjectTokens.subjectOf(subjectToken);
  const { claims, subject, expiresAt } = verified;
  const { delegation } = await resolve(engine, {
    storeId,
    consistency: { kind: 'minimize_latency' },
  });
  const audiences = texts(claims['aud']);
  if (!audiences.some((audience) => delegation.namesService(audience, actor))) {
    throw refused('is not meant for the client');
  }
  if (!mayAct(claims, actor, client.caller.principal))
    throw refused('names another that may act for its bearer');
  return {
    subject,
    chain: [],
    expiresAt,
    transactionId: transactionOf(claims),
    atLeast: undefined,
    token: verified,
    assertCounts: () => undefined,
  };
}

/** Of this form a permit can carry it on, and it can be revoked by it. Another transaction begins else. */
function transactionOf(claims: JsonObject): string | undefined {
  try {
    return textClaim(claims, 'txn');
  } catch (error) {
    if (error instanceof PermitRefused) return undefined;
    throw error;
  }
}

/**
 * RFC 8693, 4.4: where a token says who may act for its bearer, nobody else may. What it says besides,
 * such as whose client that has to be, may be a restriction, so it is not passed over.
 */
function mayAct(claims: JsonObject, actor: ServiceId, principal: Principal): boolean {
  const claim = claims['may_act'];
  if (claim === undefined) return true;
  if (!isJsonObject(claim)) return false;
  const { sub, client_id: clientId, ...others } = claim;
  if (Object.keys(others).length > 0) return false;
  const names = new Set<JsonValue>([actor, serviceName(actor)]);
  if (principal.kind === 'service' || principal.kind === 'user') {
    names.add(principal.id);
    if (principal.clientId !== undefined) names.add(principal.clientId);
  }
  const said = [sub, clientId].filter((name) => name !== undefined);
  return said.length > 0 && said.every((name) => names.has(name));
}

const texts = (claim: JsonValue | undefined): readonly string[] =>
  (Array.isArray(claim) ? claim : [claim]).filter((value) => typeof value === 'string');
