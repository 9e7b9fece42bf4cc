import { asRevision } from '../ids.js';
import type { StoreId } from '../ids.js';
import type { JsonObject } from '../tuple/tuple.js';
import { chained } from './audit-chain.js';
import type { AuditAction, AuditEntry, AuditHead, Deed } from './audit-chain.js';
import type { Row, Session, SqlValue } from './database.js';
import { bytesOf, columnArrays, dateOf, numberOf, textOf } from './rows.js';

/** Adds to a store's chain, inside the transaction of what was done. Nothing if there is no store. */
export async function appendDeeds(
  session: Session,
  storeId: StoreId,
  deeds: readonly Deed[],
  now: Date,
): Promise<void> {
  const [row] = await session.query(
    `SELECT audit_sequence, audit_hash FROM store WHERE store_id = $1 FOR UPDATE`,
    [storeId],
  );
  if (row === undefined) return;
  const entries = chained(storeId, auditHeadOf(row), deeds, now);
  await session.query(insertStatement, [storeId, ...entryColumns(entries)]);
}

export const auditHeadOf = (row: Row): AuditHead => ({
  sequence: numberOf(row, 'audit_sequence'),
  hash: bytesOf(row, 'audit_hash'),
});

const ENTRY_COLUMNS = [
  ...['sequence', 'recorded_at', 'action', 'principal', 'address'],
  ...['request_id', 'revision', 'details', 'hash'],
] as const;

const ENTRY_TYPES = [
  ...['bigint', 'timestamptz', 'text', 'text', 'text', 'text', 'bigint', 'text', 'text'],
] as const;

/** Arrays for `insertedEntries`, one a column. */
export const entryColumns = (entries: readonly AuditEntry[]): SqlValue[] =>
  columnArrays(
    entries.map((entry) => [
      entry.sequence,
      entry.recordedAt.toISOString(),
      entry.action,
      entry.by.principal,
      entry.by.address,
      entry.by.requestId,
      entry.revision ?? null,
      JSON.stringify(entry.details),
      Buffer.from(entry.hash).toString('hex'),
    ]),
    ENTRY_COLUMNS.length,
  );

/**
 * The entries in the arrays from parameter `first` on, into the log of the store that `source`, a
 * table of one row or none, names.
 */
export function insertedEntries(first: number, source: string): string {
  const arrays = ENTRY_TYPES.map((type, i) => `$${first + i}::${type}[]`).join(', ');
  return `INSERT INTO audit_entry (store_id, ${ENTRY_COLUMNS.join(', ')})
    SELECT store_id, sequence, recorded_at, action, principal, address, request_id, revision,
      details::json, decode(hash, 'hex')
    FROM ${source}, unnest(${arrays}) AS entry (${ENTRY_COLUMNS.join(', ')})`;
}

const insertStatement = `
  WITH target AS (SELECT $1 AS store_id),
  added AS (${insertedEntries(2, 'target')} RETURNING sequence, hash)
  UPDATE store SET audit_sequence = added.sequence, audit_hash = added.hash
  FROM (SELECT * FROM added ORDER BY sequence DESC LIMIT 1) AS added
  WHERE store_id = $1`;

/** Undefined when the store does not exist any more; its entries do. */
export async function findAuditHead(
  session: Session,
  storeId: StoreId,
): Promise<AuditHead | undefined> {
  const [row] = await session.query(
    `SELECT audit_sequence, audit_hash FROM store WHERE store_id = $1`,
    [storeId],
  );
  return row && auditHeadOf(row);
}

/** Entries after (or, newest first, before) a sequence. */
export async function readAuditEntries(
  session: Session,
  storeId: StoreId,
  page: { readonly from: number; readonly order: 'oldest' | 'newest'; readonly limit: number },
): Promise<readonly AuditEntry[]> {
  const [comparison, direction] = page.order === 'oldest' ? ['>', 'ASC'] : ['<', 'DESC'];
  const rows = await session.query(
    `SELECT ${ENTRY_COLUMNS.join(', ')} FROM audit_entry
     WHERE store_id = $1 AND sequence ${comparison} $2 ORDER BY sequence ${direction} LIMIT $3`,
    [storeId, page.from, page.limit],
  );
  return rows.map(entryOf);
}

const entryOf = (row: Row): AuditEntry => ({
  sequence: numberOf(row, 'sequence'),
  recordedAt: dateOf(row, 'recorded_at'),
  action: textOf(row, 'action') as AuditAction,
  by: {
    principal: textOf(row, 'principal'),
    address: textOf(row, 'address'),
    requestId: textOf(row, 'request_id'),
  },
  details: row['details'] as JsonObject,
  hash: bytesOf(row, 'hash'),
  ...(row['revision'] !== null && { revision: asRevision(numberOf(row, 'revision')) }),
});
