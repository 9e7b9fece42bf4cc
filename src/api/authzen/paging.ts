/**
 * Pages of searches. A token is a place in the order of names, so that what is written between two
 * pages neither repeats nor skips anything else, and it is good for the query that it was given for
 * alone. It carries the limit: clients may leave that out with a token, but not change it.
 */
import { invalidRequest } from '../../errors.js';
import type { StoreId } from '../../ids.js';
import { decodePageToken, encodePageToken, invalidPageToken } from '../../operations/page-token.js';
import type { QueryIdentity } from '../../operations/page-token.js';
import type { PageRequest } from '../../query/page.js';
import type { WireAction, WireEntity, WireEntityType } from './entities.js';
import type { JsonObject, JsonValue } from '../../tuple/tuple.js';

export interface WirePage {
  readonly token?: string | null;
  readonly limit?: number | null;
}

/** Of any search. */
export interface SearchBody {
  readonly subject: WireEntityType & Partial<WireEntity>;
  readonly resource: WireEntityType & Partial<WireEntity>;
  readonly action?: WireAction;
  readonly context?: JsonObject | null;
  readonly page?: WirePage | null;
}

export type SearchApi = 'search-subject' | 'search-resource' | 'search-action';

/** All that the answer depends on; not the id of what is searched, which must not matter. */
export function identityOf(api: SearchApi, storeId: StoreId, body: SearchBody): QueryIdentity {
  const { subject, resource, action, context } = body;
  const entity = (
    { type, id, properties }: WireEntityType & Partial<WireEntity>,
    isSearched: boolean,
  ): JsonValue => [type, isSearched ? '' : (id ?? ''), properties ?? {}];
  return [
    api,
    storeId,
    entity(subject, api === 'search-subject'),
    entity(resource, api === 'search-resource'),
    api === 'search-action' ? '' : [action?.name ?? '', action?.properties ?? {}],
    context ?? {},
  ];
}

export function pageOf(
  tokenKey: Uint8Array,
  identity: QueryIdentity,
  page: WirePage | null | undefined,
  maxLimit: number,
): PageRequest {
  const asked = page?.limit ?? undefined;
  const limit = Math.min(asked ?? maxLimit, maxLimit);
  const position = decodePageToken(tokenKey, identity, page?.token ?? '');
  if (position === undefined) return { limit };
  const [after, limitBefore] = position;
  if (typeof after !== 'string' || typeof limitBefore !== 'number') throw invalidPageToken();
  if (asked !== undefined && limit !== limitBefore) {
    throw invalidRequest('page.limit', 'must stay the same from page to page');
  }
  return { after, limit: Math.min(limitBefore, maxLimit) };
}

export const nextToken = (
  tokenKey: Uint8Array,
  identity: QueryIdentity,
  { next, limit }: { readonly next: string | undefined; readonly limit: number },
): string => (next === undefined ? '' : encodePageToken(tokenKey, identity, [next, limit]));
