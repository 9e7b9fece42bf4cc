/** What tests of storage and replicas work with: a migrated database of their own, and tuples. */
import { Client } from 'pg';
import { ulidFactory } from '../../src/ids.js';
import type { StoreId } from '../../src/ids.js';
import { Database } from '../../src/storage/database.js';
import type { Session } from '../../src/storage/database.js';
import { migrate } from '../../src/storage/migrations.js';
import { KEY_COLUMNS, TUPLE_COLUMNS, tupleOf, tupleValues } from '../../src/storage/rows.js';
import { insertStore } from '../../src/storage/stores.js';
import type { WriteRequest } from '../../src/storage/write-ledger.js';
import { parseTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { createTestDatabase } from './postgres.js';
import type { TestDatabase } from './postgres.js';

export interface TestStorage {
  readonly database: Database;
  /** Another pool on the same database, as another process would have it. */
  connect(options?: { poolSize?: number; timeoutMs?: number }): Promise<Database>;
  /** Closes every pool; fails when a connection was left open. */
  close(): Promise<void>;
}

export const newId = ulidFactory(() => Date.now());

export async function openStorage(): Promise<TestStorage> {
  const test = await createTestDatabase();
  const opened: Database[] = [];
  const connect: TestStorage['connect'] = async (options) => {
    const database = await connectTo(test, options);
    opened.push(database);
    return database;
  };
  const database = await connect();
  await migrate(database);
  return {
    database,
    connect,
    async close() {
      for (const pool of opened) await pool.close();
      await test.drop();
    },
  };
}

export const connectTo = (
  test: TestDatabase,
  { poolSize = 4, timeoutMs = 5000 }: { poolSize?: number; timeoutMs?: number } = {},
): Promise<Database> => Database.connect({ address: test.connection, poolSize, timeoutMs });

export async function newStore(database: Database, name = 'test'): Promise<StoreId> {
  const id = newId() as StoreId;
  await insertStore(database, { id, name, createdAt: new Date(), updatedAt: new Date() });
  return id;
}

/** `document:1#viewer@user:anne`, and what the tuple carries. */
export function tuple(
  text: string,
  facts: Pick<RelationTuple, 'condition' | 'expiresAt'> = {},
): RelationTuple {
  const key = parseTupleKey(text);
  if (key === undefined) throw new Error(`not a tuple: ${text}`);
  return { ...key, ...facts };
}

export const request = (parts: Partial<WriteRequest>): WriteRequest => ({
  deletes: [],
  writes: [],
  onMissing: 'error',
  onDuplicate: 'error',
  ...parts,
});

/** All tuples of a store, each as JSON of its columns, in order. */
export async function storedTuples(database: Database, storeId: StoreId): Promise<string[]> {
  const rows = await database.query(
    `SELECT ${TUPLE_COLUMNS.join(', ')} FROM relation_tuple WHERE store_id = $1
     ORDER BY ${KEY_COLUMNS.join(', ')}`,
    [storeId],
  );
  return rows.map((row) => tupleText(tupleOf(row))).sort();
}

/** One text for equal tuples, whatever the order of the keys in their context. */
export const tupleText = (value: RelationTuple): string =>
  JSON.stringify(tupleValues(value).slice(0, KEY_COLUMNS.length)) +
  JSON.stringify(value.condition ?? null, sortedKeys) +
  String(value.expiresAt ?? null);

const sortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

export interface Statement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/**
 * Every statement that the pool's connections send while `work` is done, BEGIN and COPY included, and
 * those that are opened for it alone.
 */
export async function statementsOf(
  database: Database,
  work: () => Promise<unknown>,
): Promise<readonly Statement[]> {
  const statements: Statement[] = [];
  const pool = Reflect.get(database.source.driver, 'master') as object;
  const send: unknown = Reflect.get(Client.prototype, 'query');
  const open: unknown = Reflect.get(Client.prototype, 'connect');
  const opened = new WeakSet<Client>();
  Client.prototype.connect = function (this: Client, ...args: unknown[]): unknown {
    opened.add(this);
    return Reflect.apply(open as () => unknown, this, args);
  } as typeof Client.prototype.connect;
  Client.prototype.query = function (this: Client, ...args: unknown[]): unknown {
    const isOurs = (Reflect.get(pool, '_clients') as readonly unknown[]).includes(this);
    if (isOurs || opened.has(this)) statements.push(statementOf(args));
    return Reflect.apply(send as () => unknown, this, args);
  } as typeof Client.prototype.query;
  try {
    await work();
  } finally {
    Client.prototype.query = send as typeof Client.prototype.query;
    Client.prototype.connect = open as typeof Client.prototype.connect;
  }
  return statements;
}

/** pg takes a text with values, or an object that has both. */
function statementOf([query, values]: readonly unknown[]): Statement {
  const whole = typeof query === 'string' ? { text: query, values } : (query as object);
  const own: unknown = Reflect.get(whole, 'values') ?? values;
  return { sql: String(Reflect.get(whole, 'text')), values: Array.isArray(own) ? own : [] };
}

/** Holds all who begin to read or write tuples up, until `work` is done and its session committed. */
export async function whileTuplesAreLocked(
  storage: TestStorage,
  work: (session: Session) => Promise<unknown>,
): Promise<void> {
  const locker = await storage.connect();
  await locker.transaction(async (session) => {
    await session.query('LOCK TABLE relation_tuple IN ACCESS EXCLUSIVE MODE');
    await work(session);
  });
}

/** Resolves when some statement waits for a lock. */
export const untilBlocked = (session: Session): Promise<void> =>
  until(async () => {
    const blocked = `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return (await session.query(blocked)).length > 0;
  });

/** Long enough for a busy machine, short enough to end before the test is given up. */
const PATIENCE_MS = 20_000;

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`still not so: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
