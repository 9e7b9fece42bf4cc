import type { AuthenticatedClient } from '../identity/clients.js';
import type { StoreId } from '../ids.js';
import type { JsonObject } from '../tuple/tuple.js';

export interface ExchangeRequest {
  readonly storeId: StoreId;
  readonly client: AuthenticatedClient;
  readonly subjectToken: string;
  readonly subjectTokenType: string;
  readonly actorToken?: string;
  readonly audience: string;
  readonly details: readonly RequestedDetail[];
  readonly requested: 'permit' | 'txn_token';
  readonly scope?: string;
  readonly requestContext?: JsonObject;
  readonly requestDetails?: JsonObject;
  readonly consistencyToken?: string;
}

export interface RequestedDetail {
  readonly actions: readonly string[];
  readonly resource: { readonly type: string; readonly id: string };
  readonly context?: JsonObject;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly details?: readonly RequestedDetail[];
  readonly scope?: string;
  readonly consistencyToken: string;
  readonly decisionId: string;
}

export type Exchange = (request: ExchangeRequest) => Promise<IssuedToken>;
