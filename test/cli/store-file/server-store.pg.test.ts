import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Api } from '../../../src/cli/api.js';
import { runStoreFile } from '../../../src/cli/store-file/run.js';
import type { FileResult } from '../../../src/cli/store-file/run.js';
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

  /** The verbs that the server is asked by, in their order. */
  const counted = (verbs: string[], url = pemba.url): Api =>
    new Api({
      url,
      key: pemba.adminKey,
      fetch: (to, init) => {
        if (typeof to === 'string') verbs.push(to.replace(/^.*[/]/, ''));
        return fetch(to, init);
      },
    });

  /** Of each test, how often an assertion failed with which answer. */
  const failuresBy = (result: FileResult): readonly (readonly unknown[])[] =>
    result.tests.map(({ failures }) => failures.map(({ got }) => got));

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

  const LATE = Array.from({ length: 60 }, (_, hour) => hour % 24);
  const MANY = `${MODEL}tests:
  - name: each hour by itself
    tuples: [{user: user:bob, relation: owner, object: doc:1, condition: {name: late}}]
    check:
${LATE.map(
  (hour) =>
    `      - {user: user:bob, object: doc:1, context: {hour: ${hour}}, assertions: {owner: ${hour > 18}}}`,
).join('\n')}
  - name: without that tuple, and with mistakes
    check:
      - {user: user:bob, object: doc:1, context: {hour: 20}, assertions: {owner: true, viewer: false}}
      - {user: user:bob, object: doc:1, context: {hour: 20}, assertions: {ownr: false, editor: false}}
`;

  it('is asked for many checks at once, each with what its test gives it', async () => {
    const verbs: string[] = [];
    const result = await run(MANY, { answering: (file) => ServerStore.open(counted(verbs), file) });
    expect(failuresBy(result)).toEqual([
      [],
      [false, { error: expect.stringContaining("'doc#ownr' not found") }],
    ]);
    expect(verbs.filter((verb) => verb.endsWith('check'))).toEqual(['batch-check', 'batch-check']);
  });

  it('is asked one by one where it takes no such batch', async () => {
    const small = await startPemba({ PEMBA_MAX_BATCH_CHECKS: '10' }, pemba);
    try {
      const verbs: string[] = [];
      const result = await run(MANY, {
        answering: (file) => ServerStore.open(counted(verbs, small.url), file),
      });
      expect(failuresBy(result)).toEqual([
        [],
        [false, { error: expect.stringContaining("'doc#ownr' not found") }],
      ]);
      const checks = verbs.filter((verb) => verb === 'check' || verb === 'batch-check');
      expect(checks).toEqual([
        'batch-check',
        ...Array.from({ length: 50 }, () => 'check'),
        'batch-check',
        ...Array.from({ length: 14 }, () => 'check'),
      ]);
    } finally {
      await small.stop();
    }
  });

  it('keeps apart who acts for a user', async () => {
    const verbs: string[] = [];
    const check = (actor: string, expected: boolean): string =>
      `      - {user: user:anne, actor: service:${actor}, object: item:teapot, ` +
      `assertions: {can_view: ${expected}}}`;
    const text = `model: |
  model
    schema 1.1
  type user
  type service
    relations
      define acting_for: [user]
  type scope
    relations
      define actor: [service]
  type item
    relations
      define can_view: [user]
tuples:
  - {user: user:anne, relation: can_view, object: item:teapot}
  - {user: service:web, relation: actor, object: 'scope:item.can_view'}
tests:
  - name: t
    delegated_check:
${[check('web', true), check('orders', false), check('web', true), check('orders', true)].join('\n')}
`;
    const result = await run(text, { answering: (file) => ServerStore.open(counted(verbs), file) });
    expect(result.problems).toEqual([]);
    expect(result.tests[0]?.failures).toMatchObject([
      { got: false, assertion: { expected: true } },
    ]);
    expect(verbs.filter((verb) => verb.endsWith('check'))).toEqual(
      Array.from({ length: 2 }, () => 'delegated-batch-check'),
    );
  });
});
