/**
 * A user's token, in the hands of the service that it is meant for, becomes a permit: the proof that
 * this service, acting for the user, may do these things at one other service. Or a Transaction Token,
 * which tells what is going on and proves nothing.
 *
 *   client ──▶ as which service it acts            by grant, never by what it says
 *   subject ──▶ for whom, after whom (`exchange-subject.ts`)
 *   details ──▶ all decided at one revision, in one turn in which the permit is also noted; or none
 *
 * The chain is built here alone: the client, then the actors of the permit that was handed to it. Only
 * the party that a token is addressed to can extend its chain, so no chain can be spliced from tokens
 * that somebody has collected. Each link is held to the ceilings anew, and lives no longer than the one
 * before.
 */
import { PembaError, invalidRequest } from '../errors.js';
import type { Acting as CallerActing } from '../identity/acting.js';
import type { Authenticator } from '../identity/authenticator.js';
import type { AuthenticatedClient } from '../identity/clients.js';
import type { ModelId, Revision, ServiceId, StoreId } from '../ids.js';
import { parseServiceId } from '../tuple/delegation.js';
import type { JsonObject } from '../tuple/tuple.js';
import type { DelegatedDecision, DelegatedQuestion } from './decide.js';
import { exchangeSubjects } from './exchange-subject.js';
import type { ExchangeSubjectParts } from './exchange-subject.js';
import { permitMint } from './mint.js';
import type { MintParts } from './mint.js';
import { issueTransactionToken } from './transaction-issue.js';

export interface RequestedDetail {
  readonly actions: readonly string[];
  readonly resource: { readonly type: string; readonly id: string };
  /** What conditions are given, and the verifier has to see as well. */
  readonly context?: JsonObject;
}

export interface ExchangeRequest {
  readonly storeId: StoreId;
  readonly client: AuthenticatedClient;
  readonly subjectToken: string;
  readonly subjectTokenType: string;
  readonly actorToken?: string;
  /** `service:inventory` or `inventory`; of a Transaction Token, the trust domain. */
  readonly audience: string;
  readonly details: readonly RequestedDetail[];
  readonly requested: 'permit' | 'txn_token';
  readonly scope?: string;
  readonly requestContext?: JsonObject;
  readonly requestDetails?: JsonObject;
  readonly consistencyToken?: string;
  /** What was decided, before it is told. */
  readonly record?: RecordExchange;
}

export type RecordExchange = (
  source: {
    readonly storeId: StoreId;
    readonly modelId: ModelId;
    readonly revision: Revision;
  },
  decisions: readonly {
    readonly question: DelegatedQuestion;
    readonly acting: { readonly actor: ServiceId; readonly chain: readonly ServiceId[] };
    readonly decision: DelegatedDecision;
  }[],
) => void;

export interface IssuedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly details?: readonly RequestedDetail[];
  readonly scope?: string;
  /** Of what it was decided by; of a Transaction Token none. */
  readonly consistencyToken?: string;
  readonly decisionId?: string;
}

/** Rejects with a `PembaError`. */
export type Exchange = (request: ExchangeRequest) => Promise<IssuedToken>;

export interface ExchangeParts extends ExchangeSubjectParts, MintParts {
  readonly acting: CallerActing;
  readonly authenticator: Authenticator;
}

export function tokenExchange(parts: ExchangeParts): Exchange {
  const subjectOf = exchangeSubjects(parts);
  const mint = permitMint(parts);
  return async (request) => {
    const actor = await actorOf(parts, request);
    const subject = await subjectOf(request, actor);
    return request.requested === 'txn_token'
      ? issueTransactionToken(parts, request, actor, subject)
      : mint(request, { actor, subject, audience: audienceOf(request, actor) });
  };
}

/** A client that is no service of the store learns nothing of it, not even that it is there. */
async function actorOf(
  { acting, authenticator }: ExchangeParts,
  { storeId, client, actorToken }: ExchangeRequest,
): Promise<ServiceId> {
  const asked = client.actor === undefined ? undefined : parseServiceId(client.actor);
  if (client.actor !== undefined && asked === undefined) {
    throw invalidRequest('client_id', 'is not the id of a service');
  }
  if (actorToken !== undefined && !(await isOf(client, authenticator, actorToken))) {
    throw invalidRequest('actor_token', 'is none of the client');
  }
  try {
    return await acting.actorOf(client.caller, storeId, asked, 'client_id');
  } catch (error) {
    if (!(error instanceof PembaError && error.code === 'forbidden')) throw error;
    throw new PembaError('unauthorized_client', 'the client is no service of this store', {
      cause: error,
    });
  }
}

/** Whether a token counts at all is not told: it may have been found, or guessed. */
async function isOf(
  { caller }: AuthenticatedClient,
  authenticator: Authenticator,
  token: string,
): Promise<boolean> {
  try {
    return (await authenticator.authenticate(`Bearer ${token}`)).name === caller.name;
  } catch (error) {
    if (error instanceof PembaError && error.code === 'unauthenticated') return false;
    throw error;
  }
}

function audienceOf({ audience }: ExchangeRequest, actor: ServiceId): ServiceId {
  const service = parseServiceId(audience);
  if (service === undefined) {
    throw new PembaError(
      'invalid_target',
      'the audience has to be one service, such as service:id',
    );
  }
  if (service === actor) {
    throw new PembaError('invalid_target', 'a service needs no permit to call itself');
  }
  return service;
}
