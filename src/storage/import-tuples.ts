/**
 * The bulk path: a chunk of tuples and attributes becomes one revision. What is stored already stays
 * as it is and is not logged, so a chunk can be sent again without harm. A tuple that has expired
 * counts as not stored.
 *
 * As a rule none of a chunk is stored yet. Then COPY brings it straight into its tables and into the
 * log, sorted by key, so that it goes into the indexes side by side. The indexes of the tuples take
 * most of the time, and nobody sees them before the commit: so only the log is written with the
 * store locked, and meanwhile another chunk may be on its way into the tuples, or other writes into
 * the store. What is stored already makes that fail, and the careful way is taken: with the store
 * locked, by COPY into a temporary table, from which what is stored is taken out first. (The careful
 * way alone takes half as long again for what is new.)
 *
 * Keys that are copied but not committed hold up a write of the same, and that may have locked the
 * store, which is waited for here. The wait here is the shorter one, before PostgreSQL looks for
 * such knots; then the chunk takes the careful way as well, which locks the store first, as all do.
 */
import type pg from 'pg';
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import type { StoreChanges } from '../tuple/attributes.js';
import type { Deed } from './audit-chain.js';
import { appendDeeds } from './audit.js';
import type { ChunkRows } from './chunk-rows.js';
import { COLUMNS, COPY_FORMAT, ENTITY, LOG_START, NO_TUPLE } from './copy-chunk.js';
import { copyNew, entityLine, logNew, tupleLine } from './copy-chunk.js';
import { copyInto } from './copy-in.js';
import { sessionOn } from './database.js';
import type { Database, Row } from './database.js';
import { KEY_COLUMNS, dateOf, revisionOf } from './rows.js';
import { CHANGE_CHANNEL, storeNotFound } from './stores.js';

export interface ImportedChunk {
  /** Of the chunk, or the head if all of it was stored already. */
  readonly revision: Revision;
  /** Tuples and attributes that were not stored before. */
  readonly written: number;
  /** What the revision consists of, where that is known without reading it. */
  readonly changes: StoreChanges | undefined;
}

/** Does one piece of work after the other. */
type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

export interface ChunkOptions {
  /** Some of the chunk are likely to be stored already: the careful way is taken at once. */
  readonly isLikelyStored?: boolean;
  /** Recorded with the chunk, if it changes anything. */
  readonly deed?: Deed;
  /** Where several chunks are stored at once: for what is done with the store locked. */
  readonly inTurn?: InTurn;
  /** Told of the revision just before it is committed. */
  readonly onCommit?: (revision: Revision) => void;
}

const atOnce: InTurn = (work) => work();

export async function importChunk(
  database: Database,
  storeId: StoreId,
  rows: ChunkRows,
  now: Date,
  { isLikelyStored = false, deed, inTurn = atOnce, onCommit }: ChunkOptions = {},
): Promise<ImportedChunk> {
  const chunk = { rows, now, deed, inTurn, onCommit };
  if (!isLikelyStored && rows.count > 0) {
    const written = await database.withClient((client) => addNew(client, storeId, chunk));
    if (written !== undefined) return written;
  }
  // Whose turn it is has a connection, and waits for none that another holds.
  return database.withClient(async (client) => {
    await client.query(createStaging);
    return inTurn(() => inTransaction(client, () => addMissing(client, storeId, chunk)));
  });
}

interface Chunk {
  readonly rows: ChunkRows;
  readonly now: Date;
  readonly deed: Deed | undefined;
  readonly inTurn: InTurn;
  readonly onCommit: ((revision: Revision) => void) | undefined;
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

/** Undefined, and nothing done, when something of it is stored, or on its way. */
async function addNew(
  client: pg.ClientBase,
  storeId: StoreId,
  chunk: Chunk,
): Promise<ImportedChunk | undefined> {
  await client.query(`BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    const { rows, now } = chunk;
    await copyNew(client, storeId, rows, now);
    return await chunk.inTurn(() => commitNew(client, storeId, chunk));
  } catch (error) {
    await client.query('ROLLBACK');
    if (GIVEN_UP.has(String(Reflect.get(error as object, 'code')))) return undefined;
    throw error;
  }
}

async function commitNew(
  client: pg.ClientBase,
  storeId: StoreId,
  { rows, now, deed, onCommit }: Chunk,
): Promise<ImportedChunk> {
  const { head, at } = await lock(client, storeId, now);
  const revision = asRevision(head + 1);
  await logNew(client, storeId, rows, { revision, at });
  await moveHead(client, storeId, revision);
  const counts = { tuples: rows.tuples.length, attributes: rows.entities.length };
  await record(client, storeId, deed, { revision, counts, at });
  onCommit?.(revision);
  await client.query('COMMIT');
  return { revision, written: rows.count, changes: rows.changes() };
}

/** Half of the time after which PostgreSQL looks for deadlocks. */
const LOCK_TIMEOUT_MS = 500;

/** A unique key that is there, a wait for a lock that took too long, a deadlock. */
const GIVEN_UP = new Set(['23505', '55P03', '40P01']);

async function addMissing(
  client: pg.ClientBase,
  storeId: StoreId,
  { rows, now, deed }: Chunk,
): Promise<ImportedChunk> {
  await copyInto(client, copyStaging, rows.tuples, tupleLine);
  await copyInto(client, copyAttributesStaging, rows.entities, entityLine);
  const { head, at } = await lock(client, storeId, now);
  const revision = asRevision(head + 1);
  await client.query(forgetStored, [storeId, now]);
  await client.query(forgetStoredAttributes, [storeId]);
  const logged = await client.query(logStaged, [storeId, at, revision]);
  const tuples = logged.rowCount ?? 0;
  const loggedAttributes = await client.query(logStagedAttributes, [storeId, at, revision, tuples]);
  const attributes = loggedAttributes.rowCount ?? 0;
  const written = tuples + attributes;
  if (written === 0) return { revision: head, written, changes: [] };
  if (tuples > 0) await client.query(storeStaged, [storeId, at]);
  if (attributes > 0) await client.query(storeStagedAttributes, [storeId, at]);
  await moveHead(client, storeId, revision);
  await record(client, storeId, deed, { revision, counts: { tuples, attributes }, at });
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

interface Recorded {
  readonly revision: Revision;
  readonly counts: { readonly tuples: number; readonly attributes: number };
  readonly at: Date;
}

async function record(
  client: pg.ClientBase,
  storeId: StoreId,
  deed: Deed | undefined,
  { revision, counts: { tuples, attributes }, at }: Recorded,
): Promise<void> {
  if (deed === undefined) return;
  const details = { ...deed.details, writes: tuples, ...(attributes > 0 && { attributes }) };
  await appendDeeds(sessionOn(client), storeId, [{ ...deed, details, revision }], at);
}

const copyStaging = `COPY import_chunk (${COLUMNS}) FROM STDIN ${COPY_FORMAT}`;
const copyAttributesStaging = `COPY import_attributes (${ENTITY}, attributes)
  FROM STDIN ${COPY_FORMAT}`;

const createStaging = `
  CREATE TEMPORARY TABLE IF NOT EXISTS import_chunk (
    ${KEY_COLUMNS.map((column) => `${column} text COLLATE "C" NOT NULL`).join(', ')},
    condition_name text COLLATE "C", condition_context jsonb, expires_at timestamptz
  ) ON COMMIT DELETE ROWS;
  CREATE TEMPORARY TABLE IF NOT EXISTS import_attributes (
    object_type text COLLATE "C" NOT NULL, object_id text COLLATE "C" NOT NULL, attributes json
  ) ON COMMIT DELETE ROWS`;

/** Each is looked up by its key: as a plain join, PostgreSQL may read all tuples instead. */
const forgetStored = `
  DELETE FROM import_chunk WHERE ctid = ANY (ARRAY(
    SELECT import_chunk.ctid FROM import_chunk CROSS JOIN LATERAL (
      SELECT FROM relation_tuple t
      WHERE t.store_id = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)
        ${KEY_COLUMNS.map((column) => `AND t.${column} = import_chunk.${column}`).join(' ')}
      LIMIT 1) AS stored))`;

const forgetStoredAttributes = `
  DELETE FROM import_attributes WHERE ctid = ANY (ARRAY(
    SELECT import_attributes.ctid FROM import_attributes CROSS JOIN LATERAL (
      SELECT FROM entity_attributes a
      WHERE a.store_id = $1 AND a.object_type = import_attributes.object_type
        AND a.object_id = import_attributes.object_id
      LIMIT 1) AS stored))`;

const storeStaged = `
  INSERT INTO relation_tuple (store_id, written_at, ${COLUMNS})
  SELECT $1, $2, ${COLUMNS} FROM import_chunk
  ON CONFLICT (store_id, ${KEY_COLUMNS.join(', ')}) DO UPDATE SET
    condition_name = excluded.condition_name, condition_context = excluded.condition_context,
    expires_at = excluded.expires_at, written_at = excluded.written_at`;

const storeStagedAttributes = `
  INSERT INTO entity_attributes (store_id, written_at, ${ENTITY}, attributes)
  SELECT $1, $2, ${ENTITY}, attributes FROM import_attributes`;

const logStaged = `
  INSERT INTO tuple_change (${LOG_START}, ordinal, ${COLUMNS})
  SELECT $1, $2, $3, 'write', row_number() OVER () - 1, ${COLUMNS} FROM import_chunk`;

const logStagedAttributes = `
  INSERT INTO tuple_change (${LOG_START}, ${NO_TUPLE}, ordinal, ${ENTITY}, attributes)
  SELECT $1, $2, $3, 'attributes', '', '', '', '', $4::integer + row_number() OVER () - 1,
    ${ENTITY}, attributes FROM import_attributes`;
