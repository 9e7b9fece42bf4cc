import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Pemba } from '../../support/pemba.js';
import { Store, expectError, nameOf } from '../stores.js';
import type { Key } from '../stores.js';

const MODEL = `model
  schema 1.1
type user
type team
  relations
    define member: [user, team#member]
type folder
  relations
    define viewer: [user, team#member]
type document
  relations
    define parent: [folder]
    define owner: [user, team]
    define viewer: [user, user:*, team#member]
`;

const TUPLES = [
  'document:1#owner@user:anne',
  'document:1#owner@team:eng',
  'document:1#viewer@user:anne',
  'document:1#viewer@user:*',
  'document:1#viewer@team:eng#member',
  'document:1#parent@folder:1',
  'document:2#viewer@user:anne',
  'document:2#viewer@team:eng#member',
  'document:10#viewer@user:ben',
  'folder:1#viewer@user:anne',
  'folder:1#viewer@team:eng#member',
  'team:eng#member@user:anne',
  'team:eng#member@team:ops#member',
];

const USERS = [undefined, 'user:anne', 'user:', 'user:*', 'team:', 'team:eng', 'team:eng#member'];
const RELATIONS = [undefined, 'viewer', 'member'];
const OBJECTS = [undefined, 'document:1', 'document:', 'folder:'];

interface Filter {
  readonly user?: string;
  readonly relation?: string;
  readonly object?: string;
}

const filters: readonly Filter[] = USERS.flatMap((user) =>
  RELATIONS.flatMap((relation) =>
    OBJECTS.map((object) => ({
      ...(user !== undefined && { user }),
      ...(relation !== undefined && { relation }),
      ...(object !== undefined && { object }),
    })),
  ),
).filter((filter) => Object.keys(filter).length > 0);

/** `type:` is everything of the type, anything else itself. */
const isWanted = (wanted: string | undefined, name: string): boolean =>
  wanted === undefined || (wanted.endsWith(':') ? name.startsWith(wanted) : name === wanted);

const matches = (filter: Filter, { user, relation, object }: Key): boolean =>
  isWanted(filter.user, user) &&
  isWanted(filter.relation, relation) &&
  isWanted(filter.object, object);

export function describeReading(pemba: () => Pemba): void {
  describe('read', () => {
    let store: Store;
    beforeAll(async () => {
      store = await Store.with(pemba(), MODEL, TUPLES);
    });

    it.each(filters)('finds what matches %j, tuple by tuple in a stable order', async (filter) => {
      const whole = (await store.read(filter)).map(nameOf);
      const all = await store.read();
      const expected = all.filter((key) => matches(filter, key)).map(nameOf);
      expect([...whole].sort()).toEqual(expected.sort());
      expect((await store.read(filter, 1)).map(nameOf)).toEqual(whole);
    });

    it('finds everything without a filter', async () => {
      const whole = (await store.read()).map(nameOf);
      expect([...whole].sort()).toEqual([...TUPLES].sort());
      expect((await store.read(undefined, 1)).map(nameOf)).toEqual(whole);
    });

    it.each([{}, { user: '', relation: '', object: '' }, { user: null }])(
      'refuses the filter %j, that names nothing',
      async (filter) => {
        const answer = await store.post('read', { tuple_key: filter });
        expectError(answer, 400, 'validation_error', /tuple_key/);
      },
    );

    it('goes on from a tuple that is gone', async () => {
      const own = await Store.with(pemba(), MODEL, TUPLES);
      const filter = { user: 'user:anne' };
      const expected = (await own.read(filter)).map(nameOf);
      const first = await own.post('read', { tuple_key: filter, page_size: 2 });
      const seen = (first.json.tuples as { readonly key: Key }[]).map(({ key }) => key);
      const deletes = {
        tuple_keys: seen.map(({ user, relation, object }) => ({ user, relation, object })),
      };
      await own.post('write', { deletes });
      const rest = await own.post('read', {
        tuple_key: filter,
        continuation_token: first.json.continuation_token as string,
      });
      const names = (rest.json.tuples as { readonly key: Key }[]).map(({ key }) => nameOf(key));
      expect([...seen.map(nameOf), ...names]).toEqual(expected);
    });
  });
}
