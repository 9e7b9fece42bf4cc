import type { ModelId, StoreId } from '../ids.js';
import type { Database, Session } from './database.js';
import { textOf } from './rows.js';
import { CHANGE_CHANNEL } from './stores.js';

/** `body` is the model as OpenFGA's JSON; see `schema/wire.ts`. */
export interface StoredModel {
  readonly id: ModelId;
  readonly body: unknown;
}

/** False when the store does not exist. */
export async function insertModel(
  database: Database,
  storeId: StoreId,
  model: StoredModel,
  now: Date,
): Promise<boolean> {
  return database.transaction(async (session) => {
    const rows = await session.query(
      `UPDATE store SET newest_model = greatest(newest_model, $2)
       WHERE store_id = $1 AND deleted_at IS NULL RETURNING store_id`,
      [storeId, model.id],
    );
    if (rows.length === 0) return false;
    await session.query(
      `INSERT INTO authorization_model (store_id, model_id, body, created_at)
       VALUES ($1, $2, $3, $4)`,
      [storeId, model.id, JSON.stringify(model.body), now],
    );
    await session.query(`SELECT pg_notify('${CHANGE_CHANNEL}', $1)`, [storeId]);
    return true;
  });
}

const LIVE = `EXISTS (SELECT FROM store s
  WHERE s.store_id = authorization_model.store_id AND s.deleted_at IS NULL)`;

export async function findModel(
  session: Session,
  storeId: StoreId,
  modelId: ModelId,
): Promise<StoredModel | undefined> {
  const [row] = await session.query(
    `SELECT model_id, body FROM authorization_model
     WHERE store_id = $1 AND model_id = $2 AND ${LIVE}`,
    [storeId, modelId],
  );
  return row && { id: textOf(row, 'model_id') as ModelId, body: row['body'] };
}

/** Newest first; clients rely on the order. */
export async function listModels(
  session: Session,
  storeId: StoreId,
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<readonly StoredModel[]> {
  const rows = await session.query(
    `SELECT model_id, body FROM authorization_model
     WHERE store_id = $1 ${page.before === undefined ? '' : 'AND model_id < $3'}
     ORDER BY model_id DESC LIMIT $2`,
    [storeId, page.limit, ...(page.before === undefined ? [] : [page.before])],
  );
  return rows.map((row) => ({ id: textOf(row, 'model_id') as ModelId, body: row['body'] }));
}
