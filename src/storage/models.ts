import type { ModelId, StoreId } from '../ids.js';
import type { Attachments } from '../schema/attachments.js';
import type { ModelMetadata } from '../schema/model-metadata.js';
import type { Deed } from './audit-chain.js';
import { appendDeeds } from './audit.js';
import type { Database, Row, Session } from './database.js';
import { dateOf, textOf } from './rows.js';
import { CHANGE_CHANNEL, HEAD_COLUMNS, headOf } from './stores.js';
import type { StoreHead } from './stores.js';

/** `body` is the model as OpenFGA's JSON; see `schema/wire.ts`. */
export interface StoredModel {
  readonly id: ModelId;
  readonly body: unknown;
  readonly attachments: Attachments;
  readonly metadata: ModelMetadata;
  readonly createdAt: Date;
}

export type NewModel = Omit<StoredModel, 'createdAt'>;

/** What a model is written on; both stay as they are until it is stored. */
export interface ModelGround {
  readonly newest: StoredModel | undefined;
  readonly head: StoreHead;
}

/**
 * Undefined when the store does not exist. `make` is given the store's newest model, which stays the
 * newest until the one that it makes is stored, and its head, which no write moves meanwhile; what it
 * throws leaves everything as it was.
 */
export async function insertModel<Made extends NewModel>(
  database: Database,
  storeId: StoreId,
  make: (ground: ModelGround) => Made,
  { now, deed }: { readonly now: Date; readonly deed?: Deed | undefined },
): Promise<Made | undefined> {
  return database.transaction(async (session) => {
    const [row] = await session.query(
      `SELECT ${HEAD_COLUMNS} FROM store WHERE store_id = $1 AND deleted_at IS NULL FOR UPDATE`,
      [storeId],
    );
    if (row === undefined) return undefined;
    const head = headOf(row);
    const newest = head.newestModel && (await findModel(session, storeId, head.newestModel));
    const model = make({ newest, head });
    const { id, body, attachments, metadata } = model;
    await session.query(
      `INSERT INTO authorization_model (store_id, model_id, body, attachments, metadata, created_at)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      [storeId, id, JSON.stringify(body), jsonOrNull(attachments), jsonOrNull(metadata), now],
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

export function jsonOrNull(members: Attachments | ModelMetadata): string | null {
  const text = JSON.stringify(members);
  return text === '{}' ? null : text;
}

const modelOf = (row: Row): StoredModel => ({
  id: textOf(row, 'model_id') as ModelId,
  body: row['body'],
  // Written by `insertModel` as JSON of what they are.
  attachments: row['attachments'] ?? {},
  metadata: row['metadata'] ?? {},
  createdAt: dateOf(row, 'created_at'),
});

const COLUMNS = 'model_id, body, attachments, metadata, created_at';

const LIVE = `EXISTS (SELECT FROM store s
  WHERE s.store_id = authorization_model.store_id AND s.deleted_at IS NULL)`;

export async function findModel(
  session: Session,
  storeId: StoreId,
  modelId: ModelId,
): Promise<StoredModel | undefined> {
  const [row] = await session.query(
    `SELECT ${COLUMNS} FROM authorization_model
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
    `SELECT ${COLUMNS} FROM authorization_model
     WHERE store_id = $1 ${page.before === undefined ? '' : 'AND model_id < $3'}
     ORDER BY model_id DESC LIMIT $2`,
    [storeId, page.limit, ...(page.before === undefined ? [] : [page.before])],
  );
  return rows.map(modelOf);
}
