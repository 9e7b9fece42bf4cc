import type { Revision, StoreId } from '../ids.js';
import type { JsonObject, ObjectRef } from '../tuple/tuple.js';
import type { Session } from './database.js';
import { bytesOf, revisionOf } from './rows.js';
import { storeNotFound } from './stores.js';

/** What is stored of one entity, and as of which head. */
export interface StoredAttributes {
  readonly revision: Revision;
  /** What the store's tokens are authenticated with. */
  readonly tokenKey: Uint8Array;
  readonly attributes: JsonObject | undefined;
}

/** Throws `store_not_found`. */
export async function findAttributes(
  session: Session,
  storeId: StoreId,
  { type, id }: ObjectRef,
): Promise<StoredAttributes> {
  const [row] = await session.query(
    `SELECT head_revision, token_key, (
       SELECT attributes FROM entity_attributes
       WHERE store_id = $1 AND object_type = $2 AND object_id = $3
     ) AS attributes
     FROM store WHERE store_id = $1 AND deleted_at IS NULL`,
    [storeId, type, id],
  );
  if (row === undefined) throw storeNotFound(storeId);
  return {
    revision: revisionOf(row, 'head_revision'),
    tokenKey: bytesOf(row, 'token_key'),
    // Written as JSON of a JsonObject.
    attributes: (row['attributes'] ?? undefined) as JsonObject | undefined,
  };
}
