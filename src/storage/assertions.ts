import type { ModelId, StoreId } from '../ids.js';
import type { Session } from './database.js';

/** Replaces all of a model's assertions. `body` is OpenFGA's JSON for them. */
export async function replaceAssertions(
  session: Session,
  storeId: StoreId,
  modelId: ModelId,
  body: unknown,
): Promise<void> {
  await session.query(
    `INSERT INTO assertion (store_id, model_id, body) VALUES ($1, $2, $3)
     ON CONFLICT (store_id, model_id) DO UPDATE SET body = excluded.body`,
    [storeId, modelId, JSON.stringify(body)],
  );
}

/** Undefined when none were ever written. */
export async function findAssertions(
  session: Session,
  storeId: StoreId,
  modelId: ModelId,
): Promise<unknown> {
  const [row] = await session.query(
    `SELECT body FROM assertion WHERE store_id = $1 AND model_id = $2`,
    [storeId, modelId],
  );
  return row?.['body'];
}
