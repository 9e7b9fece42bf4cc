/** Continuation tokens that no server gave, or gave for something else, at every endpoint with pages. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { StoreId } from '../../src/ids.js';
import { encodePageToken } from '../../src/operations/page-token.js';
import type { Position, QueryIdentity } from '../../src/operations/page-token.js';
import { filterIdentity } from '../../src/operations/read.js';
import { deploymentTokenKey } from '../../src/storage/settings.js';
import { storeHeads } from '../../src/storage/stores.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { fingerprintOf } from './hostile/fingerprint.js';
import { messageOf } from './hostile/refusal.js';
import { Store } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;

/** Three calls of delete-by-filter, which works through ten batches of one. */
const DOCUMENTS = Array.from({ length: 22 }, (_, i) => `document:${i}#viewer@user:anne`);
const USERS = Array.from({ length: 3 }, (_, i) => `document:0#viewer@user:${i}`);

type Ask = (store: Store, token: string) => Promise<Answer>;

const get =
  (path: (store: Store) => string): Ask =>
  (store, token) =>
    store.pemba.call(
      'GET',
      `${path(store)}?page_size=1&continuation_token=${encodeURIComponent(token)}`,
    );

const post =
  (endpoint: string, body: object): Ask =>
  (store, continuation_token) =>
    store.post(endpoint, { ...body, continuation_token });

const LIST = { user: 'user:anne', relation: 'viewer', type: 'document', page_size: 1 };

/** Everything that answers in pages, of which the store has three at least. */
const PAGED: Readonly<Record<string, Ask>> = {
  stores: get(() => '/stores'),
  'authorization-models': get(({ path }) => `${path}/authorization-models`),
  changes: get(({ path }) => `${path}/changes`),
  read: post('read', { page_size: 1 }),
  'read by user': post('read', { tuple_key: { user: 'user:anne' }, page_size: 1 }),
  'delete-by-filter': post('delete-by-filter', { filter: { user: 'user:anne' }, dry_run: true }),
  'list-objects': post('list-objects', LIST),
  'streamed-list-objects': post('streamed-list-objects', LIST),
  'list-users': post('list-users', {
    object: { type: 'document', id: '0' },
    relation: 'viewer',
    user_filters: [{ type: 'user' }],
    page_size: 1,
  }),
};

/** Those that answer the same list, so that a token of one serves the other. */
const SAME = ['list-objects', 'streamed-list-objects'];

const tokenOf = ({ json, headers }: Answer): string =>
  headers.get('pemba-continuation-token') ?? String(json.continuation_token);

const encoded = (text: string): string => Buffer.from(text).toString('base64url');

const GARBAGE = [
  'garbage',
  '%',
  'ÿ',
  ' ',
  '\u0000',
  '"',
  '../../etc/passwd',
  'A'.repeat(5121),
  '====',
  ...['null', '[]', '{}', '[null]', '[[]]', '["x"]', '["x",1]', '[1,2,3]', '"x"'].map(encoded),
];

type Parts = readonly [digest: unknown, ...place: unknown[]];

const partsOf = (token: string): Parts =>
  JSON.parse(Buffer.from(token, 'base64url').toString()) as Parts;

/** What a token is bound to, for those whose place goes into a statement: should a key leak. */
const IDENTITIES: Readonly<Record<string, (id: StoreId) => QueryIdentity>> = {
  stores: () => ['list-stores', ''],
  'authorization-models': (id) => ['list-models', id],
  changes: (id) => ['changes', id],
  read: (id) => filterIdentity('read', id, {}),
};

/** Places that no list of the server has. */
const PLACES: readonly Position[] = [
  [],
  ['\u0000'],
  ['x'],
  [1],
  [-1, 0, ''],
  [1.5, 0, ''],
  [1, 2 ** 40, ''],
  [1, 2 ** 60, ''],
  [2 ** 60, 1, ''],
  ['1', '0', ''],
  ['a', 'b', 'c', 'd'],
];

describeWithPostgres('a continuation token', () => {
  let pemba: Pemba;
  let store: Store;
  let other: Store;
  let before: unknown;

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_BATCH_SIZE: '1', PEMBA_SWEEP_INTERVAL_MS: '86400000' });
    [store, other] = await Promise.all([
      Store.with(pemba, MODEL, [...DOCUMENTS, ...USERS]),
      Store.with(pemba, MODEL, [...DOCUMENTS, ...USERS]),
    ]);
    await Store.with(pemba, MODEL);
    const again = { raw: MODEL, headers: { 'content-type': 'text/plain' } };
    for (const each of [store, store, other]) {
      await each.post('authorization-models', undefined, again);
    }
  });
  afterAll(() => pemba.stop());
  beforeEach(async () => {
    before = await fingerprintOf(pemba);
  });
  afterEach(async () => {
    expect(await fingerprintOf(pemba)).toEqual(before);
  });

  const expectRefused = (name: string, answer: Answer): void => {
    expect(messageOf({ name }, answer)).toEqual({
      status: 400,
      message: expect.stringMatching(/continuation[_ ]token/),
    });
  };

  const keyOf = async (name: string): Promise<Uint8Array> => {
    const { database } = pemba.assembly;
    if (name === 'stores') return deploymentTokenKey(database);
    const [head] = (await storeHeads(database, [store.id as StoreId])).values();
    return head!.tokenKey;
  };

  describe.each(Object.entries(PAGED))('of %s', (name, ask) => {
    let token: string;
    beforeAll(async () => {
      token = tokenOf(await ask(store, ''));
      expect(token).toMatch(/^[\w-]{20,}$/);
      expect((await ask(store, token)).status).toBe(200);
    });

    it('is refused if it is garbage', async () => {
      for (const garbage of GARBAGE) expectRefused(name, await ask(store, garbage));
    });

    it('is refused if it was altered', async () => {
      const swap = (at: number): string =>
        token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      const half = token.slice(0, token.length / 2);
      for (const altered of [swap(0), swap(8), swap(20), half, token + token, token.slice(4)]) {
        expectRefused(name, await ask(store, altered));
      }
    });

    it('is refused if it is spelled in another way', async () => {
      const text = Buffer.from(token, 'base64url').toString();
      const spaced = encoded(text.replace(',', ', '));
      for (const other of [`${token}=`, `${token}==`, spaced]) {
        expectRefused(name, await ask(store, other));
      }
    });

    it('is refused if it was authenticated without the key', async () => {
      const identity = IDENTITIES[name]?.(store.id as StoreId);
      if (identity === undefined) return;
      const [, ...place] = partsOf(token) as [unknown, ...Position];
      expect(encodePageToken(await keyOf(name), identity, place)).toBe(token);
      for (const key of [Buffer.alloc(0), Buffer.alloc(32)]) {
        expectRefused(name, await ask(store, encodePageToken(key, identity, place)));
      }
    });

    it('is refused if it is of another endpoint', async () => {
      for (const [otherName, otherAsk] of Object.entries(PAGED)) {
        if (otherName === name || (SAME.includes(name) && SAME.includes(otherName))) continue;
        expectRefused(name, await ask(store, tokenOf(await otherAsk(store, ''))));
      }
    });

    it('is refused if it is of another store', async () => {
      if (name === 'stores') return;
      expectRefused(name, await ask(store, tokenOf(await ask(other, ''))));
    });

    it('is refused if it has the place of another', async () => {
      const [digest] = partsOf(token);
      const [, ...place] = partsOf(tokenOf(await ask(store, token)));
      expectRefused(name, await ask(store, encoded(JSON.stringify([digest, ...place]))));
    });
  });

  describe.each(Object.entries(IDENTITIES))('made up for %s', (name, identityOf) => {
    it('is refused if there is no such place', async () => {
      const identity = identityOf(store.id as StoreId);
      const key = await keyOf(name);
      for (const place of PLACES) {
        expectRefused(name, await PAGED[name]!(store, encodePageToken(key, identity, place)));
      }
    });
  });
});
