/**
 * How fresh an answer has to be. A consistency token names a revision of one store; as revisions and
 * the key that tokens are authenticated with are data of the store, a token outlives a dump and a
 * restore.
 */
import { PembaError } from '../errors.js';
import type { Revision } from '../ids.js';
import type { StoreReplica } from '../replica/store-replica.js';
import type { Engine } from './engine.js';

export type Consistency =
  | { readonly kind: 'minimize_latency' }
  | { readonly kind: 'at_least'; readonly token: string }
  | { readonly kind: 'head' };

/** Throws `invalid_consistency_token` for all that this store has not given. */
function revisionOf(replica: StoreReplica, token: string): Revision {
  const revision = replica.tokens.revisionOf(token);
  if (revision === undefined) throw invalidToken('it is none of this store');
  return revision;
}

const invalidToken = (reason: string): PembaError =>
  new PembaError('invalid_consistency_token', `Invalid consistency token: ${reason}`);

/** Whether the query may be answered from the replica as it is now. */
export function isConsistent(replica: StoreReplica, consistency: Consistency): boolean {
  switch (consistency.kind) {
    case 'minimize_latency':
      return true;
    case 'head':
      return false;
    case 'at_least':
      return replica.revision >= revisionOf(replica, consistency.token);
  }
}

/** Brings the replica to where the query may be answered, or throws. */
export async function reachConsistency(
  engine: Engine,
  replica: StoreReplica,
  consistency: Consistency,
): Promise<void> {
  if (isConsistent(replica, consistency)) return;
  await withinTimeout(engine, engine.replicas.reachHead(replica));
  if (consistency.kind === 'at_least' && !isConsistent(replica, consistency)) {
    throw invalidToken('it is from the future of this store');
  }
}

async function withinTimeout(engine: Engine, reached: Promise<void>): Promise<void> {
  const timeoutMs = engine.config.consistencyTimeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new PembaError(
          'consistency_timeout',
          `the wanted revision was not reached within ${timeoutMs} ms`,
          { facts: { timeoutMs } },
        ),
      );
    }, timeoutMs);
  });
  try {
    await Promise.race([reached, late]);
  } finally {
    clearTimeout(timer);
    reached.catch(() => undefined);
  }
}
