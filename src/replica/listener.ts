/**
 * The connection that listens for changed stores. It is made anew whenever it breaks; whoever relies
 * on it polls as well, because a notice can be lost in between.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Database } from '../storage/database.js';
import { CHANGE_CHANNEL, readNotice } from '../storage/stores.js';
import type { ChangeNotice } from '../storage/stores.js';

export interface ListenerEvents {
  changed(notice: ChangeNotice): void;
  /** Listening has begun, again or for the first time: notices before may be lost. */
  listening(): void;
  failed(error: unknown): void;
}

const RECONNECT_AFTER_MS = 250;
/** For the server to see that the connection is closed; it need not, and a dead one never will. */
const FAREWELL_MS = 500;

export class ChangeListener {
  readonly #database: Database;
  readonly #events: ListenerEvents;
  readonly #stopping = new AbortController();
  #hangUp: (() => void) | undefined;
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
    this.#hangUp?.();
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

  /** Rejects when the connection has ended, or when it is to end. */
  async #listen(): Promise<void> {
    const client = this.#database.dedicatedClient();
    const ended = new Promise<never>((_resolve, reject) => {
      // A broken connection may tell of it more than once.
      client.on('error', reject);
      client.once('end', () => {
        reject(new Error('the connection has ended'));
      });
      this.#hangUp = () => {
        reject(new Error('listening was stopped'));
      };
    });
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.#events.changed(readNotice(payload));
    });
    try {
      await Promise.race([ended, beginListening(client)]);
      this.#events.listening();
      await ended;
    } finally {
      const farewell = client.end().catch(() => undefined);
      await Promise.race([farewell, sleep(FAREWELL_MS, undefined, { ref: false })]);
    }
  }
}

async function beginListening(client: pg.Client): Promise<void> {
  await client.connect();
  await client.query(`LISTEN ${CHANGE_CHANNEL}`);
}
