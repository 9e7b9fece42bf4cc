/**
 * Deletes every tuple that matches a filter, a batch a transaction. One call does a bounded number
 * of batches and hands a token when there is more: a client that breaks off goes on from there, or
 * starts again without harm.
 */
import { invalidRequest } from '../errors.js';
import type { StoreId } from '../ids.js';
import { ConsistencyTokens } from '../replica/consistency-tokens.js';
import type { Deed } from '../storage/audit-chain.js';
import { readTuples } from '../storage/read-tuples.js';
import { isEmptyFilter } from '../tuple/filter.js';
import type { TupleFilter } from '../tuple/filter.js';
import type { TupleKey } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';
import { filterIdentity, keyPosition, keyToken } from './read.js';
import { submit } from './write.js';

/** Keeps a call well under a client's usual timeout. */
const BATCHES_PER_CALL = 10;

export interface DeleteByFilterRequest {
  readonly storeId: StoreId;
  readonly filter: TupleFilter;
  /** Counts and deletes nothing. */
  readonly dryRun: boolean;
  readonly continuationToken: string;
  readonly deed?: Deed;
}

export interface Deletion {
  /** Tuples that matched in this call; they are gone unless it was a dry run. */
  readonly matched: number;
  /** '' when the filter has been worked through. */
  readonly continuationToken: string;
  readonly consistencyToken: string;
}

export async function deleteByFilter(
  engine: Engine,
  request: DeleteByFilterRequest,
): Promise<Deletion> {
  const { storeId, filter, dryRun } = request;
  if (isEmptyFilter(filter)) {
    throw invalidRequest('filter', 'name at least one of user, relation and object');
  }
  const identity = filterIdentity('delete-by-filter', storeId, filter);
  const head = await headOfStore(engine, storeId);
  const tokens = new ConsistencyTokens(storeId, head.tokenKey);
  let after = keyPosition(head.tokenKey, identity, request.continuationToken);
  let { revision } = head;
  let matched = 0;
  for (let batch = 0; batch < BATCHES_PER_CALL; batch++) {
    const keys = await matching(engine, storeId, filter, after);
    if (keys.length > 0 && !dryRun) {
      revision = await submit(engine, storeId, {
        deletes: keys,
        writes: [],
        onMissing: 'ignore',
        onDuplicate: 'error',
        ...(request.deed !== undefined && { deed: request.deed }),
      });
    }
    matched += keys.length;
    after = keys.at(-1);
    if (after === undefined || keys.length < engine.config.batchSize) {
      return { matched, continuationToken: '', consistencyToken: tokens.of(revision) };
    }
  }
  const continuationToken = after === undefined ? '' : keyToken(head.tokenKey, identity, after);
  return { matched, continuationToken, consistencyToken: tokens.of(revision) };
}

async function matching(
  engine: Engine,
  storeId: StoreId,
  filter: TupleFilter,
  after: TupleKey | undefined,
): Promise<readonly TupleKey[]> {
  const found = await readTuples(engine.database, storeId, {
    filter,
    limit: engine.config.batchSize,
    now: new Date(engine.clock.now()),
    ...(after && { after }),
  });
  return found.map(({ tuple }) => tuple);
}
