/** The impact of a model on a store's live tuples, over HTTP. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const modelWith = (viewer: string, view: string): string => `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type order
  relations
    define viewer: ${viewer}
    define banned: [user]
    define can_view: ${view}
`;

const BEFORE = modelWith('[user, user:*, group#member]', 'viewer but not banned');

type Line = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

let pemba: Pemba;
let store: TestStore;

async function impactOf(model: string, query = ''): Promise<readonly Line[]> {
  const response = await fetch(`${pemba.url}${store.path}/impact${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: model,
  });
  expect(response.status).toBe(200);
  const text = await response.text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

const membersOf = (lines: readonly Line[], name: string): readonly unknown[] =>
  lines.flatMap((line) => line[name] ?? []);

describeWithPostgres('the impact of a model', () => {
  beforeAll(async () => {
    pemba = await startPemba();
    store = await pemba.storeWith(BEFORE);
    const tuples = [
      ['user:anne', 'viewer', 'order:1'],
      ['user:bob', 'viewer', 'order:1'],
      ['user:bob', 'banned', 'order:1'],
      ['group:eng#member', 'viewer', 'order:2'],
      ['user:cleo', 'member', 'group:eng'],
      ['user:*', 'viewer', 'order:3'],
    ].map(([user, relation, object]) => ({ user, relation, object }));
    await pemba.call('POST', `${store.path}/write`, { writes: { tuple_keys: tuples } });
  });
  afterAll(() => pemba.stop());

  it('names who gains access, and what of the schema is wider', async () => {
    const lines = await impactOf(modelWith('[user, user:*, group#member]', 'viewer'));
    expect(membersOf(lines, 'change')).toMatchObject([
      { kind: 'rule', class: 'widening', relation: 'can_view', effects: ['widens'] },
    ]);
    expect(membersOf(lines, 'changed')).toEqual([
      {
        type: 'order',
        relation: 'can_view',
        user: 'user:bob',
        object: 'order:1',
        before: 'no',
        after: 'yes',
      },
    ]);
    expect(lines.at(-1)).toMatchObject({
      end: { gained: 1, lost: 0, broken_tuples: 0, complete: true },
    });
  });

  it('counts the tuples that would be admitted no longer, and who loses by that', async () => {
    const lines = await impactOf(modelWith('[user]', 'viewer but not banned'));
    expect(membersOf(lines, 'change')).toMatchObject([
      { class: 'breaking', before: 'user:*', samples: ['order:3#viewer@user:*'] },
      { class: 'breaking', before: 'group#member', broken_tuples: 1 },
    ]);
    // Anne, Bob and Cleo each see orders 2 and 3 by these: 1 + 3, of two relations.
    expect(lines.at(-1)).toMatchObject({
      end: { gained: 0, lost: 8, everybody: { lost: 2 }, broken_tuples: 2 },
    });
  });

  it('shows no more than was asked for, and counts all the same', async () => {
    const lines = await impactOf(modelWith('[user]', 'viewer but not banned'), '?samples=1');
    expect(membersOf(lines, 'changed')).toHaveLength(2);
    expect(lines.at(-1)).toMatchObject({ end: { lost: 8 } });
  });

  it('is nothing where the model only says the same in another way', async () => {
    const lines = await impactOf(
      modelWith('[group#member, user:*, user]', '(viewer or viewer) but not banned'),
    );
    expect(lines.map((line) => Object.keys(line)[0])).toEqual(['impact', 'implications', 'end']);
  });

  it('leaves the store as it is', async () => {
    const { json } = await pemba.call('GET', `${store.path}/authorization-models`);
    expect(json).toMatchObject({ authorization_models: [{}] });
  });
});
