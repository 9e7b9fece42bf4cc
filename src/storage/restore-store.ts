/**
 * A store that is made of what was kept of another one, in one transaction: nobody sees it before all
 * of it is there, and of one that broke off nothing is left. The transaction is as long as the one
 * who sends it takes, so it has a connection of its own, and whoever sends has a limit.
 */
import type pg from 'pg';
import { PembaError } from '../errors.js';
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import { replaceAssertions } from './assertions.js';
import type { Deed } from './audit-chain.js';
import { appendDeeds } from './audit.js';
import type { ChunkRows } from './chunk-rows.js';
import { copyNew, logNew } from './copy-chunk.js';
import { sessionOn } from './database.js';
import type { Database, Session } from './database.js';
import { jsonOrNull } from './models.js';
import { bytesOf } from './rows.js';
import type { KeptAssertions, KeptModel } from './snapshot-lines.js';
import { CHANGE_CHANNEL } from './stores.js';

export interface NewStore {
  readonly id: StoreId;
  readonly name: string;
  /** The head goes on from here. */
  readonly revision: Revision;
  readonly now: Date;
}

/** What `fill` brings in with what it is given is there when this resolves, else nothing is. */
export async function restoreStore<Result>(
  database: Database,
  silenceMs: number,
  fill: (restoring: Restoring) => Promise<Result>,
): Promise<Result> {
  return database.withDedicatedClient(async (client) => {
    await client.query('BEGIN');
    // What fails is rolled back with the connection.
    const result = await fill(new Restoring(client));
    await client.query('COMMIT');
    return result;
  }, silenceMs);
}

export class Restoring {
  readonly #client: pg.ClientBase;
  readonly #session: Session;
  #store: NewStore | undefined;
  #head = asRevision(0);
  #newestModel: string | undefined;

  constructor(client: pg.ClientBase) {
    this.#client = client;
    this.#session = sessionOn(client);
  }

  get head(): Revision {
    return this.#head;
  }

  /** Returns what the store's tokens are authenticated with; throws `store_exists`. */
  async begin(store: NewStore): Promise<Uint8Array> {
    // Nobody waits here for another who restores the same.
    const [lock] = await this.#session.query(
      `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS is_held`,
      [store.id],
    );
    if (lock?.['is_held'] !== true) throw storeExists(store.id);
    const [row] = await this.#session.query(
      // The audit log of a store outlives it, and goes on with one that has its id again.
      `INSERT INTO store (store_id, name, created_at, updated_at, audit_sequence, audit_hash)
       SELECT $1, $2, $3, $3, coalesce(sequence, 0), coalesce(hash, '')
       FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
         SELECT sequence, hash FROM audit_entry WHERE store_id = $1 ORDER BY sequence DESC LIMIT 1
       ) AS last ON true
       ON CONFLICT (store_id) DO NOTHING RETURNING token_key`,
      [store.id, store.name, store.now],
    );
    if (row === undefined) throw storeExists(store.id);
    this.#store = store;
    this.#head = store.revision;
    return bytesOf(row, 'token_key');
  }

  /** In the order of their ids. */
  async model({ id, createdAt, body, attachments, metadata }: KeptModel): Promise<void> {
    const beside = [jsonOrNull(attachments), jsonOrNull(metadata)];
    await this.#session.query(
      `INSERT INTO authorization_model (store_id, model_id, body, attachments, metadata, created_at)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      [this.#begun.id, id, JSON.stringify(body), ...beside, createdAt],
    );
    this.#newestModel = id;
  }

  async assertions({ modelId, body }: KeptAssertions): Promise<void> {
    await replaceAssertions(this.#session, this.#begun.id, modelId, body);
  }

  /** As the next revision; false, and all is in vain, if something of it is there already. */
  async content(rows: ChunkRows): Promise<boolean> {
    const { id, now } = this.#begun;
    this.#head = asRevision(this.#head + 1);
    try {
      await copyNew(this.#client, id, rows, now);
      await logNew(this.#client, id, rows, { revision: this.#head, at: now });
      return true;
    } catch (error) {
      if (Reflect.get(error as object, 'code') === UNIQUE_VIOLATION) return false;
      throw error;
    }
  }

  async finish(deed: Deed | undefined): Promise<void> {
    const { id, now } = this.#begun;
    await this.#session.query(
      `UPDATE store SET head_revision = $2, newest_model = $3 WHERE store_id = $1`,
      [id, this.#head, this.#newestModel ?? null],
    );
    if (deed !== undefined) await appendDeeds(this.#session, id, [deed], now);
    await this.#session.query(`SELECT pg_notify('${CHANGE_CHANNEL}', $1)`, [id]);
  }

  get #begun(): NewStore {
    if (this.#store === undefined) throw new PembaError('internal', 'a restore has not begun');
    return this.#store;
  }
}

const UNIQUE_VIOLATION = '23505';

const storeExists = (id: StoreId): PembaError =>
  new PembaError('store_exists', `the id ${id} is taken`, { facts: { store_id: id } });
