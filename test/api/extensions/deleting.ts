import { describe, expect, it } from '@jest/globals';
import type { Answer, Pemba } from '../../support/pemba.js';
import { Store, expectError, expectStatus, keyOf, nameOf } from '../stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;

const ANNES = Array.from({ length: 40 }, (_, i) => `document:${i}#viewer@user:anne`);
const BENS = ['document:1#viewer@user:ben', 'document:2#viewer@user:ben'];

/** The server's PEMBA_BATCH_SIZE is 3, and a call does 10 batches. */
const PER_CALL = 30;

export function describeDeleting(pemba: () => Pemba): void {
  describe('delete-by-filter', () => {
    const annes = { filter: { user: 'user:anne' } };
    const newStore = (): Promise<Store> => Store.with(pemba(), MODEL, [...ANNES, ...BENS]);

    /** Calls until there is no token left; the answers of all calls. */
    async function workThrough(store: Store, body: object): Promise<readonly Answer[]> {
      const answers: Answer[] = [];
      let continuation_token = '';
      do {
        const answer = await store.post('delete-by-filter', { ...body, continuation_token });
        answers.push(expectStatus(answer, 200));
        continuation_token = answer.json.continuation_token;
      } while (continuation_token !== '');
      return answers;
    }

    const summaryOf = (answers: readonly Answer[]): readonly unknown[] =>
      answers.map(({ json, headers }): readonly unknown[] => [
        json.dry_run,
        json.matched,
        json.deleted,
        headers.get('pemba-complete'),
      ]);

    it('counts in a dry run, and deletes nothing', async () => {
      const store = await newStore();
      const answers = await workThrough(store, { ...annes, dry_run: true });
      expect(summaryOf(answers)).toEqual([
        [true, PER_CALL, 0, 'false'],
        [true, ANNES.length - PER_CALL, 0, 'true'],
      ]);
      expect(await store.read()).toHaveLength(ANNES.length + BENS.length);
      expect(await store.changes()).toHaveLength(ANNES.length + BENS.length);
    });

    it('deletes what matches and nothing else, through the change log', async () => {
      const store = await newStore();
      const answers = await workThrough(store, annes);
      expect(summaryOf(answers)).toEqual([
        [false, PER_CALL, PER_CALL, 'false'],
        [false, ANNES.length - PER_CALL, ANNES.length - PER_CALL, 'true'],
      ]);
      expect((await store.read()).map(nameOf)).toEqual(BENS);
      const deleted = (await store.changes()).filter((change) => change.startsWith('delete '));
      expect(deleted.sort()).toEqual(ANNES.map((name) => `delete ${name}`).sort());
    });

    it('is seen by a query that brings its token', async () => {
      const store = await newStore();
      const [answer] = await workThrough(store, { filter: { object: 'document:1' } });
      const headers = {
        'pemba-consistency-token': answer?.headers.get('pemba-consistency-token') ?? '',
      };
      const check = { tuple_key: keyOf('document:1#viewer@user:ben') };
      const { json } = expectStatus(await store.post('check', check, { headers }), 200);
      expect(json.allowed).toBe(false);
    });

    it('may start again without harm', async () => {
      const store = await newStore();
      await store.post('delete-by-filter', annes);
      const answers = await workThrough(store, annes);
      expect(summaryOf(answers)).toEqual([[false, 10, 10, 'true']]);
      expect(summaryOf(await workThrough(store, annes))).toEqual([[false, 0, 0, 'true']]);
    });

    it('holds the token to its filter', async () => {
      const store = await newStore();
      const { json } = await store.post('delete-by-filter', { ...annes, dry_run: true });
      const answer = await store.post('delete-by-filter', {
        filter: { user: 'user:ben' },
        continuation_token: json.continuation_token as string,
      });
      expectError(answer, 400, 'invalid_continuation_token');
      expect(await store.read()).toHaveLength(ANNES.length + BENS.length);
    });

    it.each([{}, { filter: {} }, { filter: { user: '', object: null } }, { filter: null }])(
      'refuses %j, that names nothing',
      async (body) => {
        const store = await newStore();
        const answer = await store.post('delete-by-filter', body);
        expectError(answer, 400, 'validation_error', /filter/);
        expect(await store.read()).toHaveLength(ANNES.length + BENS.length);
      },
    );
  });
}
