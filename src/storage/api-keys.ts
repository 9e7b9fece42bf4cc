import type { KeyId } from '../ids.js';
import type { Row, Session } from './database.js';
import { bytesOf, dateOf, textOf } from './rows.js';

export interface ApiKeyRecord {
  readonly id: KeyId;
  readonly label: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

/** What a secret is held against. */
export interface KeyProof {
  readonly salt: Uint8Array;
  readonly proof: Uint8Array;
}

const COLUMNS = 'key_id, label, created_by, created_at, expires_at, revoked_at';

const optionalDateOf = (row: Row, column: string): Date | undefined =>
  row[column] === null ? undefined : dateOf(row, column);

const recordOf = (row: Row): ApiKeyRecord => ({
  id: textOf(row, 'key_id') as KeyId,
  label: textOf(row, 'label'),
  createdBy: textOf(row, 'created_by'),
  createdAt: dateOf(row, 'created_at'),
  expiresAt: optionalDateOf(row, 'expires_at'),
  revokedAt: optionalDateOf(row, 'revoked_at'),
});

export async function insertApiKey(
  session: Session,
  key: Omit<ApiKeyRecord, 'revokedAt'>,
  { salt, proof }: KeyProof,
): Promise<void> {
  await session.query(
    `INSERT INTO api_key (key_id, label, salt, proof, created_by, created_at, expires_at)
     VALUES ($1, $2, decode($3, 'hex'), decode($4, 'hex'), $5, $6, $7)`,
    [
      key.id,
      key.label,
      Buffer.from(salt).toString('hex'),
      Buffer.from(proof).toString('hex'),
      key.createdBy,
      key.createdAt,
      key.expiresAt ?? null,
    ],
  );
}

export async function findKeyProof(
  session: Session,
  id: KeyId,
): Promise<(KeyProof & { readonly label: string }) | undefined> {
  const [row] = await session.query(`SELECT label, salt, proof FROM api_key WHERE key_id = $1`, [
    id,
  ]);
  return (
    row && {
      label: textOf(row, 'label'),
      salt: bytesOf(row, 'salt'),
      proof: bytesOf(row, 'proof'),
    }
  );
}

export async function findApiKey(session: Session, id: KeyId): Promise<ApiKeyRecord | undefined> {
  const [row] = await session.query(`SELECT ${COLUMNS} FROM api_key WHERE key_id = $1`, [id]);
  return row && recordOf(row);
}

/** In the order of ids, which is that of creation; of one creator, or of all. */
export async function listApiKeys(
  session: Session,
  page: { readonly after: string; readonly limit: number; readonly createdBy?: string },
): Promise<readonly ApiKeyRecord[]> {
  const rows = await session.query(
    `SELECT ${COLUMNS} FROM api_key
     WHERE key_id > $1 ${page.createdBy === undefined ? '' : 'AND created_by = $3'}
     ORDER BY key_id LIMIT $2`,
    [page.after, page.limit, ...(page.createdBy === undefined ? [] : [page.createdBy])],
  );
  return rows.map(recordOf);
}

/** The first time counts. */
export async function markRevoked(session: Session, id: KeyId, now: Date): Promise<void> {
  await session.query(
    `UPDATE api_key SET revoked_at = coalesce(revoked_at, $2) WHERE key_id = $1`,
    [id, now],
  );
}
