import type { StoreId } from '../ids.js';
import { ConsistencyTokens } from '../replica/consistency-tokens.js';
import { readTuples } from '../storage/read-tuples.js';
import type { StoredTuple } from '../storage/read-tuples.js';
import { headOfStore } from './head.js';
import type { TupleFilter } from '../tuple/filter.js';
import { formatTupleKey, parseTupleKey } from '../tuple/tuple.js';
import type { TupleKey } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { decodePageToken, encodePageToken, invalidPageToken, pageSize } from './page-token.js';
import type { QueryIdentity } from './page-token.js';

export interface ReadRequest {
  readonly storeId: StoreId;
  readonly filter: TupleFilter;
  readonly pageSize?: number;
  readonly continuationToken: string;
}

export interface TupleList {
  readonly tuples: readonly StoredTuple[];
  readonly continuationToken: string;
  /** The tuples are at least as fresh as this. */
  readonly consistencyToken: string;
}

/** Stored tuples, straight from the database, in an order that holds across pages. */
export async function read(engine: Engine, request: ReadRequest): Promise<TupleList> {
  const { storeId, filter } = request;
  const identity = filterIdentity('read', storeId, filter);
  const limit = pageSize(request.pageSize, engine.config.maxPageSize);
  const { revision, tokenKey } = await headOfStore(engine, storeId);
  const after = keyPosition(tokenKey, identity, request.continuationToken);
  const found = await readTuples(engine.database, storeId, {
    filter,
    limit: limit + 1,
    now: new Date(engine.clock.now()),
    ...(after && { after }),
  });
  const tuples = found.slice(0, limit);
  const last = tuples.at(-1);
  return {
    tuples,
    consistencyToken: new ConsistencyTokens(storeId, tokenKey).of(revision),
    continuationToken:
      found.length > limit && last !== undefined ? keyToken(tokenKey, identity, last.tuple) : '',
  };
}

export const filterIdentity = (
  endpoint: string,
  storeId: StoreId,
  filter: TupleFilter,
): QueryIdentity => [
  endpoint,
  storeId,
  filter.objectType ?? null,
  filter.objectId ?? null,
  filter.relation ?? null,
  filter.subjectType ?? null,
  filter.subjectId ?? null,
  filter.subjectRelation ?? null,
];

export const keyToken = (tokenKey: Uint8Array, identity: QueryIdentity, key: TupleKey): string =>
  encodePageToken(tokenKey, identity, [formatTupleKey(key)]);

export function keyPosition(
  tokenKey: Uint8Array,
  identity: QueryIdentity,
  token: string,
): TupleKey | undefined {
  const position = decodePageToken(tokenKey, identity, token);
  if (position === undefined) return undefined;
  const key = parseTupleKey(String(position[0]));
  if (key === undefined) throw invalidPageToken();
  return key;
}
