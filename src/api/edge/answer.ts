/**
 * What a gateway is told of a request, whatever it asks by: found out here, once. How it is said, in
 * HTTP or to Envoy in gRPC, is for those who ask this.
 */
import { PembaError } from '../../errors.js';
import type { Caller } from '../../identity/caller.js';
import type { StoreId } from '../../ids.js';
import { percentEncoded } from '../../tuple/claim-id.js';
import { formatObject } from '../../tuple/tuple.js';
import type { Answering, RecordDecisions } from '../decision.js';
import { decide } from './decide.js';
import type { Allowed, DecideParts } from './decide.js';
import { FAILED, forbidden, refusalOf } from './outcome.js';
import type { Reason, Refusal } from './outcome.js';
import type { GatewayRequest, Profile, Unreadable } from './profiles.js';
import type { IssueTransaction } from './transaction.js';

export interface EdgeParts extends DecideParts {
  /** Where a question names none. */
  readonly rootStore: StoreId | undefined;
  readonly record: RecordDecisions;
  readonly issueTransaction: IssueTransaction;
  readonly observer: EdgeObserver;
}

/** How a gateway asks. */
export type AskedBy = Profile | 'envoy-grpc' | 'unknown';

export interface EdgeObserver {
  answered(askedBy: AskedBy, reason: Reason): void;
  failed(requestId: string, error: unknown): void;
}

export interface EdgeQuestion {
  readonly askedBy: AskedBy;
  readonly gateway: Caller;
  readonly storeId: StoreId;
  readonly original: GatewayRequest | Unreadable;
  /** Names and values in turn, as the client sent them. */
  readonly rawHeaders: readonly string[];
  readonly reply: Answering;
  /** What it costs to ask so much, before it is asked. */
  readonly charge: (checks: number) => void;
}

export type Told = ToldAllow | ToldRefusal;

export interface ToldAllow {
  readonly status: 200;
  readonly reason: 'allowed' | 'public';
  /** Fit for a header; empty at a public route. */
  readonly subject: string;
  /** A Transaction Token; empty where the route has none. */
  readonly transaction: string;
  /** That the allow may be kept for. */
  readonly keepSeconds: number;
}

export interface ToldRefusal {
  readonly status: Refusal['status'];
  readonly reason: Refusal['reason'];
  /** `WWW-Authenticate`, with 401. */
  readonly challenge: string | undefined;
  /** JSON. */
  readonly body: string;
}

/** Rejects with what `toldOfError` is for. */
export async function answer(parts: EdgeParts, question: EdgeQuestion): Promise<Told> {
  const { askedBy, gateway, storeId, original, rawHeaders, reply, charge } = question;
  if (typeof original === 'string') return toldOf(parts, askedBy, forbidden(original));
  const outcome = await decide(parts, {
    storeId,
    request: original,
    rawHeaders,
    charge,
    record: (source, decisions) => {
      parts.record(reply, 'edge', source, decisions);
    },
  });
  if (outcome.status !== 200) return toldOf(parts, askedBy, outcome);
  const transaction = await parts.issueTransaction(gateway, storeId, outcome, original);
  return toldAllow(parts, askedBy, outcome, transaction);
}

function toldAllow(
  { engine, observer }: EdgeParts,
  askedBy: AskedBy,
  { route, bearer, dependsOnClient }: Allowed,
  transaction: string,
): ToldAllow {
  const reason = route.required.length === 0 ? 'public' : 'allowed';
  const remainingMs = bearer === undefined ? Infinity : bearer.expiresAt - engine.clock.now();
  const keepMs = dependsOnClient ? 0 : Math.min(route.cacheMs, remainingMs);
  observer.answered(askedBy, reason);
  return {
    status: 200,
    reason,
    subject: bearer === undefined ? '' : headerText(formatObject(bearer.subject)),
    transaction,
    keepSeconds: Math.max(0, Math.floor(keepMs / 1000)),
  };
}

/** As ids are escaped elsewhere: a `%` of its own has been escaped already. */
const headerText = (text: string): string => text.replace(/[^\x21-\x7e]/gu, percentEncoded);

const REALM = 'Bearer realm="pemba"';

const MESSAGES = {
  401: { code: 'unauthenticated', message: 'A valid bearer token is required.' },
  403: { code: 'forbidden', message: 'This is not allowed.' },
  503: { code: 'unavailable', message: 'Whether this is allowed cannot be told now.' },
} as const;

export function toldOf(
  { observer }: Pick<EdgeParts, 'observer'>,
  askedBy: AskedBy,
  { status, reason }: Refusal,
): ToldRefusal {
  observer.answered(askedBy, reason);
  const invalid = reason === 'invalid_token' ? ', error="invalid_token"' : '';
  return {
    status,
    reason,
    challenge: status === 401 ? REALM + invalid : undefined,
    body: JSON.stringify(MESSAGES[status]),
  };
}

export function toldOfError(
  parts: Pick<EdgeParts, 'observer'>,
  askedBy: AskedBy,
  requestId: string,
  error: unknown,
): ToldRefusal {
  const refusal = error instanceof PembaError ? refusalOf(error) : FAILED;
  if (refusal.status === 503) parts.observer.failed(requestId, error);
  return toldOf(parts, askedBy, refusal);
}
