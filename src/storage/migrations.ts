/**
 * `migrations/NNNN_name.sql`, in order, each in a transaction, by TypeORM's migration table. Servers
 * that start together wait for each other on an advisory lock. A database that knows migrations this
 * build does not have was migrated by a newer version, and is left alone.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MigrationExecutor } from 'typeorm';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { PembaError } from '../errors.js';
import type { Database } from './database.js';
import { textOf } from './rows.js';

const FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url));
const FILE = /^(\d{4})_([a-z0-9_]+)\.sql$/;

/** Any number of our own; it keeps concurrent starts apart. */
const LOCK = 7_306_541_120;

/** TypeORM orders migrations by the 13 digits that end their name. */
const migrationName = (number: string, name: string): string =>
  `${name}${number.padStart(13, '0')}`;

class SqlMigration implements MigrationInterface {
  readonly name: string;
  readonly #path: string;

  constructor(name: string, path: string) {
    this.name = name;
    this.#path = path;
  }

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(readFileSync(this.#path, 'utf8'));
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only; restore a backup instead'));
  }
}

function knownMigrations(): readonly SqlMigration[] {
  return readdirSync(FOLDER)
    .sort()
    .flatMap((file) => {
      const [, number, name] = FILE.exec(file) ?? [];
      if (number === undefined || name === undefined) return [];
      return new SqlMigration(migrationName(number, name), FOLDER + file);
    });
}

/** Returns the names of the migrations that were run now. */
export async function migrate(database: Database): Promise<readonly string[]> {
  const runner = database.source.createQueryRunner();
  try {
    await runner.connect();
    await runner.query('SET statement_timeout = 0');
    await runner.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await refuseNewerDatabase(database);
    const executor = new MigrationExecutor(withMigrations(database.source), runner);
    executor.transaction = 'each';
    const run = await executor.executePendingMigrations();
    return run.map(({ name }) => name);
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    await runner.query(`SET statement_timeout = ${database.options.timeoutMs}`);
    await runner.release();
  }
}

/** TypeORM takes migrations as classes to construct; ours are made of files. */
function withMigrations(source: DataSource): DataSource {
  Object.defineProperty(source, 'migrations', { value: knownMigrations(), configurable: true });
  return source;
}

async function refuseNewerDatabase(database: Database): Promise<void> {
  const known = new Set(knownMigrations().map(({ name }) => name));
  const [table] = await database.query(`SELECT to_regclass('migrations')::text AS name`);
  if (typeof table?.['name'] !== 'string') return;
  const applied = await database.query('SELECT name FROM migrations');
  const unknown = applied.map((row) => textOf(row, 'name')).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new PembaError(
      'cannot_start',
      `The database was migrated by a newer version of Pemba (${unknown.join(', ')}): ` +
        'run that version, or restore a backup from before it.',
    );
  }
}
