/** The client and the real service. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PembaClient, PembaClientError } from '../../src/client/client.js';
import type { PembaClientOptions, TuplePage } from '../../src/client/client.js';
import { Store } from '../api/stores.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { failureOf } from './failures.js';
import { UnreliableProxy } from './unreliable-proxy.js';

const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, user:*, group#member, user with cheap]
    define blocked: [user]
    define can_view: viewer but not blocked
condition cheap(amount: int, limit: int) {
  amount <= limit
}
`;

const viewer = (user: string, object: string) => ({ user, relation: 'viewer', object });

const codeOf = (error: unknown): unknown =>
  error instanceof PembaClientError ? error.code : error;

async function all<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describeWithPostgres('the client', () => {
  let pemba: Pemba;
  let store: Store;
  let client: PembaClient;
  const clientOf = (options: Partial<PembaClientOptions> = {}): PembaClient =>
    new PembaClient({
      urls: [pemba.url],
      storeId: store.id,
      ...(pemba.adminKey !== undefined && { apiKey: pemba.adminKey }),
      ...options,
    });

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys', PEMBA_MAX_STREAMED_RESULTS: '100' });
    store = await Store.with(pemba, MODEL);
    client = clientOf();
    await client.write({
      writes: [
        viewer('user:anne', 'document:1'),
        viewer('group:eng#member', 'document:2'),
        viewer('user:*', 'document:open'),
        { user: 'user:bob', relation: 'member', object: 'group:eng' },
        { user: 'user:bob', relation: 'blocked', object: 'document:open' },
        {
          ...viewer('user:carl', 'document:1'),
          condition: { name: 'cheap', context: { limit: 10 } },
          expiresAt: new Date('2100-01-01T00:00:00Z'),
        },
      ],
    });
  });
  afterAll(() => pemba.stop());

  it('checks', async () => {
    const ask = (user: string, object: string, context = {}): Promise<boolean> =>
      client.check({ user, relation: 'can_view', object, context });
    expect(await ask('user:anne', 'document:1')).toBe(true);
    expect(await ask('user:bob', 'document:1')).toBe(false);
    expect(await ask('user:bob', 'document:2')).toBe(true);
    expect(await ask('user:carl', 'document:1', { amount: 10 })).toBe(true);
    expect(await ask('user:carl', 'document:1', { amount: 11 })).toBe(false);
    const missing = await failureOf(ask('user:carl', 'document:1'));
    expect(missing).toMatchObject({ code: 'validation_error', status: 400 });
    expect(
      await client.check(
        {
          ...viewer('user:dave', 'document:9'),
          contextualTuples: [viewer('user:dave', 'document:9')],
        },
        { consistency: 'higher', modelId: store.modelId },
      ),
    ).toBe(true);
  });

  it('checks several, and each fails alone', async () => {
    const verdicts = await client.batchCheck([
      viewer('user:anne', 'document:1'),
      viewer('user:bob', 'document:1'),
      { user: 'user:anne', relation: 'owner', object: 'document:1' },
    ]);
    expect(verdicts).toMatchObject([
      { allowed: true },
      { allowed: false },
      { error: { code: 'validation_error' } },
    ]);
    const many = Array.from({ length: 130 }, (_, i) => viewer('user:anne', `document:${i}`));
    const allowed = (await client.batchCheck(many)).map((verdict) => verdict.allowed);
    expect(allowed).toEqual(many.map(({ object }) => object === 'document:1'));
  });

  it('gathers checks into batches that say what checks say', async () => {
    const questions = ['user:anne', 'user:bob', 'user:carl', 'nobody'].flatMap((user) =>
      ['document:1', 'document:2', 'document:open'].map((object) => ({ ...viewer(user, object) })),
    );
    const requests: string[] = [];
    const gathering = clientOf({
      batching: true,
      fetch: (url, init) => {
        requests.push(new URL(url).pathname);
        return fetch(url, init);
      },
    });
    const outcome = (one: PembaClient): Promise<readonly PromiseSettledResult<boolean>[]> =>
      Promise.allSettled(questions.map((question) => one.check(question)));
    const [together, apart] = [await outcome(gathering), await outcome(client)];
    const told = (one: PromiseSettledResult<boolean>): unknown =>
      one.status === 'fulfilled' ? one.value : codeOf(one.reason);
    expect(together.map(told)).toEqual(apart.map(told));
    expect(new Set(together.map(told))).toEqual(new Set([true, false, 'validation_error']));
    expect(requests).toEqual([`${store.path}/batch-check`]);
  });

  it('lists objects and users, page by page', async () => {
    const question = { user: 'user:bob', relation: 'viewer', type: 'document' };
    const whole = await client.listObjects(question);
    expect(whole).toEqual({
      objects: ['document:2', 'document:open'],
      continuationToken: undefined,
    });
    const first = await client.listObjects({ ...question, pageSize: 1 });
    const { continuationToken } = first;
    const second = await client.listObjects({ ...question, pageSize: 1, continuationToken });
    expect([...first.objects, ...second.objects]).toEqual(whole.objects);
    const users = (object: string, type: string, relation?: string): Promise<unknown> =>
      client.listUsers({ object, relation: 'viewer', userFilter: { type, relation } });
    expect(await users('document:2', 'user')).toMatchObject({ users: ['user:bob'] });
    expect(await users('document:2', 'group', 'member')).toMatchObject({
      users: ['group:eng#member'],
    });
    expect(await users('document:open', 'user')).toMatchObject({ users: ['user:*'] });
    expect((await failureOf(users('document', 'user'))).code).toBe('validation_error');
  });

  it('streams a list to its end, however many answers that takes', async () => {
    const objects = Array.from({ length: 230 }, (_, i) => `document:s${i}`);
    for (let i = 0; i < objects.length; i += 100) {
      const writes = objects.slice(i, i + 100).map((object) => viewer('user:eve', object));
      await client.write({ writes });
    }
    const question = { user: 'user:eve', relation: 'viewer', type: 'document' };
    const streamed = await all(client.streamedListObjects(question));
    expect(streamed.toSorted()).toEqual([...objects, 'document:open'].toSorted());
    for await (const object of client.streamedListObjects(question)) {
      expect(object).toMatch(/^document:/);
      break;
    }
    const wrong = client.streamedListObjects({ ...question, relation: 'owner' });
    expect(await failureOf(all(wrong))).toMatchObject({ status: 400, code: 'validation_error' });
  });

  it('reads what is stored', async () => {
    const [page] = (await all(client.read({ object: 'document:1' }))) as [TuplePage];
    expect(page.continuationToken).toBeUndefined();
    expect(page.tuples).toHaveLength(2);
    expect(page.tuples.find(({ user }) => user === 'user:carl')).toEqual({
      ...viewer('user:carl', 'document:1'),
      condition: { name: 'cheap', context: { limit: 10 } },
      expiresAt: new Date('2100-01-01T00:00:00Z'),
      writtenAt: expect.any(Date),
    });
    expect(page.tuples.find(({ user }) => user === 'user:anne')).toMatchObject({
      condition: undefined,
      expiresAt: undefined,
    });
    const pages = await all(client.read({}, { pageSize: 2 }));
    expect(pages.length).toBeGreaterThan(2);
    const [{ continuationToken }] = pages as [TuplePage];
    const rest = await all(client.read({}, { pageSize: 100, continuationToken }));
    expect(rest.flatMap(({ tuples }) => tuples)).toEqual(pages.slice(1).flatMap((p) => p.tuples));
  });

  it('expands', async () => {
    const { root, isComplete } = await client.expand({
      relation: 'viewer',
      object: 'document:2',
      maxDepth: 5,
    });
    expect(isComplete).toBe(true);
    expect(JSON.stringify(root)).toContain('user:bob');
  });

  it('is told of failures by their codes', async () => {
    const question = viewer('user:anne', 'document:1');
    const again = await failureOf(client.write({ writes: [question] }));
    expect(again).toMatchObject({ code: 'write_failed_due_to_invalid_input', status: 400 });
    expect(again.requestId).toMatch(/^[0-9A-Z]{26}-/);
    const unknown = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const codes = [
      clientOf({ apiKey: 'pemba_wrong' }).check(question),
      clientOf({ storeId: unknown }).check(question),
      client.check(question, { modelId: unknown }),
      client.check(question, { consistency: { atLeast: 'x'.repeat(32) } }),
      client.write({}),
    ].map(async (call) => (await failureOf(call)).code);
    expect(await Promise.all(codes)).toEqual([
      'unauthenticated',
      'latest_authorization_model_not_found',
      'authorization_model_not_found',
      'validation_error',
      'invalid_write_input',
    ]);
  });

  describe(`behind a proxy that loses every third request or answer (seed ${seed})`, () => {
    let proxy: UnreliableProxy;
    beforeAll(async () => {
      proxy = await UnreliableProxy.start(pemba.url, seed);
    });
    afterAll(() => proxy.stop());
    const through = (): PembaClient =>
      clientOf({ urls: [proxy.url], retries: { max: 20, baseDelayMs: 1, budget: 20 } });

    it('gets its answers all the same', async () => {
      const many = Array.from({ length: 60 }, (_, i) => viewer('user:anne', `document:${i}`));
      const one = through();
      const answers = await Promise.all(many.map((question) => one.check(question)));
      expect(answers).toEqual(many.map(({ object }) => object === 'document:1'));
      expect(proxy.lost).toBeGreaterThan(5);
    });

    it('writes what may be written twice, and sends nothing else twice', async () => {
      const one = through();
      const writes = (i: number) => ({ writes: [viewer('user:zoe', `document:p${i}`)] });
      for (let i = 0; i < 40; i++) await one.write({ ...writes(i), onDuplicate: 'ignore' });
      const passed = proxy.passed;
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, i) => one.write(writes(100 + i))),
      );
      // Twice would be "cannot write a tuple which already exists".
      const codes = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [codeOf(outcome.reason)] : [],
      );
      expect(new Set(codes)).toEqual(new Set(['connection_failed']));
      expect(proxy.passed - passed).toBeLessThanOrEqual(40);
      const pages = await all(client.read({ user: 'user:zoe', object: 'document:' }));
      const stored = pages.flatMap(({ tuples }) => tuples.map(({ object }) => object));
      for (let i = 0; i < 40; i++) expect(stored).toContain(`document:p${i}`);
      outcomes.forEach(({ status }, i) => {
        if (status === 'fulfilled') expect(stored).toContain(`document:p${100 + i}`);
      });
    });
  });
});
