import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../src/storage/database.js';
import { migrate } from '../../src/storage/migrations.js';
import { createTestDatabase, describeWithPostgres } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';
import { dumpSchema } from '../support/schema-dump.js';
import { connectTo } from '../support/storage.js';

const CURRENT = join(import.meta.dirname, '..', '..', 'migrations', 'current.sql');
const HEADER = `-- The schema after all migrations, by table. Written by a test: PEMBA_UPDATE_SCHEMA=1 npm test\n\n`;
/** As TypeORM notes them: the name and the number, of thirteen digits. */
const MIGRATIONS = readdirSync(join(import.meta.dirname, '..', '..', 'migrations')).flatMap(
  (file) => {
    const [, number, name] = /^(\d{4})_(\w+)\.sql$/.exec(file) ?? [];
    return number === undefined ? [] : [`${name}${number.padStart(13, '0')}`];
  },
);

/** Short enough that a migration which minded it would fail here. */
const TIMEOUT_MS = 500;

let test: TestDatabase;
let pools: Database[];

async function connect(options?: Parameters<typeof connectTo>[1]): Promise<Database> {
  const database = await connectTo(test, options);
  pools.push(database);
  return database;
}

beforeEach(async () => {
  pools = [];
  test = await createTestDatabase();
});
afterEach(async () => {
  for (const pool of pools) await pool.close();
  await test.drop();
});

describeWithPostgres('migrating', () => {
  it('makes the schema in an empty database, and finds nothing to do in it later', async () => {
    const database = await connect();
    expect(await migrate(database)).toEqual(MIGRATIONS);
    expect(await migrate(database)).toEqual([]);
    expect(await database.query('SELECT name FROM migrations ORDER BY id')).toEqual(
      MIGRATIONS.map((name) => ({ name })),
    );
  });

  it('is done once when several servers start together', async () => {
    const servers = await Promise.all([connect(), connect(), connect()]);
    const run = await Promise.all(servers.map((server) => migrate(server)));
    expect(run.flat()).toEqual(MIGRATIONS);
  });

  it('needs one connection', async () => {
    const database = await connect({ poolSize: 1, timeoutMs: TIMEOUT_MS });
    expect(await migrate(database)).toEqual(MIGRATIONS);
  });

  it('takes the time it needs, whatever the time for one statement', async () => {
    const database = await connect({ timeoutMs: TIMEOUT_MS });
    await migrate(database);
    const other = await connect();
    let migrated: Promise<readonly string[]> | undefined;
    await other.transaction(async (session) => {
      await session.query('LOCK TABLE migrations IN ACCESS EXCLUSIVE MODE');
      migrated = migrate(database);
      migrated.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 3 * TIMEOUT_MS));
    });
    expect(await migrated).toEqual([]);
  });

  it('leaves the timeouts of the pool as they were', async () => {
    const database = await connect({ poolSize: 1, timeoutMs: TIMEOUT_MS });
    await migrate(database);
    expect(await database.query('SHOW statement_timeout')).toEqual([
      { statement_timeout: `${TIMEOUT_MS}ms` },
    ]);
  });

  it('refuses a database of a newer version, by name, and lets others try', async () => {
    const database = await connect();
    await migrate(database);
    const newer = 'sharding0000000000042';
    await database.query(`INSERT INTO migrations (timestamp, name) VALUES (42, '${newer}')`);
    await expect(migrate(database)).rejects.toMatchObject({
      code: 'cannot_start',
      message: expect.stringContaining(newer),
    });
    await database.query(`DELETE FROM migrations WHERE name = '${newer}'`);
    expect(await migrate(await connect())).toEqual([]);
  });
});

describeWithPostgres('the schema', () => {
  it('is the one in migrations/current.sql (PEMBA_UPDATE_SCHEMA=1 writes it anew)', async () => {
    const database = await connect();
    await migrate(database);
    const schema = HEADER + (await dumpSchema(database));
    if (process.env['PEMBA_UPDATE_SCHEMA'] === '1') writeFileSync(CURRENT, schema);
    expect(schema).toBe(readFileSync(CURRENT, 'utf8'));
  });

  it('is made by migrations/current.sql as well', async () => {
    const database = await connect();
    const client = database.dedicatedClient();
    await client.connect();
    await client.query(readFileSync(CURRENT, 'utf8')); // many statements in one
    await client.end();
    expect(HEADER + (await dumpSchema(database))).toBe(readFileSync(CURRENT, 'utf8'));
  });

  it('can be distributed: every primary key begins with the store', async () => {
    const database = await connect();
    await migrate(database);
    const keys = await database.query(
      `SELECT conrelid::regclass::text AS table, attname::text AS first
       FROM pg_class c LEFT JOIN pg_constraint ON conrelid = c.oid AND contype = 'p'
         LEFT JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
       WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    );
    const others = keys.filter((row) => row['first'] !== 'store_id').map((row) => row['table']);
    expect(keys.length).toBeGreaterThan(others.length);
    expect(others.sort()).toEqual([
      ...['api_key', 'migrations', 'model_number', 'server_process', 'setting'],
      ...['signing_key', 'used_once'],
    ]);
  });
});
