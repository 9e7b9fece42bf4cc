import type { Session } from './database.js';
import { numberOf, textOf } from './rows.js';

/** Each with the column that follows the store in its primary key. */
const TABLES = [
  ['relation_tuple', 'object_type'],
  ['entity_attributes', 'object_type'],
  ['tuple_change', 'revision'],
  ['authorization_model', 'model_id'],
  ['assertion', 'model_id'],
] as const;

/**
 * Removes at most `limit` rows of one store that was deleted before the given time, and the store
 * itself when no row is left. Returns the number of rows, 0 when there is nothing to purge.
 *
 * The rows are taken in the order of the primary key: without one, PostgreSQL may look for them by
 * reading the table from its beginning each time, past all that was removed before.
 */
export async function purgeDeletedStore(
  session: Session,
  deletedBefore: Date,
  limit: number,
): Promise<number> {
  const [store] = await session.query(
    `SELECT store_id FROM store WHERE deleted_at <= $1 ORDER BY deleted_at LIMIT 1`,
    [deletedBefore],
  );
  if (store === undefined) return 0;
  const storeId = textOf(store, 'store_id');
  for (const [table, column] of TABLES) {
    const [row] = await session.query(
      `WITH gone AS (
         DELETE FROM ${table} WHERE store_id = $1 AND ctid = ANY (ARRAY(
           SELECT ctid FROM ${table} WHERE store_id = $1 ORDER BY ${column} LIMIT $2))
         RETURNING 1)
       SELECT count(*) AS rows FROM gone`,
      [storeId, limit],
    );
    const rows = row === undefined ? 0 : numberOf(row, 'rows');
    if (rows > 0) return rows;
  }
  await session.query(`DELETE FROM store WHERE store_id = $1 AND deleted_at IS NOT NULL`, [
    storeId,
  ]);
  return 1;
}
