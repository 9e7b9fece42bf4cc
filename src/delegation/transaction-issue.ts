/** A Transaction Token for the edge of a trust domain: minted once, and passed on unchanged. */
import { PembaError, invalidRequest } from '../errors.js';
import type { ServiceId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { serviceName } from '../tuple/delegation.js';
import { formatObject } from '../tuple/tuple.js';
import type { JsonObject } from '../tuple/tuple.js';
import type { ExchangeRequest, IssuedToken } from './exchange.js';
import type { ExchangeSubject } from './exchange-subject.js';
import { TOKEN_LIFETIME_MAX_SECONDS } from './key-schedule.js';
import { issuerOf, trustDomainOf } from './issuer.js';
import { PermitRefused } from './permit-refused.js';
import type { Signer } from './signing-keys.js';
import {
  TRANSACTION_TOKEN_TYPE,
  parseTransactionToken,
  transactionTokenClaims,
} from './transaction-token.js';

/** A transaction is over by then, queues included; and for so long a key stays published. */
const LIFETIME_MS = TOKEN_LIFETIME_MAX_SECONDS * 1000;

export type TransactionRequest = Pick<
  ExchangeRequest,
  'storeId' | 'audience' | 'scope' | 'requestContext' | 'requestDetails'
>;

export type TransactionSubject = Pick<
  ExchangeSubject,
  'subject' | 'expiresAt' | 'transactionId' | 'token'
>;

export function issueTransactionToken(
  { engine, signer }: { readonly engine: Engine; readonly signer: Signer },
  request: TransactionRequest,
  actor: ServiceId,
  { subject, expiresAt, transactionId, token }: TransactionSubject,
): IssuedToken {
  if (token === undefined) {
    throw refused("a Transaction Token begins with the user's own token");
  }
  const { storeId, audience, requestContext, requestDetails } = request;
  const issuer = issuerOf(engine.config, storeId);
  const trustDomain = trustDomainOf(engine.config, storeId);
  if (audience !== trustDomain) {
    throw new PembaError('invalid_target', 'the audience has to be the trust domain');
  }
  const scope = scopeOf(request, token.claims);
  const now = engine.clock.now();
  const issuedAt = Math.floor(now / 1000);
  const end = Math.floor(Math.min(now + LIFETIME_MS, expiresAt) / 1000);
  if (end <= issuedAt) throw refused('it ends right now');
  const claims = transactionTokenClaims({
    issuer,
    trustDomain,
    transactionId: transactionId ?? engine.newId(),
    id: engine.newId(),
    subject: formatObject(subject),
    scope,
    requester: serviceName(actor),
    issuedAt,
    notBefore: issuedAt,
    expiresAt: end,
    ...(requestDetails && { details: requestDetails }),
    ...(requestContext && { requestContext }),
  });
  return {
    token: signed(signer, claims),
    expiresInSeconds: end - issuedAt,
    scope,
  };
}

const refused = (problem: string): PembaError =>
  new PembaError('invalid_subject_token', `subject_token: ${problem}`, {
    facts: { field: 'subject_token' },
  });

/** What no service would read is not given out: what it is told may be too long for it, or too deep. */
function signed(signer: Signer, claims: JsonObject): string {
  const token = signer.sign(TRANSACTION_TOKEN_TYPE, claims);
  try {
    parseTransactionToken(token);
  } catch (error) {
    if (!(error instanceof PermitRefused)) throw error;
    throw invalidRequest('request_details', `does not fit into a token: ${error.message}`);
  }
  return token;
}

/** No more than the user's token has. */
function scopeOf({ scope }: TransactionRequest, claims: JsonObject): string {
  const asked = scope?.split(' ').filter((word) => word !== '') ?? [];
  if (asked.length === 0) throw new PembaError('invalid_scope', 'say what the transaction is for');
  const claim = claims['scope'] ?? claims['scp'];
  const held = new Set(
    typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [],
  );
  const beyond = asked.find((word) => !held.has(word));
  if (beyond !== undefined) {
    throw new PembaError('invalid_scope', "the user's token does not have all of this scope");
  }
  return asked.join(' ');
}
