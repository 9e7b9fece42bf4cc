import { afterEach, describe, expect, it } from '@jest/globals';
import type { Pemba } from '../../support/pemba.js';
import { Store, expectError, expectStatus, keyOf, nameOf } from '../stores.js';
import type { Tuple } from '../stores.js';

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, user with limited, group#member]
condition limited(limit: int, asked: int) {
  asked <= limit
}
`;

const NAME = 'document:1#viewer@user:anne';
const limitedTo = (limit: number): Tuple => ({
  ...keyOf(NAME),
  condition: { name: 'limited', context: { limit } },
});

const HOUR = 3_600_000;

export function describeDuplicates(pemba: () => Pemba): void {
  describe('on_duplicate', () => {
    it('replaces a condition, and logs both halves', async () => {
      const store = await Store.with(pemba(), MODEL, [NAME]);
      await store.written([limitedTo(5)], { on_duplicate: 'replace' });
      expect(await store.allows(NAME, { context: { asked: 5 } })).toBe(true);
      expect(await store.allows(NAME, { context: { asked: 6 } })).toBe(false);
      await store.written([limitedTo(6)], { on_duplicate: 'replace' });
      expect(await store.allows(NAME, { context: { asked: 6 } })).toBe(true);
      expect(await store.read()).toEqual([limitedTo(6)]);
      expect(await store.changes()).toEqual([
        `write ${NAME}`,
        `delete ${NAME}`,
        `write ${NAME}`,
        `delete ${NAME}`,
        `write ${NAME}`,
      ]);
    });

    it('replaces an expiry', async () => {
      const store = await Store.with(pemba(), MODEL, [NAME]);
      const expires_at = new Date(pemba().clock.now() + HOUR).toISOString();
      await store.written([{ ...keyOf(NAME), expires_at }], { on_duplicate: 'replace' });
      expect(await store.read()).toEqual([{ ...keyOf(NAME), condition: null, expires_at }]);
      await store.written([NAME], { on_duplicate: 'replace' });
      expect(await store.read()).toEqual([{ ...keyOf(NAME), condition: null }]);
    });

    it.each(['ignore', 'replace'])('changes nothing by %s if nothing differs', async (option) => {
      const store = await Store.with(pemba(), MODEL, [limitedTo(1)]);
      await store.written([limitedTo(1)], { on_duplicate: option });
      expect(await store.changes()).toEqual([`write ${NAME}`]);
    });

    it('ignores only what is identical, and writes nothing of the rest then', async () => {
      const store = await Store.with(pemba(), MODEL, [limitedTo(1)]);
      const other = 'document:2#viewer@user:anne';
      const answer = await store.write([other, limitedTo(2)], { on_duplicate: 'ignore' });
      expectError(answer, 409, 'Aborted', /different condition/);
      expect((await store.read()).map(nameOf)).toEqual([NAME]);
    });

    it('refuses another word', async () => {
      const store = await Store.with(pemba(), MODEL);
      const answer = await store.write([NAME], { on_duplicate: 'overwrite' });
      expectError(answer, 400, 'validation_error', /on_duplicate.*overwrite/);
    });

    it('lets 50 identical writes at once all succeed, and logs one', async () => {
      const store = await Store.with(pemba(), MODEL);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => store.write([NAME], { on_duplicate: 'ignore' })),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(await store.changes()).toEqual([`write ${NAME}`]);
    });

    it('lets one of 50 writes at once succeed by default', async () => {
      const store = await Store.with(pemba(), MODEL);
      const answers = await Promise.all(Array.from({ length: 50 }, () => store.write([NAME])));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expectError(answer, 400, 'write_failed_due_to_invalid_input', /already exists/);
      }
      expect(await store.changes()).toEqual([`write ${NAME}`]);
    });

    it('leaves what the last of 50 replacing writes has put', async () => {
      const store = await Store.with(pemba(), MODEL);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          store.write([limitedTo(i)], { on_duplicate: 'replace' }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const { json } = await store.get('changes?page_size=100');
      const log = json.changes as readonly { readonly tuple_key: Tuple }[];
      expect(log).toHaveLength(99);
      expect(await store.read()).toEqual([log.at(-1)?.tuple_key]);
    });
  });
}

export function describeExpiry(pemba: () => Pemba): void {
  describe('expires_at', () => {
    afterEach(() => {
      pemba().clock.goOn();
    });

    /** A store whose one tuple is about to expire at the instant. */
    async function expiringStore(): Promise<{ readonly store: Store; readonly instant: number }> {
      const instant = pemba().clock.now() + HOUR;
      const expires_at = new Date(instant).toISOString();
      const store = await Store.with(pemba(), MODEL, [{ ...keyOf(NAME), expires_at }]);
      pemba().clock.stopAt(instant - 1);
      return { store, instant };
    }

    const answersOf = async (store: Store): Promise<object> => ({
      check: await store.allows(NAME),
      objects: (
        await store.post('list-objects', {
          user: 'user:anne',
          relation: 'viewer',
          type: 'document',
        })
      ).json.objects,
      users: (
        await store.post('list-users', {
          object: { type: 'document', id: '1' },
          relation: 'viewer',
          user_filters: [{ type: 'user' }],
        })
      ).json.users,
      leaf: (
        await store.post('expand', { tuple_key: { relation: 'viewer', object: 'document:1' } })
      ).json.tree.root.leaf.users.users,
      read: (await store.read()).map(nameOf),
      readByUser: (await store.read({ user: 'user:anne' })).map(nameOf),
    });

    it('counts until the instant and for nothing from it', async () => {
      const { store, instant } = await expiringStore();
      expect(await answersOf(store)).toEqual({
        check: true,
        objects: ['document:1'],
        users: [{ object: { type: 'user', id: 'anne' } }],
        leaf: ['user:anne'],
        read: [NAME],
        readByUser: [NAME],
      });
      pemba().clock.stopAt(instant);
      expect(await answersOf(store)).toEqual({
        check: false,
        objects: [],
        users: [],
        leaf: [],
        read: [],
        readByUser: [],
      });
    });

    it('is swept through the change log, once', async () => {
      const { store, instant } = await expiringStore();
      await pemba().assembly.sweeper.sweep();
      expect(await store.changes()).toEqual([`write ${NAME}`]);
      pemba().clock.stopAt(instant);
      await Promise.all([pemba().assembly.sweeper.sweep(), pemba().assembly.sweeper.sweep()]);
      await pemba().assembly.sweeper.sweep();
      expect(await store.changes()).toEqual([`write ${NAME}`, `delete ${NAME}`]);
    });

    it('is swept in batches, of all stores', async () => {
      const instant = pemba().clock.now() + HOUR;
      const expires_at = new Date(instant).toISOString();
      const tuples = Array.from({ length: 10 }, (_, i) => ({
        ...keyOf(`document:${i}#viewer@user:anne`),
        expires_at,
      }));
      const first = await Store.with(pemba(), MODEL, [...tuples, 'document:kept#viewer@user:anne']);
      const second = await Store.with(pemba(), MODEL, tuples);
      pemba().clock.stopAt(instant);
      await pemba().assembly.sweeper.sweep();
      const isDelete = (change: string): boolean => change.startsWith('delete ');
      expect((await first.changes()).filter(isDelete)).toHaveLength(10);
      expect((await second.changes()).filter(isDelete)).toHaveLength(10);
      expect((await first.read()).map(nameOf)).toEqual(['document:kept#viewer@user:anne']);
    });

    it('counts as absent for a write and for a delete', async () => {
      const { store, instant } = await expiringStore();
      pemba().clock.stopAt(instant);
      const deleted = await store.post('write', { deletes: { tuple_keys: [keyOf(NAME)] } });
      expectError(deleted, 400, 'write_failed_due_to_invalid_input', /does not exist/);
      await store.written([NAME]);
      expect(await store.allows(NAME)).toBe(true);
      await pemba().assembly.sweeper.sweep();
      expect((await store.read()).map(nameOf)).toEqual([NAME]);
    });

    it('is refused unless it is in the future', async () => {
      const store = await Store.with(pemba(), MODEL);
      const now = pemba().clock.now();
      pemba().clock.stopAt(now);
      const expiringAt = (instant: number): Tuple => ({
        ...keyOf(NAME),
        expires_at: new Date(instant).toISOString(),
      });
      for (const instant of [now, now - 1, 0]) {
        const answer = await store.write([expiringAt(instant)]);
        expectError(answer, 400, 'validation_error', /writes\.tuple_keys\[0\].*expires_at/);
      }
      expectStatus(await store.write([expiringAt(now + 1)]), 200);
    });

    it('is told with an offset and given back in UTC', async () => {
      const store = await Store.with(pemba(), MODEL);
      await store.written([{ ...keyOf(NAME), expires_at: '2999-06-01T02:30:00.5+02:00' }]);
      expect(await store.read()).toMatchObject([{ expires_at: '2999-06-01T00:30:00.500Z' }]);
    });

    it('holds for contextual tuples', async () => {
      const store = await Store.with(pemba(), MODEL);
      const now = pemba().clock.now();
      pemba().clock.stopAt(now);
      const allowedUntil = (instant: number): Promise<boolean> => {
        const expires_at = new Date(instant).toISOString();
        return store.allows(NAME, {
          contextual_tuples: { tuple_keys: [{ ...keyOf(NAME), expires_at }] },
        });
      };
      expect(await allowedUntil(now + 1)).toBe(true);
      expect(await allowedUntil(now)).toBe(false);
    });
  });
}
