/**
 * A transaction token: what a transaction is about, told to every service that takes part in it. It
 * is context and never authority: nobody may do anything because of one, and it has no actors.
 */
import type { JsonObject } from '../tuple/tuple.js';
import {
  claimOf,
  invalidClaim,
  membersClaim,
  objectClaim,
  serviceClaim,
  textClaim,
} from './claims.js';
import { readLifetime } from './lifetime.js';
import type { Lifetime } from './lifetime.js';
import { readSignedToken } from './signed-token.js';
import type { SignedToken, SigningAlgorithm } from './signed-token.js';

export const TRANSACTION_TOKEN_TYPE = 'txntoken+jwt';
/** A transaction with a queue in it may take longer than a permit lives. */
export const TRANSACTION_TOKEN_SECONDS_MAX = 900;

export interface TransactionToken extends Lifetime {
  readonly issuer: string;
  /** Its `aud`. */
  readonly trustDomain: string;
  readonly transactionId: string;
  readonly id: string;
  readonly subject: string;
  /** What the transaction is for. */
  readonly scope: string;
  /** Who asked for the token. */
  readonly requester: string;
  /** What the transaction is about, unchangeable on its way. */
  readonly details?: JsonObject;
  /** Where it came from: an address, a way of authentication. */
  readonly requestContext?: JsonObject;
}

export interface UnverifiedTransactionToken {
  readonly transaction: TransactionToken;
  readonly token: SignedToken;
}

/** Throws `PermitRefused`. */
export function parseTransactionToken(
  text: string,
  algorithms?: readonly SigningAlgorithm[],
): UnverifiedTransactionToken {
  const token = readSignedToken(text, TRANSACTION_TOKEN_TYPE, algorithms);
  return { transaction: readTransactionToken(token.claims), token };
}

export function readTransactionToken(claims: JsonObject): TransactionToken {
  // A permit is never taken for one, whatever its header says.
  if (claimOf(claims, 'act') !== undefined) throw invalidClaim('act');
  const details = membersClaim(claims, 'tctx');
  const requestContext = membersClaim(claims, 'rctx');
  return {
    issuer: textClaim(claims, 'iss'),
    trustDomain: textClaim(claims, 'aud'),
    transactionId: textClaim(claims, 'txn'),
    id: textClaim(claims, 'jti'),
    subject: objectClaim(claims, 'sub'),
    scope: textClaim(claims, 'scope'),
    requester: serviceClaim(claims, 'req_wl'),
    ...readLifetime(claims, {
      maxSeconds: TRANSACTION_TOKEN_SECONDS_MAX,
      notBeforeRequired: false,
    }),
    ...(details !== undefined && { details }),
    ...(requestContext !== undefined && { requestContext }),
  };
}

/** The claims that `readTransactionToken` reads as this token. */
export function transactionTokenClaims(token: TransactionToken): JsonObject {
  const { issuedAt: iat, notBefore: nbf, expiresAt: exp, details, requestContext } = token;
  return {
    iss: token.issuer,
    aud: token.trustDomain,
    ...{ iat, nbf, exp },
    txn: token.transactionId,
    jti: token.id,
    sub: token.subject,
    scope: token.scope,
    req_wl: token.requester,
    ...(details !== undefined && { tctx: details }),
    ...(requestContext !== undefined && { rctx: requestContext }),
  };
}
