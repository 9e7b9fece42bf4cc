/**
 * How fresh an answer has to be. A consistency token names a store and a revision of it; as the
 * revision is data of the store, a token outlives a dump and a restore.
 */
import { PembaError } from '../errors.js';
import { asRevision, isUlid } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import type { StoreReplica } from '../replica/store-replica.js';
import type { Engine } from './engine.js';

export type Consistency =
  | { readonly kind: 'minimize_latency' }
  | { readonly kind: 'at_least'; readonly token: string }
  | { readonly kind: 'head' };

export const encodeConsistencyToken = (storeId: StoreId, revision: Revision): string =>
  Buffer.from(`1.${storeId}.${revision}`, 'latin1').toString('base64url');

/** Throws `invalid_consistency_token` also for a token of another store. */
export function decodeConsistencyToken(storeId: StoreId, token: string): Revision {
  const text = Buffer.from(token, 'base64url').toString('latin1');
  const [version, store, revision, ...rest] = text.split('.');
  const isToken =
    version === '1' &&
    store !== undefined &&
    isUlid(store) &&
    revision !== undefined &&
    /^(0|[1-9]\d{0,14})$/.test(revision) &&
    rest.length === 0 &&
    Buffer.from(text, 'latin1').toString('base64url') === token;
  if (!isToken) throw invalidToken('it is not one');
  if (store !== storeId) throw invalidToken('it belongs to another store');
  return asRevision(Number(revision));
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
      return replica.revision >= decodeConsistencyToken(replica.storeId, consistency.token);
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
