/**
 * The bulk path: a chunk of tuples goes by COPY into a temporary table, and from there, in one
 * transaction, into the tuples and the change log as one revision. A tuple that is stored already
 * stays as it is and is not logged, so a chunk can be sent again without harm. One that has expired
 * counts as not stored.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import type { RelationTuple } from '../tuple/tuple.js';
import { formatCopyLine } from './copy-text.js';
import type { Database, Row } from './database.js';
import { KEY_COLUMNS, TUPLE_COLUMNS, numberOf, revisionOf, tupleValues } from './rows.js';
import { CHANGE_CHANNEL, storeNotFound } from './stores.js';

export interface ImportedChunk {
  /** Of the chunk, or the head if all of it was stored already. */
  readonly revision: Revision;
  /** Tuples that were not stored before. */
  readonly written: number;
}

export async function importChunk(
  database: Database,
  storeId: StoreId,
  tuples: readonly RelationTuple[],
  now: Date,
): Promise<ImportedChunk> {
  return database.withClient(async (client) => {
    await client.query(createStaging);
    await client.query('BEGIN');
    try {
      // Outside the lock: another chunk of the store may be written meanwhile.
      await pipeline(
        Readable.from(linesOf(tuples), { objectMode: false }),
        client.query(copyFrom(`COPY import_chunk (${TUPLE_COLUMNS.join(', ')}) FROM STDIN`)),
      );
      const imported = await moveChunk(client, storeId, now);
      await client.query('COMMIT');
      return imported;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    }
  });
}

async function moveChunk(
  client: pg.ClientBase,
  storeId: StoreId,
  now: Date,
): Promise<ImportedChunk> {
  const locked = await client.query<Row>(
    `SELECT head_revision FROM store WHERE store_id = $1 AND deleted_at IS NULL FOR UPDATE`,
    [storeId],
  );
  const [store] = locked.rows;
  if (store === undefined) throw storeNotFound(storeId);
  const head = revisionOf(store, 'head_revision');
  const revision = asRevision(head + 1);
  const moved = await client.query<Row>(moveStatement, [storeId, revision, now]);
  const [counted] = moved.rows;
  const written = counted === undefined ? 0 : numberOf(counted, 'written');
  if (written === 0) return { revision: head, written };
  await client.query(`UPDATE store SET head_revision = $2 WHERE store_id = $1`, [
    storeId,
    revision,
  ]);
  await client.query(`SELECT pg_notify('${CHANGE_CHANNEL}', $1)`, [storeId]);
  return { revision, written };
}

/** Lines together make chunks of some kilobytes. */
const LINES_PER_PIECE = 200;

function* linesOf(tuples: readonly RelationTuple[]): Generator<string> {
  for (let i = 0; i < tuples.length; i += LINES_PER_PIECE) {
    const piece = tuples.slice(i, i + LINES_PER_PIECE);
    yield piece.map((tuple) => formatCopyLine(tupleValues(tuple))).join('');
  }
}

const createStaging = `
  CREATE TEMPORARY TABLE IF NOT EXISTS import_chunk (
    ${KEY_COLUMNS.map((column) => `${column} text COLLATE "C" NOT NULL`).join(', ')},
    condition_name text COLLATE "C", condition_context jsonb, expires_at timestamptz
  ) ON COMMIT DELETE ROWS`;

/**
 * Sorted by key, the rows go into the indexes side by side, and what comes twice goes in once. LOG
 * TIME NEVER RUNS BACKWARDS.
 */
export const moveStatement = `
  WITH moment AS (
    SELECT greatest($3::timestamptz, max(changed_at)) AS saved_at
    FROM tuple_change WHERE store_id = $1
  ), stored AS (
    INSERT INTO relation_tuple (store_id, ${TUPLE_COLUMNS.join(', ')}, written_at)
    SELECT DISTINCT ON (${KEY_COLUMNS.join(', ')}) $1, ${TUPLE_COLUMNS.join(', ')}, saved_at
    FROM moment, import_chunk
    ORDER BY ${KEY_COLUMNS.join(', ')}
    ON CONFLICT (store_id, ${KEY_COLUMNS.join(', ')}) DO UPDATE SET
      condition_name = excluded.condition_name, condition_context = excluded.condition_context,
      expires_at = excluded.expires_at, written_at = excluded.written_at
      WHERE relation_tuple.expires_at <= $3
    RETURNING ${TUPLE_COLUMNS.join(', ')}
  ), logged AS (
    INSERT INTO tuple_change
      (store_id, revision, ordinal, operation, ${TUPLE_COLUMNS.join(', ')}, changed_at)
    SELECT $1, $2, row_number() OVER () - 1, 'write', ${TUPLE_COLUMNS.join(', ')}, saved_at
    FROM moment, stored
  )
  SELECT count(*) AS written FROM stored`;
