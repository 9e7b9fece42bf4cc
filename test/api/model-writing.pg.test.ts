/** What goes with the writing of a model: what is said of it, and on what it relies. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { expectStatus } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type doc
  relations
    define viewer: [user]
`;

describeWithPostgres('a model is written', () => {
  let pemba: Pemba;
  let store: TestStore;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
  });
  afterAll(() => pemba.stop());

  const write = (headers: Readonly<Record<string, string>>): Promise<Answer> =>
    pemba.call('POST', `${store.path}/authorization-models`, undefined, {
      raw: MODEL,
      headers: { 'content-type': 'text/plain', ...headers },
    });
  const idIn = (answer: Answer): string =>
    String(expectStatus(answer, 201).json.authorization_model_id);
  const metadataOf = async (id: string): Promise<unknown> => {
    const { json } = await pemba.call('GET', `${store.path}/authorization-models/${id}`);
    return json.authorization_model.metadata;
  };

  beforeAll(async () => {
    store = await pemba.storeWith(MODEL);
  });

  it('with a message, an author and a revision, and by whom, which stay with it', async () => {
    const id = idIn(
      await write({
        'pemba-model-message': encodeURIComponent('Größer, 100 %'),
        'pemba-model-author': encodeURIComponent('Anne <anne@example.com>'),
        'pemba-model-git-revision': 'abc123',
      }),
    );
    const expected = {
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      message: 'Größer, 100 %',
      author: 'Anne <anne@example.com>',
      git_revision: 'abc123',
      written_by: expect.stringMatching(/^key:[0-9A-Z]{26}$/),
    };
    expect(await metadataOf(id)).toEqual(expected);
    const { json } = await pemba.call('GET', `${store.path}/authorization-models?page_size=1`);
    expect(json.authorization_models[0].metadata).toEqual(expected);
    expect(Object.keys((await metadataOf(store.modelId)) as object)).toEqual([
      'created_at',
      'written_by',
    ]);
  });

  it.each([
    ['pemba-model-message', '%0A', 'holds control characters'],
    ['pemba-model-message', '%FF', 'is not percent-encoded UTF-8'],
    ['pemba-model-message', 'x'.repeat(501), 'can have 500 characters at most'],
    ['pemba-model-author', 'x'.repeat(201), 'can have 200 characters at most'],
    ['pemba-model-git-revision', 'x'.repeat(101), 'can have 100 characters at most'],
    ['pemba-expect-current-model', 'newest', 'must be a ULID'],
    ['pemba-expect-unchanged-since', 'x', 'is no consistency token of this store'],
  ])('never with a %s such as %.10s', async (header, value, problem) => {
    const answer = await write({ [header]: value });
    expect(answer).toMatchObject({
      status: 400,
      json: { code: 'validation_error', message: expect.stringContaining(problem) },
    });
  });

  it('only after the one that is expected, once of many at a time', async () => {
    const current = idIn(await write({}));
    const stale = await write({ 'pemba-expect-current-model': store.modelId });
    expect(stale).toMatchObject({
      status: 409,
      json: {
        code: 'authorization_model_conflict',
        message: expect.stringContaining(current),
      },
    });
    const many = await Promise.all(
      Array.from({ length: 5 }, () => write({ 'pemba-expect-current-model': current })),
    );
    expect(many.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });

  it('only as the first one', async () => {
    expect((await write({ 'pemba-expect-current-model': 'none' })).status).toBe(409);
    const { json } = await pemba.call('POST', '/stores', { name: 'empty' });
    const first = await pemba.call('POST', `/stores/${json.id}/authorization-models`, undefined, {
      raw: MODEL,
      headers: { 'content-type': 'text/plain', 'pemba-expect-current-model': 'none' },
    });
    expect(first.status).toBe(201);
  });

  it('only while no tuple changes', async () => {
    const tuple = (id: string): Promise<Answer> =>
      pemba.call('POST', `${store.path}/write`, {
        writes: { tuple_keys: [{ user: 'user:anne', relation: 'viewer', object: `doc:${id}` }] },
      });
    const token = (await tuple('1')).headers.get('pemba-consistency-token') ?? '';
    expect((await write({ 'pemba-expect-unchanged-since': token })).status).toBe(201);
    await tuple('2');
    expect((await write({ 'pemba-expect-unchanged-since': token })).status).toBe(409);
  });

  it('as the newest, though another clock was ahead', async () => {
    pemba.clock.putForward(60_000);
    const ahead = idIn(await write({}));
    pemba.clock.putForward(-60_000);
    const next = idIn(await write({ 'pemba-expect-current-model': ahead }));
    expect(next > ahead).toBe(true);
  });

  it('in what is attached to it as well', async () => {
    const put = (model: string): Promise<Answer> =>
      pemba.call(
        'PUT',
        `${store.path}/claims-mapping`,
        { context: ['acr'] },
        {
          headers: { 'pemba-model-message': 'acr', 'pemba-expect-current-model': model },
        },
      );
    const current = idIn(await write({}));
    expect((await put(store.modelId)).status).toBe(409);
    expect(await metadataOf(idIn(await put(current)))).toMatchObject({ message: 'acr' });
  });
});
