/** The processes that serve. All times are the database's: there are as many clocks as processes. */
import type { ModelId, StoreId } from '../ids.js';
import { LIVE } from './models.js';
import type { Session } from './database.js';
import { numberOf } from './rows.js';

/** The process is there, and has compiled so many models. Returns how many there are. */
export async function beat(session: Session, id: string, modelsSeen: number): Promise<number> {
  const [row] = await session.query(
    `WITH beat AS (
       INSERT INTO server_process (process_id, started_at, seen_at, models_seen)
       VALUES ($1, now(), now(), $2)
       ON CONFLICT (process_id) DO UPDATE SET seen_at = now(), models_seen = excluded.models_seen)
     SELECT last FROM model_number`,
    [id, modelsSeen],
  );
  return row === undefined ? 0 : numberOf(row, 'last');
}

export async function removeProcess(session: Session, id: string): Promise<void> {
  await session.query('DELETE FROM server_process WHERE process_id = $1', [id]);
}

/** Those that ended without a word. */
export async function forgetProcesses(session: Session, silentMs: number): Promise<void> {
  await session.query(
    `DELETE FROM server_process WHERE seen_at <= now() - $1 * interval '1 millisecond'`,
    [silentMs],
  );
}

export interface ProcessCount {
  readonly processes: number;
  /** Those that have compiled the model. */
  readonly ready: number;
}

/** Undefined when there is no such model. */
export async function countProcesses(
  session: Session,
  storeId: StoreId,
  modelId: ModelId,
  silentMs: number,
): Promise<ProcessCount | undefined> {
  const [row] = await session.query(
    `SELECT count(process_id) AS processes,
       count(process_id) FILTER (WHERE models_seen >= coalesce(number, 0)) AS ready
     FROM authorization_model
       LEFT JOIN server_process ON seen_at > now() - $3 * interval '1 millisecond'
     WHERE store_id = $1 AND model_id = $2 AND ${LIVE} GROUP BY number`,
    [storeId, modelId, silentMs],
  );
  return row && { processes: numberOf(row, 'processes'), ready: numberOf(row, 'ready') };
}
