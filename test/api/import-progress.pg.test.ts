/** Imports while they go on: progress, what becomes of one that breaks off, and the limits. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ImportClient, importLines } from '../support/import-client.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';
import { Store } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;

/** Of one transaction. */
const CHUNK = 10_000;
const PATIENCE_MS = 800;
const MAX_BYTES = 8_000_000;

describeWithPostgres('an import that goes on', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_REQUEST_TIMEOUT_MS: String(PATIENCE_MS),
      PEMBA_MAX_IMPORT_BYTES: String(MAX_BYTES),
    });
  });
  afterAll(() => pemba.stop());

  const urlOf = (store: Store): string => `${pemba.url}${store.path}`;

  /** Tuples, changes in the log, and the head. */
  async function contentsOf({ id }: Store): Promise<readonly number[]> {
    const [row] = await pemba.assembly.database.query(
      `SELECT (SELECT count(*) FROM relation_tuple WHERE store_id = $1)::int AS tuples,
         (SELECT coalesce(sum(coalesce(batch_size, 1)), 0) FROM tuple_change
           WHERE store_id = $1)::int AS changes,
         (SELECT head_revision FROM store WHERE store_id = $1)::int AS head`,
      [id],
    );
    return Object.values(row ?? {}) as number[];
  }

  it('tells of each chunk while the rest is still to come, and the sum at the end', async () => {
    const store = await Store.with(pemba, MODEL);
    const client = new ImportClient(urlOf(store));
    await client.send(`${importLines(0, CHUNK / 2)}\nno tuple\n${importLines(CHUNK / 2, CHUNK)}`);
    const lines = client.lines();
    // The chunk is stored beside what arrives, and told of with it.
    let sent = 1.5 * CHUNK;
    const first = lines.next();
    const heard = { first: false };
    void first.then(() => (heard.first = true));
    while (!heard.first) {
      await client.send(importLines(sent++, 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await first).toMatchObject({
      value: {
        ...{ line: CHUNK + 2, written: CHUNK, rejected: 1, revision: 1 },
        rejects: [{ line: CHUNK / 2 + 2, message: expect.stringContaining('JSON') }],
      },
    });
    expect(await store.allows(`document:${CHUNK - 1}#viewer@user:anne`)).toBe(true);
    client.end();
    const rest: unknown[] = [];
    for await (const line of lines) rest.push(line);
    expect(rest).toEqual([
      {
        ...{ line: sent + 2, written: sent, rejected: 1, revision: 2 },
        rejects: [],
        consistency_token: expect.any(String),
      },
    ]);
    expect(await contentsOf(store)).toEqual([sent, sent, 2]);
  });

  it('leaves whole chunks when the connection is cut, and sent again does the rest', async () => {
    const store = await Store.with(pemba, MODEL);
    const client = new ImportClient(urlOf(store));
    await client.send(importLines(0, 2 * CHUNK + 100));
    const { value } = await client.lines().next();
    expect(value).toMatchObject({ line: CHUNK, written: CHUNK });
    client.cut();
    // The second chunk may have been on its way.
    await until(async () => (await contentsOf(store))[0] === 2 * CHUNK);
    expect(await contentsOf(store)).toEqual([2 * CHUNK, 2 * CHUNK, 2]);
    for (const [from, written] of [
      [CHUNK, 100],
      [0, 0],
    ] as const) {
      const again = new ImportClient(urlOf(store), 'application/json');
      await again.send(importLines(from, 2 * CHUNK + 100 - from));
      again.end();
      expect(await again.all()).toEqual([{ written, rejected: 0, rejects: [] }]);
    }
    const all = 2 * CHUNK + 100;
    expect(await contentsOf(store)).toEqual([all, all, 3]);
    expect(await store.allows(`document:${all - 1}#viewer@user:anne`)).toBe(true);
    expect(pemba.failures()).toEqual([]);
  });

  it('may take longer than other requests, as long as something arrives', async () => {
    const store = await Store.with(pemba, MODEL);
    const client = new ImportClient(urlOf(store));
    const pieces = 12;
    for (let i = 0; i < pieces; i++) {
      await client.send(importLines(i, 1));
      await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS / 3));
    }
    client.end();
    expect((await client.all()).at(-1)).toMatchObject({ line: pieces, written: pieces });
  });

  it('is given up when nothing arrives', async () => {
    const store = await Store.with(pemba, MODEL);
    const client = new ImportClient(urlOf(store), 'application/json');
    await client.send(importLines(0, 1));
    expect(await client.status()).toBe(408);
    expect(await client.all()).toMatchObject([{ code: 'cancelled' }]);
    expect(await contentsOf(store)).toEqual([0, 0, 0]);
  });

  it('ends with the error when it fails after it has told of chunks', async () => {
    const store = await Store.with(pemba, MODEL);
    const client = new ImportClient(urlOf(store));
    await client.send(importLines(0, 2 * CHUNK));
    const lines = await client.all();
    expect(lines[0]).toMatchObject({ line: CHUNK });
    expect(lines.at(-1)).toEqual({ error: { code: 'cancelled', message: expect.any(String) } });
    expect(await contentsOf(store)).toEqual([2 * CHUNK, 2 * CHUNK, 2]);
  });

  it('has limits to the whole and to a line', async () => {
    const store = await Store.with(pemba, MODEL);
    for (const [body, message] of [
      [importLines(0, Math.ceil(MAX_BYTES / importLines(0, 1).length)), 'the body is longer'],
      ['x'.repeat(2_000_000), 'line 1 is too long'],
    ] as const) {
      const client = new ImportClient(urlOf(store), 'application/json');
      await client.send(body).catch(() => undefined);
      expect(await client.status()).toBe(413);
      const [answer] = await client.all();
      expect(answer).toMatchObject({ message: expect.stringContaining(message) });
    }
  });

  it('answers what is wrong from the beginning as any other request', async () => {
    const client = new ImportClient(`${pemba.url}/stores/x`);
    await client.send(importLines(0, 1));
    client.end();
    expect(await client.status()).toBe(400);
    expect(await client.all()).toMatchObject([{ code: 'validation_error' }]);
  });
});
