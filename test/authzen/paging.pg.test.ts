/** Searches in pages are whole, and stay so while others write. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyOf } from '../api/stores.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { AccessStore, entity, evaluation } from './worlds.js';

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, user:*, group#member]
type document
  relations
    define parent: [document]
    define barred: [user]
    define viewer: [user, user:*, group#member, user with is_grown] or viewer from parent
    define editor: viewer but not barred
condition is_grown(subject_age: int) {
  subject_age >= 18
}
`;

const USERS = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => `user:${id}`);
const GROUPS = ['group:x', 'group:y'];
const DOCUMENTS = ['1', '2', '3', '4', '5'].map((id) => `document:${id}`);
const MAPPING = {
  types: { document: { actions: ['viewer', 'editor'], forbidden: 'barred' } },
  properties: { subject: ['age'] },
};

describeWithPostgres('searches in pages', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  const some = (names: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...names);
  const tuple = fc.oneof(
    fc
      .tuple(some(DOCUMENTS), some([...USERS, ...GROUPS.map((one) => `${one}#member`), 'user:*']))
      .map(([object, user]) => ({ user, relation: 'viewer', object })),
    fc.tuple(some(DOCUMENTS), some(USERS)).map(([object, user]) => ({
      ...{ user, relation: 'viewer', object },
      condition: { name: 'is_grown', context: {} },
    })),
    fc
      .tuple(some(DOCUMENTS), some(USERS))
      .map(([object, user]) => ({ user, relation: 'barred', object })),
    fc
      .tuple(some(GROUPS), some([...USERS, 'group:y#member']))
      .filter(([object, user]) => user !== `${object}#member`)
      .map(([object, user]) => ({ user, relation: 'member', object })),
    fc
      .tuple(some(DOCUMENTS), some(DOCUMENTS))
      .map(([object, user]) => ({ user, relation: 'parent', object })),
  );
  const world = fc.uniqueArray(tuple, {
    minLength: 1,
    maxLength: 25,
    selector: ({ user, relation, object }) => `${object}#${relation}@${user}`,
  });

  it('find exactly what evaluations say, whatever the size of a page', async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (tuples, limit, isGrown) => {
          const store = await AccessStore.with(pemba, MODEL, tuples, MAPPING);
          const properties = isGrown ? { age: 20 } : {};
          const named = new Set(tuples.map(({ user }) => user));
          const users = USERS.filter((user) => named.has(user));
          const evaluations = users.flatMap((user) =>
            DOCUMENTS.flatMap((document) =>
              ['viewer', 'editor'].map((name) => ({
                subject: { ...entity(user), properties },
                action: { name },
                resource: entity(document),
              })),
            ),
          );
          const judged: boolean[] = [];
          for (let i = 0; i < evaluations.length; i += 50) {
            const body = { evaluations: evaluations.slice(i, i + 50) };
            const { evaluations: all } = await store.told('evaluations', body);
            judged.push(...(all as { decision: boolean }[]).map(({ decision }) => decision));
          }
          const isTrue = evaluations.filter((_one, i) => judged[i]);
          const ids = (entities: readonly object[]): readonly string[] =>
            entities.map((one) => JSON.stringify(one)).sort();
          for (const name of ['viewer', 'editor']) {
            for (const document of DOCUMENTS) {
              const found = await store.found(
                'subject',
                {
                  ...evaluation('user:a', name, document),
                  subject: { type: 'user', properties },
                },
                limit,
              );
              const wanted = isTrue
                .filter(
                  ({ action, resource }) =>
                    action.name === name && resource.id === entity(document).id,
                )
                .map(({ subject: { type, id } }) => ({ type, id }));
              expect(ids(found)).toEqual(ids(wanted));
            }
            for (const user of users) {
              const found = await store.found(
                'resource',
                {
                  subject: { ...entity(user), properties },
                  action: { name },
                  resource: { type: 'document' },
                },
                limit,
              );
              const wanted = isTrue
                .filter(
                  ({ action, subject }) => action.name === name && subject.id === entity(user).id,
                )
                .map(({ resource }) => resource);
              expect(ids(found)).toEqual(ids(wanted));
            }
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  it('neither repeat nor skip what stays, while others come and go', async () => {
    const stay = Array.from({ length: 40 }, (_, i) => `user:s${String(i).padStart(2, '0')}`);
    const store = await AccessStore.with(
      pemba,
      MODEL,
      stay.map((user) => `document:1#viewer@${user}`),
      MAPPING,
    );
    const body = { ...evaluation('user:x', 'viewer', 'document:1'), subject: { type: 'user' } };
    const seen: string[] = [];
    let token = '';
    let round = 0;
    do {
      const { results, page } = await store.told('search/subject', {
        ...body,
        page: { token, limit: 3 },
      });
      seen.push(...(results as { id: string }[]).map(({ id }) => id));
      token = page.next_token as string;
      round++;
      // One before, one after, and one of what was just seen goes and comes back.
      await store.store.written([
        `document:1#viewer@user:a${round}`,
        `document:1#viewer@user:z${round}`,
      ]);
      const last = keyOf(`document:1#viewer@user:${seen.at(-1)!}`);
      await store.store.post('write', { deletes: { tuple_keys: [last] } });
      await store.store.written([last]);
    } while (token !== '' && round < 60);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual([...seen].sort());
    expect(seen).toEqual(expect.arrayContaining(stay.map((user) => entity(user).id)));
  });
});
