/** The server, and PostgreSQL, are killed in the middle of a restore: nothing of it is left. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import type { EmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import { describeOnUnix } from '../support/embedded.js';
import { ImportClient } from '../support/import-client.js';
import { until } from '../support/storage.js';
import { ServerProcess } from './server-process.js';
import { createStore } from './workload.js';

/** Some chunks of what is restored at a time, and half of it more than one. */
const TUPLES = 60_000;

describeOnUnix('a restore that is broken off', () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres;
  let databaseUrl: string;
  let server: ServerProcess;
  const said: string[] = [];
  /** With a newline at the end of each, the last of which is the seal. */
  let backup: readonly string[];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'pemba-restore-'));
    chmodSync(dataDir, 0o755); // for the server's user to get in
    postgres = await startEmbeddedPostgres({
      dataDir,
      durable: false,
      log: (line) => said.push(line),
    });
    const { host, port, user, database } = postgres.connection;
    databaseUrl = `postgresql://${user}@${encodeURIComponent(host)}:${port}/${database}`;
    server = await ServerProcess.start({ databaseUrl });
    const store = `${server.url}/stores/${await createStore(server.url)}`;
    const client = new ImportClient(store);
    for (let at = 0; at < TUPLES; at += 1000) {
      const lines = Array.from({ length: 1000 }, (_, i) => {
        const key = { user: `user:${at + i}`, relation: 'granted', object: `document:${i}` };
        return `${JSON.stringify(key)}\n`;
      });
      await client.send(lines.join(''));
    }
    client.end();
    expect(await client.status()).toBe(200);
    await client.all();
    const text = await (await fetch(`${store}/backup`)).text();
    backup = text
      .trimEnd()
      .split('\n')
      .map((line) => `${line}\n`);
    await fetch(store, { method: 'DELETE' });
  });
  afterAll(async () => {
    await server.kill();
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function query(statement: string): Promise<readonly unknown[]> {
    const client = new Client(postgres.connection);
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(statement);
      return rows.flatMap((row) => Object.values(row));
    } finally {
      await client.end();
    }
  }

  /** What anybody could find, of every table: processes come and go. */
  async function everything(): Promise<readonly unknown[]> {
    const tables = await query(
      `SELECT quote_ident(tablename) FROM pg_tables
       WHERE schemaname = 'public' AND tablename <> 'server_process' ORDER BY 1`,
    );
    const sums = tables.map((table) => {
      const rows = `(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ${String(table)} t)`;
      return `${rows} AS ${String(table)}`;
    });
    return query(`SELECT ${sums.join(', ')}`);
  }

  /** Grows with rows that nobody can see yet. */
  const sizeOfTuples = async (): Promise<number> =>
    Number(
      (
        await query(
          `SELECT sum(pg_relation_size(oid)) FROM pg_class
           WHERE relname LIKE 'relation\\_tuple%' AND relkind = 'r'`,
        )
      )[0],
    );

  /** Half of it is sent, and some of that is in the database. */
  async function beginRestore(): Promise<ImportClient> {
    const size = await sizeOfTuples();
    const client = new ImportClient(server.url, 'application/json', 'restore');
    await client.send(backup.slice(0, backup.length / 2).join(''));
    await until(async () => (await sizeOfTuples()) > size);
    return client;
  }

  /** All of it; returns the restored store's own backup. */
  async function restore(): Promise<readonly string[]> {
    const response = await fetch(`${server.url}/restore`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: backup.join(''),
    });
    expect(response.status).toBe(201);
    const { id, tuples } = (await response.json()) as { id: string; tuples: number };
    expect(tuples).toBe(TUPLES);
    const text = await (await fetch(`${server.url}/stores/${id}/backup`)).text();
    return text.split(/(?<=\n)/);
  }

  /** Rows of a chunk go in sorted, so a backup of it has another order. */
  const contentOf = (lines: readonly string[]): object => {
    const content = lines.slice(1, -1).sort();
    const digest = createHash('sha256').update(content.join('')).digest('hex');
    return { count: content.length, digest };
  };

  it('by a kill of the server leaves nothing, and the same file restores afterwards', async () => {
    const before = await everything();
    const client = await beginRestore();
    await server.kill();
    await expect(client.status()).rejects.toThrow();
    // PostgreSQL has noticed.
    await until(async () => {
      const open = `SELECT count(*)::int FROM pg_stat_activity
                    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;
      return (await query(open))[0] === 0;
    });
    expect(await everything()).toEqual(before);
    server = await ServerProcess.start({ databaseUrl });
    expect(contentOf(await restore())).toEqual(contentOf(backup));
  });

  it('by a kill of PostgreSQL leaves nothing, and goes in when that is back', async () => {
    const before = await everything();
    const client = await beginRestore();
    said.length = 0;
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
    process.kill(Number.parseInt(readFileSync(pidFile, 'utf8'), 10), 'SIGKILL');
    // Whoever is sending may have to hear it from the connection.
    await client.send(backup.slice(backup.length / 2).join('')).catch(() => undefined);
    client.end();
    expect(await client.status()).toBe(503);
    await until(() => said.includes('PostgreSQL is back'));
    await until(async () => (await fetch(`${server.url}/readyz`)).status === 200);
    expect(await everything()).toEqual(before);
    expect(contentOf(await restore())).toEqual(contentOf(backup));
  });
});
