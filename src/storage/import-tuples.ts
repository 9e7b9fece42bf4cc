/**
 * The bulk path: a chunk of tuples and attributes becomes one revision. What is stored already stays
 * as it is and is not logged, so a chunk can be sent again without harm. A tuple that has expired
 * counts as not stored.
 *
 * COPY brings it straight into its tables and into the log, sorted by key, so that it goes into the
 * indexes side by side. The indexes of the tuples take most of the time, and nobody sees them before
 * the commit: so only the log is written with the store locked, and meanwhile other chunks may be on
 * their way into the tuples, or other writes into the store.
 *
 *   all of it            as a rule none of a chunk is stored yet; if some is, this fails
 *   what is missing      found by its keys first, a fifth of the time; fails if others write the same
 *   with the store locked, so that nobody does: found, copied and logged
 *
 * Keys that are copied but not committed hold up a write of the same, and that may have locked the
 * store, which is waited for here. The wait here is the shorter one, before PostgreSQL looks for
 * such knots; then the chunk goes the last way, which locks the store first, as all writes do.
 */
import type pg from 'pg';
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import type { StoreChanges } from '../tuple/attributes.js';
import type { Deed } from './audit-chain.js';
import { appendDeeds } from './audit.js';
import type { ChunkRows } from './chunk-rows.js';
import { copyNew, logNew } from './copy-chunk.js';
import { sessionOn } from './database.js';
import type { Database, Row } from './database.js';
import { dateOf, revisionOf } from './rows.js';
import { NOTHING_STORED, deleteExpired, storedKeys } from './stored-keys.js';
import type { StoredKeys } from './stored-keys.js';
import { CHANGE_CHANNEL, storeNotFound } from './stores.js';

export interface ImportedChunk {
  /** Of the chunk, or the head if all of it was stored already. */
  readonly revision: Revision;
  /** Tuples and attributes that were not stored before, which is what the revision consists of. */
  readonly changes: StoreChanges;
}

/** Does one piece of work after the other. */
type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

export interface ChunkOptions {
  /** Some of the chunk are likely to be stored already: it is not tried as if none were. */
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
  // Whose turn it is has a connection, and waits for none that another holds.
  return database.withClient(
    async (client) =>
      (isLikelyStored ? undefined : await addNew(client, storeId, chunk, NOTHING_STORED)) ??
      (await addNew(client, storeId, chunk, await storedKeys(client, storeId, rows, now))) ??
      (await inTurn(() => addLocked(client, storeId, chunk))),
  );
}

interface Chunk {
  readonly rows: ChunkRows;
  readonly now: Date;
  readonly deed: Deed | undefined;
  readonly inTurn: InTurn;
  readonly onCommit: ((revision: Revision) => void) | undefined;
}

/** Undefined, and nothing done, when more of it is stored, or on its way. */
async function addNew(
  client: pg.ClientBase,
  storeId: StoreId,
  chunk: Chunk,
  stored: StoredKeys,
): Promise<ImportedChunk | undefined> {
  await client.query(`BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    const missing = await copyMissing(client, storeId, chunk, stored);
    return await chunk.inTurn(async () => {
      const head = await lock(client, storeId, chunk.now);
      return commit(client, storeId, { ...chunk, rows: missing }, head);
    });
  } catch (error) {
    await client.query('ROLLBACK');
    if (GIVEN_UP.has(String(Reflect.get(error as object, 'code')))) return undefined;
    throw error;
  }
}

async function addLocked(
  client: pg.ClientBase,
  storeId: StoreId,
  chunk: Chunk,
): Promise<ImportedChunk> {
  await client.query('BEGIN');
  try {
    const head = await lock(client, storeId, chunk.now);
    const stored = await storedKeys(client, storeId, chunk.rows, chunk.now);
    const missing = await copyMissing(client, storeId, chunk, stored);
    return await commit(client, storeId, { ...chunk, rows: missing }, head);
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** Returns what it copied. */
async function copyMissing(
  client: pg.ClientBase,
  storeId: StoreId,
  { rows, now }: Chunk,
  stored: StoredKeys,
): Promise<ChunkRows> {
  const missing = rows.without(stored);
  await deleteExpired(client, storeId, stored.expired, now);
  await copyNew(client, storeId, missing, now);
  return missing;
}

/** Logs what was copied, and ends the transaction. */
async function commit(
  client: pg.ClientBase,
  storeId: StoreId,
  { rows, deed, onCommit }: Chunk,
  { revision: head, at }: Head,
): Promise<ImportedChunk> {
  const revision = rows.count === 0 ? head : asRevision(head + 1);
  if (revision > head) {
    await logNew(client, storeId, rows, { revision, at });
    await moveHead(client, storeId, revision);
    const counts = { tuples: rows.tuples.length, attributes: rows.entities.length };
    await record(client, storeId, deed, { revision, counts, at });
    onCommit?.(revision);
  }
  await client.query('COMMIT');
  return { revision, changes: rows.changes() };
}

/** For another chunk's key, and again for the store: together well before PostgreSQL looks for deadlocks. */
const LOCK_TIMEOUT_MS = 200;

/** A unique key that is there, a wait for a lock that took too long, a deadlock. */
const GIVEN_UP = new Set(['23505', '55P03', '40P01']);

interface Head {
  readonly revision: Revision;
  /** Of the next one. */
  readonly at: Date;
}

/** The head, and the time of the next revision: LOG TIME NEVER RUNS BACKWARDS. */
async function lock(client: pg.ClientBase, storeId: StoreId, now: Date): Promise<Head> {
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
  return { revision: revisionOf(store, 'head_revision'), at: changedAt > now ? changedAt : now };
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
