import type { StoreId } from '../ids.js';
import type { RelationTuple } from '../tuple/tuple.js';
import type { Database } from './database.js';
import { TUPLE_COLUMNS, tupleOf } from './rows.js';
import { HEAD_COLUMNS, headOf } from './stores.js';
import type { StoreHead } from './stores.js';

/** Rows fetched at once: some hundred kilobytes, so that loading never stalls queries for long. */
const ROWS_PER_FETCH = 2000;

/**
 * Gives every tuple of the store as of one head, which it returns; undefined when there is no such
 * store. `begin` is called first, with that head.
 */
export async function readSnapshot(
  database: Database,
  storeId: StoreId,
  receiver: { begin(head: StoreHead): void; tuple(tuple: RelationTuple): void },
): Promise<StoreHead | undefined> {
  return database.transaction(async (session) => {
    const [store] = await session.query(
      `SELECT ${HEAD_COLUMNS} FROM store WHERE store_id = $1 AND deleted_at IS NULL`,
      [storeId],
    );
    if (store === undefined) return undefined;
    const head = headOf(store);
    receiver.begin(head);
    await session.query(
      `DECLARE snapshot NO SCROLL CURSOR FOR
       SELECT ${TUPLE_COLUMNS.join(', ')} FROM relation_tuple WHERE store_id = $1`,
      [storeId],
    );
    for (;;) {
      const rows = await session.query(`FETCH ${ROWS_PER_FETCH} FROM snapshot`);
      for (const row of rows) receiver.tuple(tupleOf(row));
      if (rows.length < ROWS_PER_FETCH) return head;
    }
  }, 'REPEATABLE READ');
}
