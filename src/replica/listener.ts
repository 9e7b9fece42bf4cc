/**
 * The connection that listens for changed stores. It is made anew whenever it breaks; whoever relies
 * on it polls as well, because a notice can be lost in between.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Database } from '../storage/database.js';
import { CHANGE_CHANNEL } from '../storage/stores.js';

export interface ListenerEvents {
  /** A store changed. */
  changed(storeId: string): void;
  /** Listening has begun, again or for the first time: notices before may be lost. */
  listening(): void;
  failed(error: unknown): void;
}

const RECONNECT_AFTER_MS = 250;

export class ChangeListener {
  readonly #database: Database;
  readonly #events: ListenerEvents;
  readonly #stopping = new AbortController();
  #client: pg.Client | undefined;
  #running: Promise<void> | undefined;

  constructor(database: Database, events: ListenerEvents) {
    this.#database = database;
    this.#events = events;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#client?.end().catch(() => undefined);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const isStopping = (): boolean => signal.aborted;
    while (!isStopping()) {
      try {
        await this.#listen();
      } catch (error) {
        if (isStopping()) return;
        this.#events.failed(error);
      }
      await sleep(RECONNECT_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves or rejects when the connection has ended. */
  async #listen(): Promise<void> {
    const client = this.#database.dedicatedClient();
    this.#client = client;
    const ended = new Promise<void>((resolve, reject) => {
      client.once('end', () => {
        resolve();
      });
      client.once('error', reject);
    });
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.#events.changed(payload);
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANGE_CHANNEL}`);
      this.#events.listening();
      await ended;
    } finally {
      ended.catch(() => undefined);
      this.#client = undefined;
      await client.end().catch(() => undefined);
    }
  }
}
