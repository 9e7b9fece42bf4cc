import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Api } from '../../../src/cli/api.js';
import { runStoreFile } from '../../../src/cli/store-file/run.js';
import { ServerStore } from '../../../src/cli/store-file/server-store.js';
import { startPemba } from '../../support/pemba.js';
import type { Pemba } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { MODEL, run } from './store-files.js';

const SHOP = join(import.meta.dirname, '..', '..', '..', 'schema', 'shop', 'shop.fga.yaml');

describeWithPostgres('a store file on a server', () => {
  let pemba: Pemba;
  let api: Api;
  beforeAll(async () => {
    pemba = await startPemba();
    api = new Api({ url: pemba.url, key: pemba.adminKey, fetch });
  });
  afterAll(() => pemba.stop());

  const storesLeft = async (): Promise<unknown> => (await api.get('/stores'))['stores'];

  it('answers as this process does', async () => {
    const { problems, tests } = await runStoreFile(SHOP, {
      readFile: (path) => readFile(path, 'utf8'),
      clock: () => performance.now(),
      now: Date.now(),
      answering: (file) => ServerStore.open(api, file),
    });
    expect(problems).toEqual([]);
    expect(tests.length).toBeGreaterThan(10);
    expect(tests.flatMap(({ failures }) => failures)).toEqual([]);
    expect(await storesLeft()).toEqual([]);
  });

  it('fails where an answer is another one, or none', async () => {
    const { tests } = await run(
      `${MODEL}tests:
  - name: t
    tuples: [{user: user:bob, relation: owner, object: doc:1, condition: {name: late}}]
    check:
      - {user: user:bob, object: doc:1, assertions: {owner: true, ownr: true, blocked: true}}
    list_objects: [{user: user:bob, type: doc, context: {hour: 20}, assertions: {owner: []}}]
    list_users:
      - {object: doc:1, user_filter: [{type: user}], context: {hour: 20}, assertions: {owner: {users: []}}}
`,
      { answering: (file) => ServerStore.open(api, file) },
    );
    expect(tests[0]?.failures.map(({ got }) => got)).toEqual([
      { error: expect.stringContaining('missing context parameters') },
      { error: expect.stringContaining("'doc#ownr' not found") },
      false,
      ['doc:1'],
      ['user:bob'],
    ]);
    expect(await storesLeft()).toEqual([]);
  });
});
