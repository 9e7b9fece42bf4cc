/**
 * What of a chunk is stored already. Each key is looked up by itself: as a plain join, PostgreSQL may
 * read all tuples instead. Keys go there and back as one text, a line each.
 */
import type pg from 'pg';
import type { StoreId } from '../ids.js';
import type { ChunkRows } from './chunk-rows.js';
import type { Row } from './database.js';
import { KEY_COLUMNS, textOf } from './rows.js';
import type { KeyColumn } from './rows.js';

export interface StoredKeys {
  readonly tuples: ReadonlySet<string>;
  readonly entities: ReadonlySet<string>;
  /** Of tuples that are stored and count as not being so, which have to go before they are written. */
  readonly expired: readonly string[];
}

export const NOTHING_STORED: StoredKeys = { tuples: new Set(), entities: new Set(), expired: [] };

export async function storedKeys(
  client: pg.ClientBase,
  storeId: StoreId,
  { tuples, entities }: ChunkRows,
  now: Date,
): Promise<StoredKeys> {
  const keys = tuples.map(({ key }) => key);
  const found = await client.query<Row>(findTuples, [storeId, keys.join('\n'), now]);
  const expired = found.rows.filter((row) => row['is_expired'] === true);
  const counted = found.rows.filter((row) => row['is_expired'] !== true);
  const entityKeys = entities.map(({ key }) => key);
  const foundEntities =
    entities.length === 0
      ? []
      : (await client.query<Row>(findEntities, [storeId, entityKeys.join('\n')])).rows;
  const keyOf = (row: Row): string => textOf(row, 'key');
  return {
    tuples: new Set(counted.map(keyOf)),
    entities: new Set(foundEntities.map(keyOf)),
    expired: expired.map(keyOf),
  };
}

/** Those of them that are still expired. */
export async function deleteExpired(
  client: pg.ClientBase,
  storeId: StoreId,
  keys: readonly string[],
  now: Date,
): Promise<void> {
  if (keys.length > 0) await client.query(deleteTuples, [storeId, keys.join('\n'), now]);
}

const KEYS = `unnest(string_to_array($2::text, E'\\n')) AS key`;

const isKeyOf = (alias: string, columns: readonly KeyColumn[]): string =>
  columns.map((column, i) => `AND ${alias}.${column} = split_part(key, ' ', ${i + 1})`).join(' ');

const lookedUp = (column: string): string => `${KEYS} CROSS JOIN LATERAL (
    SELECT ${column} FROM relation_tuple t
    WHERE t.store_id = $1 ${isKeyOf('t', KEY_COLUMNS)} LIMIT 1) AS stored`;

const findTuples = `
  SELECT key, coalesce(stored.expires_at <= $3, false) AS is_expired
  FROM ${lookedUp('t.expires_at')}`;

const findEntities = `
  SELECT key FROM ${KEYS} CROSS JOIN LATERAL (
    SELECT FROM entity_attributes a
    WHERE a.store_id = $1 ${isKeyOf('a', ['object_type', 'object_id'])} LIMIT 1) AS stored`;

const deleteTuples = `
  DELETE FROM relation_tuple WHERE store_id = $1 AND expires_at <= $3
    AND ctid = ANY (ARRAY(SELECT stored.ctid FROM ${lookedUp('t.ctid')}))`;
