import { randomBytes } from 'node:crypto';
import { describe, it } from '@jest/globals';
import { Client } from 'pg';

export interface TestConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface TestDatabase {
  readonly url: string;
  /** The same as `url`, for pg and TypeORM. */
  readonly connection: TestConnection;
  /** Fails when a connection to the database is still open: a test has forgotten to close it. */
  drop(): Promise<void>;
}

/**
 * A describe block whose tests need PostgreSQL. Without a server they are skipped and the block's
 * name says why; on CI, where that would hide a fault, they fail.
 */
export function describeWithPostgres(name: string, body: () => void): void {
  const { PEMBA_TEST_DATABASE_URL: url, PEMBA_TEST_DATABASE_ABSENT: reason } = process.env;
  if (url !== undefined) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    describe(name, () => {
      it('needs PostgreSQL', () => {
        throw new Error(reason);
      });
    });
  } else {
    describe.skip(`${name} (skipped: ${reason ?? 'no PostgreSQL'})`, body);
  }
}

/** A new, empty database on the test run's server. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `pemba_test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name}`);
  const url = serverUrl();
  url.pathname = name;
  return {
    url: url.href,
    connection: { ...connectionOf(url), database: name },
    drop: () => onServer(`DROP DATABASE ${name}`),
  };
}

function serverUrl(): URL {
  const url = process.env['PEMBA_TEST_DATABASE_URL'];
  if (url === undefined) throw new Error('use describeWithPostgres for tests with a database');
  return new URL(url);
}

function connectionOf(url: URL): TestConnection {
  return {
    host: decodeURIComponent(url.hostname),
    port: Number(url.port === '' ? 5432 : url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
  };
}

async function onServer(statement: string): Promise<void> {
  const client = new Client(connectionOf(serverUrl()));
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
