import type { ModelId, StoreId } from '../ids.js';
import type { Attachments } from '../schema/attachments.js';
import type { Deed } from './audit-chain.js';
import { appendDeeds } from './audit.js';
import type { Database, Row, Session } from './database.js';
import { textOf } from './rows.js';
import { CHANGE_CHANNEL } from './stores.js';

/** `body` is the model as OpenFGA's JSON; see `schema/wire.ts`. */
export interface StoredModel {
  readonly id: ModelId;
  readonly body: unknown;
  readonly attachments: Attachments;
}

/**
 * Undefined when the store does not exist. `make` is given the store's newest model, which stays the
 * newest until the one that it makes is stored; what it throws leaves everything as it was.
 */
export async function insertModel<Made extends StoredModel>(
  database: Database,
  storeId: StoreId,
  make: (newest: StoredModel | undefined) => Made,
  { now, deed }: { readonly now: Date; readonly deed?: Deed | undefined },
): Promise<Made | undefined> {
  return database.transaction(async (session) => {
    const [head] = await session.query(
      `SELECT newest_model FROM store WHERE store_id = $1 AND deleted_at IS NULL FOR UPDATE`,
      [storeId],
    );
    if (head === undefined) return undefined;
    const newestId = head['newest_model'];
    const newest =
      typeof newestId === 'string'
        ? await findModel(session, storeId, newestId as ModelId)
        : undefined;
    const model = make(newest);
    const { id, body, attachments } = model;
    await session.query(
      `INSERT INTO authorization_model (store_id, model_id, body, attachments, created_at)
       VALUES ($1, $2, $3, $4, $5)`,
      [storeId, id, JSON.stringify(body), attachmentsValue(attachments), now],
    );
    await session.query(
      `UPDATE store SET newest_model = greatest(newest_model, $2) WHERE store_id = $1`,
      [storeId, id],
    );
    await session.query(`SELECT pg_notify('${CHANGE_CHANNEL}', $1)`, [storeId]);
    if (deed !== undefined) {
      const details = { ...deed.details, model_id: id };
      await appendDeeds(session, storeId, [{ ...deed, details }], now);
    }
    return model;
  });
}

export function attachmentsValue(attachments: Attachments): string | null {
  const text = JSON.stringify(attachments);
  return text === '{}' ? null : text;
}

const modelOf = (row: Row): StoredModel => ({
  id: textOf(row, 'model_id') as ModelId,
  body: row['body'],
  // Written by `insertModel` as JSON of Attachments.
  attachments: row['attachments'] ?? {},
});

const LIVE = `EXISTS (SELECT FROM store s
  WHERE s.store_id = authorization_model.store_id AND s.deleted_at IS NULL)`;

export async function findModel(
  session: Session,
  storeId: StoreId,
  modelId: ModelId,
): Promise<StoredModel | undefined> {
  const [row] = await session.query(
    `SELECT model_id, body, attachments FROM authorization_model
     WHERE store_id = $1 AND model_id = $2 AND ${LIVE}`,
    [storeId, modelId],
  );
  return row && modelOf(row);
}

/** Newest first; clients rely on the order. */
export async function listModels(
  session: Session,
  storeId: StoreId,
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<readonly StoredModel[]> {
  const rows = await session.query(
    `SELECT model_id, body, attachments FROM authorization_model
     WHERE store_id = $1 ${page.before === undefined ? '' : 'AND model_id < $3'}
     ORDER BY model_id DESC LIMIT $2`,
    [storeId, page.limit, ...(page.before === undefined ? [] : [page.before])],
  );
  return rows.map(modelOf);
}
