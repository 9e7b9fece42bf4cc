import { PembaError } from '../errors.js';
import { asRevision } from '../ids.js';
import type { ModelId, Revision, StoreId } from '../ids.js';
import type { Database, Row, Session, SqlValue } from './database.js';
import { bytesOf, dateOf, revisionOf, textOf } from './rows.js';

export interface Store {
  readonly id: StoreId;
  readonly name: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/**
 * On this channel every commit that changes a store names it, and the revision that it made, if it
 * made one: `01J… 42`.
 */
export const CHANGE_CHANNEL = 'pemba_store_changed';

export interface ChangeNotice {
  readonly storeId: StoreId;
  readonly revision: Revision | undefined;
}

export function readNotice(payload: string): ChangeNotice {
  const [storeId = '', revision] = payload.split(' ');
  return {
    storeId: storeId as StoreId,
    revision: revision === undefined ? undefined : asRevision(Number(revision)),
  };
}

const storeOf = (row: Row): Store => ({
  id: textOf(row, 'store_id') as StoreId,
  name: textOf(row, 'name'),
  createdAt: dateOf(row, 'created_at'),
  updatedAt: dateOf(row, 'updated_at'),
});

export const storeNotFound = (id: string): PembaError =>
  new PembaError('store_not_found', 'Store ID not found', { facts: { store_id: id } });

export async function insertStore(session: Session, store: Store): Promise<void> {
  await session.query(
    `INSERT INTO store (store_id, name, created_at, updated_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (store_id) DO NOTHING`,
    [store.id, store.name, store.createdAt, store.updatedAt],
  );
}

export async function findStore(session: Session, id: StoreId): Promise<Store | undefined> {
  const [row] = await session.query(
    `SELECT store_id, name, created_at, updated_at FROM store
     WHERE store_id = $1 AND deleted_at IS NULL`,
    [id],
  );
  return row && storeOf(row);
}

/** In the order of ids, which is that of creation. */
export async function listStores(
  session: Session,
  page: {
    readonly after: string;
    readonly limit: number;
    readonly name?: string;
    readonly among?: readonly StoreId[];
  },
): Promise<readonly Store[]> {
  const values: SqlValue[] = [page.after, page.limit];
  const filters = ['deleted_at IS NULL', 'store_id > $1'];
  if (page.name !== undefined) filters.push(`name = $${values.push(page.name)}`);
  if (page.among !== undefined) filters.push(`store_id = ANY ($${values.push(page.among)})`);
  const rows = await session.query(
    `SELECT store_id, name, created_at, updated_at FROM store
     WHERE ${filters.join(' AND ')} ORDER BY store_id LIMIT $2`,
    values,
  );
  return rows.map(storeOf);
}

/** What a replica has to keep up with. */
export interface StoreHead {
  readonly revision: Revision;
  readonly newestModel: ModelId | undefined;
  /** What the store's tokens are authenticated with: never changes, and is told nobody. */
  readonly tokenKey: Uint8Array;
}

export const HEAD_COLUMNS = 'store_id, head_revision, newest_model, token_key';

export const headOf = (row: Row): StoreHead => ({
  revision: revisionOf(row, 'head_revision'),
  newestModel: row['newest_model'] === null ? undefined : (textOf(row, 'newest_model') as ModelId),
  tokenKey: bytesOf(row, 'token_key'),
});

/** Of the stores that exist; the deleted and the unknown are missing from the answer. */
export async function storeHeads(
  session: Session,
  ids: readonly StoreId[],
): Promise<ReadonlyMap<StoreId, StoreHead>> {
  const rows = await session.query(
    `SELECT ${HEAD_COLUMNS} FROM store WHERE store_id = ANY($1) AND deleted_at IS NULL`,
    [ids],
  );
  return new Map(rows.map((row) => [textOf(row, 'store_id') as StoreId, headOf(row)]));
}

/**
 * Hides the store at once; `purge.ts` removes its rows later. `record` is done with it, unless there
 * was no such store.
 */
export async function softDeleteStore(
  database: Database,
  id: StoreId,
  now: Date,
  record: (session: Session) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await database.transaction(async (session) => {
    const rows = await session.query(
      `UPDATE store SET deleted_at = $2, updated_at = $2
       WHERE store_id = $1 AND deleted_at IS NULL RETURNING store_id`,
      [id, now],
    );
    if (rows.length > 0) await record(session);
    await session.query(`SELECT pg_notify('${CHANGE_CHANNEL}', $1)`, [id]);
  });
}
