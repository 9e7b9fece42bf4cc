/**
 * Many tuples in one row of the log, a line each:
 *
 *   document:1#viewer@user:anne
 *   document:1#viewer@user:bob
 *
 * A row of its own costs PostgreSQL 2 µs and 250 bytes a tuple, a line 0.8 µs and some ten to fifty
 * bytes, as it compresses what repeats. So an import logs by batches whatever is nothing but its key:
 * neighbours in the order of keys with objects of one type, because that is what the log is asked
 * for. The row has the ordinal of the last, so that who goes on behind some position finds the batch
 * that the position lies in.
 */
import { formatTupleKey, parseTupleKey } from '../tuple/tuple.js';
import type { RelationTuple, TupleKey } from '../tuple/tuple.js';

/** Some 20 kB, which PostgreSQL unpacks whole for whoever wants one of them. */
const TUPLES_PER_BATCH = 200;

const isOnlyKey = ({ condition, expiresAt }: RelationTuple): boolean =>
  condition === undefined && expiresAt === undefined;

/** The lengths of the runs of tuples that make a row each, in order; 1 where it is no batch. */
export function batchLengths(tuples: readonly RelationTuple[]): readonly number[] {
  const lengths: number[] = [];
  for (let start = 0; start < tuples.length; start += lengths.at(-1) ?? 0) {
    lengths.push(batchLengthAt(tuples, start));
  }
  return lengths;
}

function batchLengthAt(tuples: readonly RelationTuple[], start: number): number {
  const first = tuples[start];
  if (first === undefined || !isOnlyKey(first)) return 1;
  let end = start + 1;
  for (; end < tuples.length && end - start < TUPLES_PER_BATCH; end++) {
    const tuple = tuples[end];
    if (tuple === undefined || !isOnlyKey(tuple)) break;
    if (tuple.object.type !== first.object.type) break;
  }
  return end - start;
}

export const formatBatch = (tuples: readonly TupleKey[]): string =>
  tuples.map(formatTupleKey).join('\n');

export function parseBatch(batch: string): readonly TupleKey[] {
  return batch.split('\n').map((line) => {
    const key = parseTupleKey(line);
    if (key === undefined) throw new TypeError('a batch of the log holds a line that is no tuple');
    return key;
  });
}
