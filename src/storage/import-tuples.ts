/**
 * The bulk path: a chunk of tuples becomes one revision. A tuple that is stored already stays as it
 * is and is not logged, so a chunk can be sent again without harm. One that has expired counts as
 * not stored.
 *
 * As a rule none of a chunk is stored yet. Then COPY brings it straight into the tuples and into the
 * log, sorted by key, so that it goes into the indexes side by side. A tuple that is stored makes
 * that fail, and the careful way is taken: by COPY into a temporary table, from which what is stored
 * is taken out first. (The careful way alone takes half as long again for what is new.)
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import type { RelationTuple, TupleChange } from '../tuple/tuple.js';
import type { Deed } from './audit-chain.js';
import { appendDeeds } from './audit.js';
import { formatCopyLine } from './copy-text.js';
import { sessionOn } from './database.js';
import type { Database, Row } from './database.js';
import {
  KEY_COLUMNS,
  TUPLE_COLUMNS,
  asStored,
  dateOf,
  keyValues,
  revisionOf,
  tupleValues,
} from './rows.js';
import { CHANGE_CHANNEL, storeNotFound } from './stores.js';

export interface ImportedChunk {
  /** Of the chunk, or the head if all of it was stored already. */
  readonly revision: Revision;
  /** Tuples that were not stored before. */
  readonly written: number;
  /** What the revision consists of, where that is known without reading it. */
  readonly changes: readonly TupleChange[] | undefined;
}

export interface ChunkOptions {
  /** Some of the chunk are likely to be stored already: the careful way is taken at once. */
  readonly isLikelyStored?: boolean;
  /** Recorded with the chunk, if it changes anything. */
  readonly deed?: Deed;
}

export async function importChunk(
  database: Database,
  storeId: StoreId,
  tuples: readonly RelationTuple[],
  now: Date,
  { isLikelyStored = false, deed }: ChunkOptions = {},
): Promise<ImportedChunk> {
  const rows = sortedRows(tuples);
  if (!isLikelyStored && rows.length > 0) {
    const written = await database.withClient((client) =>
      addNew(client, storeId, { rows, now, deed }),
    );
    if (written !== undefined) return written;
  }
  return database.withClient(async (client) => {
    await client.query(createStaging);
    return inTransaction(client, () => addMissing(client, storeId, { rows, now, deed }));
  });
}

/** A tuple with its line of COPY text, in the order of TUPLE_COLUMNS. */
interface ChunkRow {
  readonly key: string;
  readonly line: string;
  readonly tuple: RelationTuple;
}

interface Chunk {
  readonly rows: readonly ChunkRow[];
  readonly now: Date;
  readonly deed: Deed | undefined;
}

/** In the order of the primary key; of those with the same key the first. */
function sortedRows(tuples: readonly RelationTuple[]): readonly ChunkRow[] {
  const rows = new Map<string, ChunkRow>();
  for (const tuple of tuples) {
    // No name holds a tab, so the order of these is that of the columns.
    const key = keyValues(tuple).join('\t');
    if (!rows.has(key)) rows.set(key, { key, line: formatCopyLine(tupleValues(tuple)), tuple });
  }
  return [...rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function inTransaction<Result>(
  client: pg.ClientBase,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** Undefined, and nothing done, when one of the tuples is stored. */
async function addNew(
  client: pg.ClientBase,
  storeId: StoreId,
  { rows, now, deed }: Chunk,
): Promise<ImportedChunk | undefined> {
  try {
    return await inTransaction(client, async () => {
      const { head, at } = await lock(client, storeId, now);
      const revision = asRevision(head + 1);
      const time = at.toISOString();
      const tupleStart = `${storeId}\t${time}\t`;
      await copyInto(client, copyTuples, rows, ({ line }) => tupleStart + line);
      const logStart = `${tupleStart}${revision}\twrite\t`;
      await copyInto(client, copyLog, rows, ({ line }, i) => `${logStart}${i}\t${line}`);
      await moveHead(client, storeId, revision);
      await record(client, storeId, deed, { revision, written: rows.length, at });
      const changes = rows.map(({ tuple }) => ({
        operation: 'write' as const,
        tuple: asStored(tuple),
      }));
      return { revision, written: rows.length, changes };
    });
  } catch (error) {
    if (Reflect.get(error as object, 'code') === UNIQUE_VIOLATION) return undefined;
    throw error;
  }
}

const UNIQUE_VIOLATION = '23505';

async function addMissing(
  client: pg.ClientBase,
  storeId: StoreId,
  { rows, now, deed }: Chunk,
): Promise<ImportedChunk> {
  await copyInto(client, copyStaging, rows, ({ line }) => line);
  const { head, at } = await lock(client, storeId, now);
  const revision = asRevision(head + 1);
  await client.query(forgetStored, [storeId, now]);
  const logged = await client.query(logStaged, [storeId, at, revision]);
  const written = logged.rowCount ?? 0;
  if (written === 0) return { revision: head, written, changes: [] };
  await client.query(storeStaged, [storeId, at]);
  await moveHead(client, storeId, revision);
  await record(client, storeId, deed, { revision, written, at });
  return { revision, written, changes: undefined };
}

/** The head, and the time of the next revision: LOG TIME NEVER RUNS BACKWARDS. */
async function lock(
  client: pg.ClientBase,
  storeId: StoreId,
  now: Date,
): Promise<{ readonly head: Revision; readonly at: Date }> {
  const locked = await client.query<Row>(
    `SELECT head_revision FROM store WHERE store_id = $1 AND deleted_at IS NULL FOR UPDATE`,
    [storeId],
  );
  const [store] = locked.rows;
  if (store === undefined) throw storeNotFound(storeId);
  // A statement of its own: the one before may see what was there when it began to wait.
  const last = await client.query<Row>(
    `SELECT changed_at FROM tuple_change
     WHERE store_id = $1 ORDER BY revision DESC, ordinal DESC LIMIT 1`,
    [storeId],
  );
  const [entry] = last.rows;
  const changedAt = entry === undefined ? now : dateOf(entry, 'changed_at');
  return { head: revisionOf(store, 'head_revision'), at: changedAt > now ? changedAt : now };
}

async function moveHead(
  client: pg.ClientBase,
  storeId: StoreId,
  revision: Revision,
): Promise<void> {
  await client.query(
    `WITH moved AS (UPDATE store SET head_revision = $2 WHERE store_id = $1)
     SELECT pg_notify('${CHANGE_CHANNEL}', $1 || ' ' || $2::bigint)`,
    [storeId, revision],
  );
}

async function record(
  client: pg.ClientBase,
  storeId: StoreId,
  deed: Deed | undefined,
  { revision, written, at }: Pick<ImportedChunk, 'revision' | 'written'> & { readonly at: Date },
): Promise<void> {
  if (deed === undefined) return;
  const details = { ...deed.details, writes: written };
  await appendDeeds(sessionOn(client), storeId, [{ ...deed, details, revision }], at);
}

/** Lines together make pieces of some kilobytes. */
const LINES_PER_PIECE = 500;

async function copyInto(
  client: pg.ClientBase,
  statement: string,
  rows: readonly ChunkRow[],
  lineOf: (row: ChunkRow, index: number) => string,
): Promise<void> {
  function* pieces(): Generator<string> {
    for (let start = 0; start < rows.length; start += LINES_PER_PIECE) {
      const piece = rows.slice(start, start + LINES_PER_PIECE);
      yield piece.map((row, i) => lineOf(row, start + i)).join('');
    }
  }
  const source = Readable.from(pieces(), { objectMode: false });
  await pipeline(source, client.query(copyFrom(statement)));
}

const COLUMNS = TUPLE_COLUMNS.join(', ');
const copyTuples = `COPY relation_tuple (store_id, written_at, ${COLUMNS}) FROM STDIN`;
const copyLog = `COPY tuple_change
  (store_id, changed_at, revision, operation, ordinal, ${COLUMNS}) FROM STDIN`;
const copyStaging = `COPY import_chunk (${COLUMNS}) FROM STDIN`;

const createStaging = `
  CREATE TEMPORARY TABLE IF NOT EXISTS import_chunk (
    ${KEY_COLUMNS.map((column) => `${column} text COLLATE "C" NOT NULL`).join(', ')},
    condition_name text COLLATE "C", condition_context jsonb, expires_at timestamptz
  ) ON COMMIT DELETE ROWS`;

/** Each is looked up by its key: as a plain join, PostgreSQL may read all tuples instead. */
const forgetStored = `
  DELETE FROM import_chunk WHERE ctid = ANY (ARRAY(
    SELECT import_chunk.ctid FROM import_chunk CROSS JOIN LATERAL (
      SELECT FROM relation_tuple t
      WHERE t.store_id = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)
        ${KEY_COLUMNS.map((column) => `AND t.${column} = import_chunk.${column}`).join(' ')}
      LIMIT 1) AS stored))`;

const storeStaged = `
  INSERT INTO relation_tuple (store_id, written_at, ${COLUMNS})
  SELECT $1, $2, ${COLUMNS} FROM import_chunk
  ON CONFLICT (store_id, ${KEY_COLUMNS.join(', ')}) DO UPDATE SET
    condition_name = excluded.condition_name, condition_context = excluded.condition_context,
    expires_at = excluded.expires_at, written_at = excluded.written_at`;

const logStaged = `
  INSERT INTO tuple_change (store_id, changed_at, revision, operation, ordinal, ${COLUMNS})
  SELECT $1, $2, $3, 'write', row_number() OVER () - 1, ${COLUMNS} FROM import_chunk`;
