/** Consistency and page tokens outlive what happens to a database, and serve no one who makes them up. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { asRevision } from '../../src/ids.js';
import type { StoreId } from '../../src/ids.js';
import { ConsistencyTokens } from '../../src/replica/consistency-tokens.js';
import { storeHeads } from '../../src/storage/stores.js';
import { Store, expectError, expectStatus, keyOf } from '../api/stores.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const NAMES = [1, 2, 3].map((i) => `document:${i}#viewer@user:anne`);
const HEADER = 'pemba-consistency-token';
const CHECK = { tuple_key: keyOf(NAMES[2]!) };

const tokenOf = ({ headers }: Answer): string => headers.get(HEADER) ?? '';

const ask = (store: Store, token: string): Promise<Answer> =>
  store.post('check', CHECK, { headers: { [HEADER]: token } });

const pageOf = (store: Store, continuation_token: string): Promise<Answer> =>
  store.post('read', { page_size: 1, continuation_token });

const storesPage = (pemba: Pemba, token: string): Promise<Answer> =>
  pemba.call('GET', `/stores?page_size=1&continuation_token=${token}`);

const TABLES = ['store', 'authorization_model', 'relation_tuple', 'tuple_change', 'setting'];

/** All rows from one database into another, as a dump and its restore take them: by COPY. */
async function restore(from: Pemba, into: Pemba): Promise<void> {
  const source = new Client({ connectionString: from.database.url });
  const target = new Client({ connectionString: into.database.url });
  await Promise.all([source.connect(), target.connect()]);
  try {
    await target.query(`TRUNCATE ${TABLES.join(', ')}`);
    for (const table of TABLES) {
      await pipeline(
        source.query(copyTo(`COPY ${table} TO STDOUT`)),
        target.query(copyFrom(`COPY ${table} FROM STDIN`)),
      );
    }
  } finally {
    await Promise.all([source.end(), target.end()]);
  }
}

describeWithPostgres('a token', () => {
  let pemba: Pemba;
  let second: Pemba;
  let restored: Pemba;
  let store: Store;
  let consistency: string;
  let page: string;
  let list: string;

  beforeAll(async () => {
    pemba = await startPemba();
    second = await startPemba({}, pemba);
    store = await Store.with(pemba, MODEL);
    await Store.with(pemba, MODEL);
    for (const name of NAMES) consistency = tokenOf(await store.written([name]));
    page = String((await pageOf(store, '')).json.continuation_token);
    list = String((await storesPage(pemba, '')).json.continuation_token);
    restored = await startPemba();
    await restore(pemba, restored);
  });
  afterAll(async () => {
    await restored.stop();
    await second.stop();
    await pemba.stop();
  });

  it.each([
    ['every process', (): Pemba => second],
    ['a database that was restored', (): Pemba => restored],
  ])('is good in %s', async (_where, there) => {
    const same = new Store(there(), store);
    const answer = expectStatus(await ask(same, consistency), 200);
    expect(answer.json.allowed).toBe(true);
    expect(tokenOf(answer)).toBe(consistency);
    const [{ json: here }, { json: elsewhere }] = [
      expectStatus(await pageOf(store, page), 200),
      expectStatus(await pageOf(same, page), 200),
    ];
    expect(elsewhere).toEqual(here);
    expectStatus(await storesPage(there(), list), 200);
  });

  it('is the same from whatever answers at a revision, loaded or not', async () => {
    const third = await startPemba({}, pemba);
    try {
      const same = new Store(third, store);
      expect(tokenOf(expectStatus(await same.post('read', {}), 200))).toBe(consistency);
      expect(third.assembly.replicas.peek(store.id as StoreId)).toBeUndefined();
      const none = { filter: { user: 'user:nobody' } };
      expect(tokenOf(expectStatus(await same.post('delete-by-filter', none), 200))).toBe(
        consistency,
      );
      const rewritten = await same.written([NAMES[0]!], { on_duplicate: 'ignore' });
      expect(tokenOf(rewritten)).toBe(consistency);
      const imported = await same.post('import', undefined, {
        raw: JSON.stringify(keyOf(NAMES[0]!)),
        headers: { 'content-type': 'application/x-ndjson' },
      });
      expect(tokenOf(expectStatus(imported, 200))).toBe(consistency);
      expect(tokenOf(expectStatus(await same.post('check', CHECK), 200))).toBe(consistency);
    } finally {
      await third.stop();
    }
  });

  it('from the future is refused, though the key is the store’s', async () => {
    const [head] = (await storeHeads(pemba.assembly.database, [store.id as StoreId])).values();
    const tokens = new ConsistencyTokens(store.id as StoreId, head!.tokenKey);
    expect(tokens.of(asRevision(3))).toBe(consistency);
    for (const revision of [4, Number.MAX_SAFE_INTEGER]) {
      const answer = await ask(store, tokens.of(asRevision(revision)));
      expectError(answer, 400, 'validation_error', /Invalid consistency token: it is from the fu/);
    }
    for (const revision of [0, 1, 2]) {
      expectStatus(await ask(store, tokens.of(asRevision(revision))), 200);
    }
  });

  it('of a revision that exists is refused if another key made it', async () => {
    for (const key of [Buffer.alloc(0), Buffer.alloc(32), Buffer.from(store.id)]) {
      const forged = new ConsistencyTokens(store.id as StoreId, key).of(asRevision(1));
      for (const there of [pemba, second, restored]) {
        const answer = await ask(new Store(there, store), forged);
        expectError(answer, 400, 'validation_error', /Invalid consistency token/);
      }
    }
  });
});
