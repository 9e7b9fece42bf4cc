/**
 * Many tuples in one row of the log, the text of a key a line:
 *
 *   document 1 viewer user anne
 *   document 1 viewer group eng member
 *
 * A row of its own costs PostgreSQL 2 µs and 250 bytes a tuple, a line 0.8 µs and some ten to fifty
 * bytes, as it compresses what repeats. So an import logs by batches whatever is nothing but its key:
 * neighbours in the order of keys with objects of one type, because that is what the log is asked
 * for. The row has the ordinal of the last, so that who goes on behind some position finds the batch
 * that the position lies in.
 */
import type { TupleKey } from '../tuple/tuple.js';
import type { TupleRow } from './chunk-rows.js';
import { keyOfText } from './rows.js';

/** Some 20 kB, which PostgreSQL unpacks whole for whoever wants one of them. */
const TUPLES_PER_BATCH = 200;

/** What makes a row of the log: a batch where there is more than one. */
export interface LogRun {
  readonly rows: readonly TupleRow[];
  /** Of its last. */
  readonly ordinal: number;
}

export function* runsOf(rows: readonly TupleRow[]): Generator<LogRun, void, undefined> {
  for (let start = 0; start < rows.length;) {
    const end = endOfRun(rows, start);
    yield { rows: rows.slice(start, end), ordinal: end - 1 };
    start = end;
  }
}

function endOfRun(rows: readonly TupleRow[], start: number): number {
  const first = rows[start];
  if (first === undefined || first.tuple !== undefined) return start + 1;
  const type = first.key.slice(0, first.key.indexOf(' ') + 1);
  const limit = Math.min(rows.length, start + TUPLES_PER_BATCH);
  let end = start + 1;
  for (; end < limit; end++) {
    const row = rows[end];
    if (row === undefined || row.tuple !== undefined || !row.key.startsWith(type)) break;
  }
  return end;
}

export const parseBatch = (batch: string): readonly TupleKey[] => batch.split('\n').map(keyOfText);
