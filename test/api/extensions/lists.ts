import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Answer, Pemba } from '../../support/pemba.js';
import { Store, expectError, expectStatus, keyOf } from '../stores.js';

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define viewer: [user, group#member, user with limited]
condition limited(limit: int, asked: int) {
  asked <= limit
}
`;

const DOCUMENTS = Array.from({ length: 300 }, (_, i) => `document:${i}`);
const READERS = Array.from({ length: 7 }, (_, i) => `user:${i}`);

/** Anne sees all documents, the group of readers one. */
const TUPLES = [
  ...DOCUMENTS.map((object) => `${object}#viewer@user:anne`),
  ...READERS.map((user) => `group:readers#member@${user}`),
  'document:7#viewer@group:readers#member',
];

const ANNES = { user: 'user:anne', relation: 'viewer', type: 'document' };
const VIEWERS_OF_7 = {
  object: { type: 'document', id: '7' },
  relation: 'viewer',
  user_filters: [{ type: 'user' }],
};

interface Pages {
  readonly items: readonly unknown[];
  readonly sizes: readonly number[];
  readonly complete: readonly (string | null)[];
}

async function pagesOf(
  next: (token: string) => Promise<Answer>,
  items: (answer: Answer) => readonly unknown[],
  tokenOf: (answer: Answer) => string | null,
): Promise<Pages> {
  const pages: Answer[] = [];
  let token: string | null = '';
  do {
    const page: Answer = expectStatus(await next(token), 200);
    pages.push(page);
    token = tokenOf(page);
  } while (token !== null);
  return {
    items: pages.flatMap(items),
    sizes: pages.map((page) => items(page).length),
    complete: pages.map(({ headers }) => headers.get('pemba-complete')),
  };
}

const tokenInBody = ({ json }: Answer): string | null => {
  const token: unknown = json.continuation_token;
  return typeof token === 'string' ? token : null;
};

const linesOf = ({ text }: Answer): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { result: { object: string } }).result.object);

export function describeLists(pemba: () => Pemba): void {
  describe('lists', () => {
    let store: Store;
    beforeAll(async () => {
      store = await Store.with(pemba(), MODEL, TUPLES);
    });

    it('of objects are the same whole and by pages', async () => {
      const whole = expectStatus(await store.post('list-objects', ANNES), 200);
      expect(whole.json).toEqual({ objects: expect.any(Array) });
      expect(whole.headers.get('pemba-complete')).toBe('true');
      const pages = await pagesOf(
        (continuation_token) =>
          store.post('list-objects', { ...ANNES, page_size: 90, continuation_token }),
        ({ json }) => json.objects as readonly string[],
        tokenInBody,
      );
      expect(pages.items).toEqual(whole.json.objects);
      expect([...pages.items].sort()).toEqual([...DOCUMENTS].sort());
      expect(pages.sizes).toEqual([90, 90, 90, 30]);
      expect(pages.complete).toEqual(['false', 'false', 'false', 'true']);
    });

    it('of users are the same whole and by pages', async () => {
      const whole = expectStatus(await store.post('list-users', VIEWERS_OF_7), 200);
      expect(whole.json.users).toHaveLength(READERS.length + 1);
      const pages = await pagesOf(
        (continuation_token) =>
          store.post('list-users', { ...VIEWERS_OF_7, page_size: 3, continuation_token }),
        ({ json }) => json.users as readonly unknown[],
        tokenInBody,
      );
      expect(pages.items).toEqual(whole.json.users);
      expect(pages.sizes).toEqual([3, 3, 2]);
      expect(pages.complete).toEqual(['false', 'false', 'true']);
    });

    it('that end with a full page say that they are whole', async () => {
      const body = { ...ANNES, page_size: DOCUMENTS.length };
      const answer = expectStatus(await store.post('list-objects', body), 200);
      expect(answer.json).toEqual({ objects: expect.any(Array) });
      expect(answer.headers.get('pemba-complete')).toBe('true');
    });

    it('as streams are lines, many or none', async () => {
      const all = expectStatus(await store.post('streamed-list-objects', ANNES), 200);
      expect(all.headers.get('content-type')).toBe('application/x-ndjson');
      expect(all.text.endsWith('\n')).toBe(true);
      expect([...linesOf(all)].sort()).toEqual([...DOCUMENTS].sort());
      const body = { ...ANNES, user: 'user:nobody' };
      const none = expectStatus(await store.post('streamed-list-objects', body), 200);
      expect(none.text).toBe('');
      expect(none.headers.get('pemba-complete')).toBe('true');
    });

    it('as streams have their token in a header', async () => {
      const pages = await pagesOf(
        (continuation_token) =>
          store.post('streamed-list-objects', { ...ANNES, page_size: 130, continuation_token }),
        linesOf,
        ({ headers }) => headers.get('pemba-continuation-token'),
      );
      expect([...pages.items].sort()).toEqual([...DOCUMENTS].sort());
      expect(pages.sizes).toEqual([130, 130, 40]);
      expect(pages.complete).toEqual(['false', 'false', 'true']);
    });

    it('go on from a token while the store changes', async () => {
      const own = await Store.with(pemba(), MODEL, TUPLES.slice(0, 10));
      const first = await own.post('list-objects', { ...ANNES, page_size: 4 });
      await own.written(['document:000#viewer@user:anne', 'document:zzz#viewer@user:anne']);
      const rest = await own.post('list-objects', {
        ...ANNES,
        continuation_token: first.json.continuation_token as string,
      });
      const names = [...(first.json.objects as string[]), ...(rest.json.objects as string[])];
      expect(names).toEqual([...DOCUMENTS.slice(0, 10), 'document:zzz']);
    });
  });

  describe('a list token', () => {
    let store: Store;
    let token: string;
    beforeAll(async () => {
      store = await Store.with(pemba(), MODEL, TUPLES.slice(0, 10));
      const { json } = await store.post('list-objects', { ...ANNES, page_size: 4 });
      token = json.continuation_token;
    });

    it.each([
      ['user', { user: 'user:ben' }],
      ['context', { context: { asked: 1 } }],
      ['contextual tuples', { contextual_tuples: { tuple_keys: [keyOf(TUPLES[0]!)] } }],
    ])('is refused for another %s', async (_what, other) => {
      const body = { ...ANNES, ...other, continuation_token: token };
      const answer = await store.post('list-objects', body);
      expectError(answer, 400, 'invalid_continuation_token');
    });

    it('is refused for another model, store or endpoint', async () => {
      const body = { ...ANNES, continuation_token: token };
      const pinned = { ...body, authorization_model_id: store.modelId };
      expectError(await store.post('list-objects', pinned), 400, 'invalid_continuation_token');
      const other = await Store.with(pemba(), MODEL);
      expectError(await other.post('list-objects', body), 400, 'invalid_continuation_token');
      const listUsers = { ...VIEWERS_OF_7, continuation_token: token };
      expectError(await store.post('list-users', listUsers), 400, 'invalid_continuation_token');
    });

    it('serves the streamed list of the same objects', async () => {
      const body = { ...ANNES, continuation_token: token };
      const plain = await store.post('list-objects', body);
      const streamed = await store.post('streamed-list-objects', body);
      expect(linesOf(streamed)).toEqual(plain.json.objects);
    });
  });
}

export function describeExpand(pemba: () => Pemba): void {
  describe('expand with max_depth', () => {
    let store: Store;
    beforeAll(async () => {
      store = await Store.with(pemba(), MODEL, [
        'document:1#viewer@group:a#member',
        'group:a#member@group:b#member',
        'group:a#member@user:anne',
        'group:b#member@group:a#member',
      ]);
    });

    const expandTo = async (max_depth: number | undefined): Promise<Answer> => {
      const tuple_key = { relation: 'viewer', object: 'document:1' };
      return expectStatus(await store.post('expand', { tuple_key, max_depth }), 200);
    };
    const leafOf = (
      name: string,
      users: readonly string[],
      opened?: readonly object[],
    ): object => ({
      name,
      leaf: { users: { users } },
      ...(opened && { opened }),
    });
    const rootOf = (opened?: readonly object[]): object =>
      leafOf('document:1#viewer', ['group:a#member'], opened);

    it.each([undefined, 1])('%p is OpenFGA’s one level', async (depth) => {
      const { json, headers } = await expandTo(depth);
      expect(json).toEqual({ tree: { root: rootOf() } });
      expect(headers.get('pemba-complete')).toBe('true');
    });

    it('opens the next set and says where it stopped', async () => {
      const { json, headers } = await expandTo(2);
      const groupB = { name: 'group:b#member', truncated: true };
      const groupA = leafOf('group:a#member', ['group:b#member', 'user:anne'], [groupB]);
      expect(json).toEqual({ tree: { root: rootOf([groupA]) } });
      expect(headers.get('pemba-complete')).toBe('false');
    });

    it('marks a set that stands above itself', async () => {
      const { json, headers } = await expandTo(25);
      const cycle = { name: 'group:a#member', cycle: true };
      const groupB = leafOf('group:b#member', ['group:a#member'], [cycle]);
      const groupA = leafOf('group:a#member', ['group:b#member', 'user:anne'], [groupB]);
      expect(json).toEqual({ tree: { root: rootOf([groupA]) } });
      expect(headers.get('pemba-complete')).toBe('true');
    });

    it.each([0, 26, -1, 1.5, '2', true])('refuses a depth of %p', async (max_depth) => {
      const tuple_key = { relation: 'viewer', object: 'document:1' };
      const answer = await store.post('expand', { tuple_key, max_depth });
      expectError(answer, 400, 'validation_error', /max_depth/);
    });
  });
}
