/**
 * The one way to PostgreSQL: TypeORM's DataSource for the pool, transactions and migrations, written
 * SQL for every statement. A failure of the server or the way to it becomes `unavailable`; any other
 * failure is a bug of ours and stays what it is.
 */
import { Socket } from 'node:net';
import { isNativeError } from 'node:util/types';
import pg from 'pg';
import { DataSource } from 'typeorm';
import type { QueryRunner } from 'typeorm';
import { PembaError } from '../errors.js';

export interface DatabaseAddress {
  readonly url?: string;
  /** A directory stands for the Unix socket in it. */
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}

export interface DatabaseOptions {
  readonly address: DatabaseAddress;
  readonly poolSize: number;
  /** For a connection to be made, and for one statement. 0: as long as it takes. */
  readonly timeoutMs: number;
}

export type SqlValue =
  string | number | boolean | Date | null | readonly (string | number | null)[];
export type Row = Readonly<Record<string, unknown>>;

/** A statement that a connection parses once, and plans once when its plans do not differ. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** What statements run on: the pool, or one transaction. */
export interface Session {
  query(sql: string, values?: readonly SqlValue[]): Promise<readonly Row[]>;
  prepared(statement: Prepared, values: readonly SqlValue[]): Promise<readonly Row[]>;
}

export class Database implements Session {
  readonly options: DatabaseOptions;
  readonly #source: DataSource;

  private constructor(options: DatabaseOptions, source: DataSource) {
    this.options = options;
    this.#source = source;
  }

  static async connect(options: DatabaseOptions): Promise<Database> {
    const { url, host, port, user, password, database } = options.address;
    const source = new DataSource({
      type: 'postgres',
      applicationName: 'pemba',
      poolSize: options.poolSize,
      connectTimeoutMS: options.timeoutMs,
      // The server does not run it for nothing once nobody waits.
      extra: {
        statement_timeout: options.timeoutMs,
        idle_in_transaction_session_timeout: options.timeoutMs * 2,
        keepAlive: true,
      },
      // An idle connection that breaks is replaced at its next use.
      poolErrorHandler: () => undefined,
      ...(url !== undefined && { url }),
      // Given by parts it is the embedded server, whatever PGSSLMODE says of others.
      ...(host !== undefined && { host, ssl: false }),
      ...(port !== undefined && { port }),
      ...(user !== undefined && { username: user }),
      ...(password !== undefined && { password }),
      ...(database !== undefined && { database }),
    });
    const connected = new Database(options, source);
    await connected.#guard(() => source.initialize());
    return connected;
  }

  get source(): DataSource {
    return this.#source;
  }

  query(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return this.#withRunner((runner) => sessionOf(runner).query(sql, values));
  }

  prepared(statement: Prepared, values: readonly SqlValue[]): Promise<readonly Row[]> {
    return this.#withRunner((runner) => sessionOf(runner).prepared(statement, values));
  }

  /** Commits what `work` did, or nothing if it throws. */
  transaction<Result>(
    work: (session: Session) => Promise<Result>,
    isolation?: 'REPEATABLE READ',
  ): Promise<Result> {
    return this.#withRunner((runner) => {
      const run = (): Promise<Result> => work(sessionOf(runner));
      return isolation === undefined
        ? runner.manager.transaction(run)
        : runner.manager.transaction(isolation, run);
    });
  }

  /** One of the pool's connections as it is, for what TypeORM has no words for. */
  withClient<Result>(work: (client: pg.ClientBase) => Promise<Result>): Promise<Result> {
    return this.#withRunner(async (runner) => work((await runner.connect()) as pg.ClientBase));
  }

  /** A connection for this work alone, which ends with it, even in the middle of an answer. */
  withDedicatedClient<Result>(
    work: (client: pg.ClientBase) => Promise<Result>,
    silenceMs = 2 * this.options.timeoutMs,
  ): Promise<Result> {
    return this.#guard(async () => {
      const client = this.dedicatedClient(0);
      // What goes wrong on an idle connection is told by the next query.
      client.on('error', () => undefined);
      try {
        await client.connect();
        watchSilence(client, silenceMs);
        return await work(client);
      } finally {
        await client.end();
      }
    });
  }

  /**
   * A connection of its own for what is read piece by piece, as fast as the pieces are taken; it ends
   * with the reading, wherever that ends. Only while a piece is waited for must PostgreSQL not be
   * silent.
   */
  async *readDedicated<Piece>(
    read: (client: pg.ClientBase) => AsyncGenerator<Piece, void, undefined>,
  ): AsyncGenerator<Piece, void, undefined> {
    const client = this.dedicatedClient(0);
    client.on('error', () => undefined);
    const pieces = read(client);
    try {
      await this.#guard(() => client.connect());
      for (;;) {
        const unwatch = watchSilence(client, 2 * this.options.timeoutMs);
        const next = await this.#guard(() => pieces.next().finally(unwatch));
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await client.end();
    }
  }

  /**
   * A connection of its own, outside the pool, not yet connected. Without a time limit for queries
   * (0), whoever uses it watches it.
   */
  dedicatedClient(queryTimeoutMs = this.options.timeoutMs): pg.Client {
    const { url, host, port, user, password, database } = this.options.address;
    return new pg.Client({
      connectionTimeoutMillis: this.options.timeoutMs,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
      application_name: 'pemba',
      ...(url !== undefined && { connectionString: url }),
      ...(host !== undefined && { host, ssl: false }),
      ...(port !== undefined && { port }),
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      ...(database !== undefined && { database }),
    });
  }

  get pool(): { readonly total: number; readonly idle: number; readonly waiting: number } {
    const pool: unknown = Reflect.get(this.#source.driver, 'master');
    if (!(pool instanceof pg.Pool)) return { total: 0, idle: 0, waiting: 0 };
    return { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount };
  }

  async close(): Promise<void> {
    if (this.#source.isInitialized) await this.#source.destroy();
  }

  #withRunner<Result>(work: (runner: QueryRunner) => Promise<Result>): Promise<Result> {
    return this.#guard(async () => {
      const runner = this.#source.createQueryRunner();
      try {
        const unwatch = watchSilence(await runner.connect(), 2 * this.options.timeoutMs);
        return await work(runner).finally(unwatch);
      } finally {
        await runner.release();
      }
    });
  }

  async #guard<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (isUnavailability(error)) {
        throw new PembaError('unavailable', 'the database is not available', { cause: error });
      }
      throw error;
    }
  }
}

/** A connection that somebody holds, as what statements run on. */
export const sessionOn = (client: pg.ClientBase): Session => ({
  query: async (sql, values = []) => (await client.query<Row>(sql, [...values])).rows,
  prepared: async ({ name, text }, values) =>
    (await client.query<Row>({ name, text, values: [...values] })).rows,
});

/** TypeORM answers an UPDATE or DELETE with [rows, count], anything else with the rows. */
type Answer = readonly Row[] | readonly [readonly Row[], number];

function sessionOf(runner: QueryRunner): Session {
  return {
    query: async (sql, values = []) => {
      const answer = await runner.manager.query<Answer>(sql, [...values]);
      return isCounted(answer) ? answer[0] : answer;
    },
    // TypeORM has no words for it.
    prepared: async (statement, values) =>
      sessionOn((await runner.connect()) as pg.ClientBase).prepared(statement, values),
  };
}

/**
 * Breaks the connection when nothing moves on it for so long: the server is gone, or the way to it
 * is, and nobody else must wait on it. Returns how to end the watch. (pg's `query_timeout` counts
 * from the start of a query, however much of the answer arrives; leaves the connection in the pool;
 * and for COPY never ends.)
 */
function watchSilence(client: unknown, silenceMs: number): () => void {
  const connection: unknown = Reflect.get(client as object, 'connection');
  const socket: unknown = Reflect.get(connection as object, 'stream');
  if (!(socket instanceof Socket)) return () => undefined;
  const hangUp = (): void => {
    const silence = new Error(`PostgreSQL was silent for ${silenceMs} ms`);
    socket.destroy(Object.assign(silence, { code: 'ETIMEDOUT' }));
  };
  socket.setTimeout(silenceMs, hangUp);
  return () => {
    socket.setTimeout(0, hangUp);
  };
}

const isCounted = (answer: Answer): answer is readonly [readonly Row[], number] =>
  answer.length === 2 && typeof answer[1] === 'number';

/** SQLSTATE classes and codes that tell of the server's state, not of the statement. */
const UNAVAILABLE_STATES = /^(08|25006|25P03|40001|40P01|53|57014|57P|58)/;
const UNAVAILABLE_ERRNO = new Set([
  'EADDRNOTAVAIL',
  'EAGAIN',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);
/** What pg, its pool and TypeORM say without a code. */
const UNAVAILABLE_TEXT = new RegExp(
  [
    'connection terminated',
    'connection timeout',
    'timeout exceeded when trying to connect',
    'timeout expired',
    'query read timeout',
    'not queryable',
    'query runner (was )?already released',
    'not established',
    'after calling end on the pool',
  ].join('|'),
  'i',
);

/** PostgreSQL chose this statement, of several that wait for each other, to do nothing. */
export const isDeadlock = (error: unknown): boolean =>
  isNativeError(error) &&
  (Reflect.get(error, 'code') === '40P01' || (error.cause !== error && isDeadlock(error.cause)));

/** By what the error carries, not by its class: it may come from another copy or realm. */
export function isUnavailability(error: unknown): boolean {
  if (error instanceof PembaError) return error.code === 'unavailable';
  if (!isNativeError(error)) return false;
  const parts: unknown = Reflect.get(error, 'errors');
  if (Array.isArray(parts)) return parts.some(isUnavailability);
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && UNAVAILABLE_STATES.test(code)) return true;
  if (typeof code === 'string' && UNAVAILABLE_ERRNO.has(code)) return true;
  return UNAVAILABLE_TEXT.test(error.message);
}
