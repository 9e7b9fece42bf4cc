import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../../support/pemba.js';
import type { Answer, Pemba } from '../../support/pemba.js';
import { Store, expectError, expectStatus, keyOf } from '../stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with limited]
condition limited(limit: int, asked: int) {
  asked <= limit
}
`;

const HEADER = 'pemba-consistency-token';
const NAME = 'document:1#viewer@user:anne';
const CHECK = { tuple_key: keyOf(NAME) };

const tokenOf = ({ headers }: Answer): string => headers.get(HEADER) ?? '';
const withToken = (token: string): { readonly headers: Readonly<Record<string, string>> } => ({
  headers: { [HEADER]: token },
});

/** Every query, with a body that succeeds. */
const QUERIES: Readonly<Record<string, object>> = {
  check: CHECK,
  'batch-check': { checks: [{ ...CHECK, correlation_id: 'a' }] },
  expand: { tuple_key: { relation: 'viewer', object: 'document:1' } },
  'list-objects': { user: 'user:anne', relation: 'viewer', type: 'document' },
  'streamed-list-objects': { user: 'user:anne', relation: 'viewer', type: 'document' },
  'list-users': {
    object: { type: 'document', id: '1' },
    relation: 'viewer',
    user_filters: [{ type: 'user' }],
  },
};

export function describeConsistency(pemba: () => Pemba): void {
  describe('a consistency token', () => {
    let store: Store;
    let written: Answer;
    beforeAll(async () => {
      store = await Store.with(pemba(), MODEL);
      written = await store.written([NAME]);
    });

    it.each(Object.keys(QUERIES))('is given and taken by %s', async (endpoint) => {
      const answer = await store.post(endpoint, QUERIES[endpoint], withToken(tokenOf(written)));
      expectStatus(answer, 200);
      expect(tokenOf(answer)).toBe(tokenOf(written));
      expect(answer.headers.get('openfga-store-id')).toBe(store.id);
      expect(answer.headers.get('openfga-authorization-model-id')).toBe(store.modelId);
    });

    it('stays the same until something is written', async () => {
      const own = await Store.with(pemba(), MODEL);
      const before = tokenOf(await own.post('check', CHECK));
      expect(tokenOf(await own.post('check', CHECK))).toBe(before);
      expect(tokenOf(await own.written([NAME]))).not.toBe(before);
      const ignored = await own.written([NAME], { on_duplicate: 'ignore' });
      expect(tokenOf(ignored)).toBe(tokenOf(await own.post('check', CHECK)));
    });

    const encoded = (text: string): string => Buffer.from(text).toString('base64url');

    it.each(Object.keys(QUERIES))(
      'is refused by %s unless it is this store’s',
      async (endpoint) => {
        const other = await Store.with(pemba(), MODEL);
        const token = tokenOf(written);
        const forged = [
          tokenOf(await other.written([NAME])),
          encoded(`1.${store.id}.1`), // what they once were
          `${token}=`,
          `${token}AA`,
          token.slice(0, -4),
          token.slice(4),
          token.toLowerCase(),
          'garbage',
          '%00',
          'x'.repeat(5000),
        ];
        for (const one of forged) {
          const answer = await store.post(endpoint, QUERIES[endpoint], withToken(one));
          expect(answer.status).toBe(400);
          expect(answer.text).toContain('Invalid consistency token');
        }
      },
    );

    it('is not needed', async () => {
      expectStatus(await store.post('check', CHECK, withToken('')), 200);
    });
  });

  describe('two processes', () => {
    let other: Pemba;
    beforeAll(async () => {
      other = await startPemba({}, pemba());
    });
    afterAll(() => other.stop());

    it.each([
      ['a token', (written: Answer): object => withToken(tokenOf(written)), {}],
      ['HIGHER_CONSISTENCY', (): object => ({}), { consistency: 'HIGHER_CONSISTENCY' }],
    ])('read each other’s writes by %s', async (_by, optionsOf, more) => {
      const here = await Store.with(pemba(), MODEL);
      const there = new Store(other, here);
      await there.post('check', CHECK);
      for (let i = 0; i < 20; i++) {
        const name = `document:${i}#viewer@user:anne`;
        const written = await here.written([name]);
        const body = { tuple_key: keyOf(name), ...more };
        const { json } = expectStatus(await there.post('check', body, optionsOf(written)), 200);
        expect(json.allowed).toBe(true);
      }
    });
  });

  describe('batch-check', () => {
    it('lets a bad item fail alone, and answers all at one revision', async () => {
      const limited = {
        ...keyOf('document:2#viewer@user:anne'),
        condition: { name: 'limited', context: { limit: 1 } },
      };
      const store = await Store.with(pemba(), MODEL, [NAME, limited]);
      const item = (correlation_id: string, name: string, more: object = {}): object => ({
        correlation_id,
        tuple_key: keyOf(name),
        ...more,
      });
      const { json, headers } = await store.post('batch-check', {
        checks: [
          item('good', NAME),
          item('denied', 'document:1#viewer@user:ben'),
          item('no-relation', 'document:1#none@user:anne'),
          item('no-object', 'document#viewer@user:anne'),
          item('no-context', 'document:2#viewer@user:anne'),
          item('context', 'document:2#viewer@user:anne', { context: { asked: 1 } }),
          item('bad-tuple', NAME, {
            contextual_tuples: { tuple_keys: [keyOf('document:1#viewer@document:2')] },
          }),
        ],
      });
      const invalid = { input_error: 'validation_error', message: expect.any(String) };
      expect(json).toEqual({
        result: {
          good: { allowed: true },
          denied: { allowed: false },
          'no-relation': { error: invalid },
          'no-object': { error: invalid },
          'no-context': { error: invalid },
          context: { allowed: true },
          'bad-tuple': { error: { ...invalid, input_error: 'invalid_tuple' } },
        },
      });
      expect(headers.get(HEADER)).toBe(tokenOf(await store.post('check', CHECK)));
    });

    it('refuses more items than the limit, none, and twice the same id', async () => {
      const store = await Store.with(pemba(), MODEL);
      const items = (count: number): object => ({
        checks: Array.from({ length: count }, (_, i) => ({ ...CHECK, correlation_id: `c${i}` })),
      });
      expectStatus(await store.post('batch-check', items(50)), 200);
      for (const body of [
        items(51),
        items(0),
        {
          checks: [
            { ...CHECK, correlation_id: 'a' },
            { ...CHECK, correlation_id: 'a' },
          ],
        },
      ]) {
        expectError(await store.post('batch-check', body), 400, 'validation_error');
      }
    });
  });

  describe('an answer from memory', () => {
    let own: Pemba;
    beforeAll(async () => {
      // Nobody looks for changes: after 1.5 s nothing is known to be current.
      own = await startPemba({ PEMBA_MAX_STALENESS: '1500ms', PEMBA_POLL_INTERVAL_MS: '3600000' });
    });
    afterAll(() => own.stop());

    it('is refused once it may be too old, and given again when the head has been asked', async () => {
      const store = await Store.with(own, MODEL);
      await store.written([NAME]);
      const fresh = { ...CHECK, consistency: 'HIGHER_CONSISTENCY' };
      expectStatus(await store.post('check', fresh), 200);
      expectStatus(await store.post('check', CHECK), 200);
      await new Promise((resolve) => setTimeout(resolve, 1700));
      expectError(await store.post('check', CHECK), 503, 'unavailable');
      expectStatus(await store.post('check', fresh), 200);
      expectStatus(await store.post('check', CHECK), 200);
    });
  });
}
