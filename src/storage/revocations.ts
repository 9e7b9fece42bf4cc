import type { StoreId } from '../ids.js';
import type { Row, Session } from './database.js';
import { columnArrays, dateOf, numberOf, textOf } from './rows.js';

export interface NewRevocation {
  readonly kind: string;
  readonly value: string;
  /** Seconds since 1970, as the tokens have it. */
  readonly notBefore: number;
  /** Seconds since 1970; then it concerns nothing any more. */
  readonly expiresAt: number;
}

export interface StoredRevocation extends NewRevocation {
  readonly id: number;
}

/** In the order given, each with an id greater than all before it, without a gap. */
export async function insertRevocations(
  session: Session,
  storeId: StoreId,
  revocations: readonly NewRevocation[],
): Promise<void> {
  const columns = columnArrays(
    revocations.map(({ kind, value, notBefore, expiresAt }) => [
      kind,
      value,
      notBefore,
      new Date(expiresAt * 1000).toISOString(),
    ]),
    4,
  );
  await session.query(
    `WITH head AS (
       INSERT INTO revocation_head AS known (store_id, last_id) VALUES ($1, $2)
       ON CONFLICT (store_id) DO UPDATE SET last_id = known.last_id + excluded.last_id
       RETURNING last_id)
     INSERT INTO revocation (store_id, id, kind, value, not_before, expires_at)
     SELECT $1, last_id - $2 + ordinal, kind, value, not_before, expires_at
     FROM head, unnest($3::text[], $4::text[], $5::bigint[], $6::timestamptz[])
       WITH ORDINALITY AS new (kind, value, not_before, expires_at, ordinal)`,
    [storeId, revocations.length, ...columns],
  );
}

/** After an id, in their order, those that still concern something. */
export async function readRevocations(
  session: Session,
  storeId: StoreId,
  page: { readonly after: number; readonly now: Date; readonly limit: number },
): Promise<readonly StoredRevocation[]> {
  const rows = await session.query(
    `SELECT id, kind, value, not_before, expires_at FROM revocation
     WHERE store_id = $1 AND id > $2 AND expires_at > $3 ORDER BY id LIMIT $4`,
    [storeId, page.after, page.now, page.limit],
  );
  return rows.map(revocationOf);
}

/** The last id that was given, expired or not; 0 where there was none. */
export async function lastRevocationId(session: Session, storeId: StoreId): Promise<number> {
  const [row] = await session.query(`SELECT last_id FROM revocation_head WHERE store_id = $1`, [
    storeId,
  ]);
  return row === undefined ? 0 : numberOf(row, 'last_id');
}

const revocationOf = (row: Row): StoredRevocation => ({
  id: numberOf(row, 'id'),
  kind: textOf(row, 'kind'),
  value: textOf(row, 'value'),
  notBefore: numberOf(row, 'not_before'),
  expiresAt: Math.ceil(dateOf(row, 'expires_at').getTime() / 1000),
});

/** Returns how many are gone. */
export async function deleteExpiredRevocations(
  session: Session,
  now: Date,
  limit: number,
): Promise<number> {
  const rows = await session.query(
    `DELETE FROM revocation WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM revocation WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2))
     RETURNING 1 AS gone`,
    [now, limit],
  );
  return rows.length;
}
