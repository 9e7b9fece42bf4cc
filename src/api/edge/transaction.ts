/** The Transaction Token that goes to the services behind a gateway, where the route says so. */
import { issueTransactionToken } from '../../delegation/transaction-issue.js';
import { trustDomainOf } from '../../delegation/issuer.js';
import type { Signer } from '../../delegation/signing-keys.js';
import type { Acting } from '../../identity/acting.js';
import type { Caller } from '../../identity/caller.js';
import type { StoreId } from '../../ids.js';
import type { Engine } from '../../operations/engine.js';
import type { RoutedRequest } from '../../schema/route-table.js';
import type { Allowed } from './decide.js';

/** Empty where the route has none. Rejects with a `PembaError`. */
export type IssueTransaction = (
  gateway: Caller,
  storeId: StoreId,
  allowed: Allowed,
  request: RoutedRequest,
) => Promise<string>;

export interface TransactionParts {
  readonly engine: Engine;
  readonly signer: Signer;
  readonly acting: Acting;
}

export const transactionIssuer =
  (parts: TransactionParts): IssueTransaction =>
  async (gateway, storeId, { route, bearer, granted }, { method, host }) => {
    const { transaction } = route;
    if (transaction === undefined || bearer === undefined) return '';
    const { requester, scope } = transaction;
    const actor = await parts.acting.actorOf(gateway, storeId, requester, 'transaction.requester');
    const request = {
      storeId,
      audience: trustDomainOf(parts.engine.config, storeId),
      scope,
      requestDetails: { method, host, route: route.path, granted },
    };
    const { subject, expiresAt } = bearer;
    const begun = { subject, expiresAt, transactionId: undefined, token: bearer };
    return issueTransactionToken(parts, request, actor, begun).token;
  };
