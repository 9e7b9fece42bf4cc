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
import { Database } from './database.js';

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

/**
 * Returns the names of the migrations that were run now. They run on a connection of their own: they
 * take the time they take, and closing it gives the lock back, however it ends.
 */
export function migrate(database: Database): Promise<readonly string[]> {
  return atMigrations(database, (executor) => executor.executePendingMigrations());
}

/** Their names, in order. */
export function pendingMigrations(database: Database): Promise<readonly string[]> {
  return atMigrations(database, (executor) => executor.getPendingMigrations());
}

async function atMigrations(
  database: Database,
  work: (executor: MigrationExecutor) => Promise<readonly { readonly name: string }[]>,
): Promise<readonly string[]> {
  const own = await Database.connect({ ...database.options, poolSize: 1, timeoutMs: 0 });
  try {
    const runner = own.source.createQueryRunner();
    await runner.query('SET statement_timeout = 0');
    await runner.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await refuseNewerDatabase(runner);
    const executor = new MigrationExecutor(withMigrations(own.source), runner);
    executor.transaction = 'each';
    const run = await work(executor);
    return run.map(({ name }) => name);
  } finally {
    await own.close();
  }
}

/** TypeORM takes migrations as classes to construct; ours are made of files. */
function withMigrations(source: DataSource): DataSource {
  Object.defineProperty(source, 'migrations', { value: knownMigrations() });
  return source;
}

async function refuseNewerDatabase(runner: QueryRunner): Promise<void> {
  if (!(await runner.hasTable('migrations'))) return;
  const known = new Set(knownMigrations().map(({ name }) => name));
  const applied = await runner.manager.query<{ readonly name: string }[]>(
    'SELECT name FROM migrations ORDER BY id',
  );
  const unknown = applied.map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new PembaError(
      'cannot_start',
      `The database was migrated by a newer version of Pemba (${unknown.join(', ')}): ` +
        'run that version, or restore a backup from before it.',
    );
  }
}
