/** Keys that are nearly right, or were once: each is refused in the same words, and does nothing. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';
import { bearer, refusalOf, send } from './attacks/wire.js';
import type { WireRequest } from './attacks/wire.js';
import { fingerprintOf } from './hostile/fingerprint.js';
import { keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const SETTINGS = {
  PEMBA_AUTHENTICATION: 'keys',
  PEMBA_RATE_FAILED_AUTHENTICATIONS: '0',
};

interface Parts {
  readonly key: string;
  readonly id: string;
  readonly secret: string;
}

function partsOf(key: string): Parts {
  const [, id = '', ...rest] = key.split('_');
  return { key, id, secret: rest.join('_') };
}

/** The bytes of UTF-8 as the letters that a socket writes a byte each for. */
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

const swapCase = (text: string): string =>
  Array.from(text, (one) => (/[a-z]/.test(one) ? one.toUpperCase() : one.toLowerCase())).join('');

/** With the last letter's spare bits set: other letters for the same 32 bytes. */
function withSpareBits(secret: string): string {
  const bytes = Buffer.from(secret, 'base64url');
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = Array.from(letters).find((letter) => {
    const other = secret.slice(0, -1) + letter;
    return other !== secret && Buffer.from(other, 'base64url').equals(bytes);
  });
  return secret.slice(0, -1) + String(last);
}

/** What takes the place of a good key. */
const WRONG: Readonly<Record<string, (mine: Parts, other: Parts) => string>> = {
  'cut by one': ({ key }) => key.slice(0, -1),
  'cut to its id': ({ id }) => `pemba_${id}`,
  'without a secret': ({ id }) => `pemba_${id}_`,
  'without an id': ({ secret }) => `pemba__${secret}`,
  'one letter longer': ({ key }) => `${key}A`,
  padded: ({ key }) => `${key}=`,
  twice: ({ key }) => key + key,
  "with another key's id": ({ secret }, { id }) => `pemba_${id}_${secret}`,
  "with another key's secret": ({ id }, { secret }) => `pemba_${id}_${secret}`,
  'with a secret of zeros': ({ id }) => `pemba_${id}_${'A'.repeat(43)}`,
  'with its secret reversed': ({ id, secret }) =>
    `pemba_${id}_${Array.from(secret).reverse().join('')}`,
  'with its secret in other letters': ({ id, secret }) => `pemba_${id}_${swapCase(secret)}`,
  'with its id in lower case': ({ id, secret }) => `pemba_${id.toLowerCase()}_${secret}`,
  'in upper case': ({ id, secret }) => `PEMBA_${id}_${secret}`,
  'with the bytes of its secret spelt otherwise': ({ id, secret }) =>
    `pemba_${id}_${withSpareBits(secret)}`,
  'with the alphabet of plain base64': ({ id }) => `pemba_${id}_${'+'.repeat(43)}`,
  'with an id beyond a ULID': ({ secret }) => `pemba_${'8'.repeat(26)}_${secret}`,
  'with an I for a 1': ({ secret }) => `pemba_${'I'.repeat(26)}_${secret}`,
  'with a Cyrillic e': ({ id, secret }) => utf8(`p\u0435mba_${id}_${secret}`),
  'with a full-width digit': ({ id, secret }) => utf8(`pemba_${id.slice(0, 25)}\uff11_${secret}`),
  'with a soft hyphen': ({ key }) => utf8(`${key}\u00ad`),
  'with a byte order mark': ({ key }) => utf8(`\ufeff${key}`),
  'with a no-break space': ({ key }) => utf8(`${key}\u00a0`),
  'with a tab inside': ({ id, secret }) => `pemba_${id}\t_${secret}`,
  'with a comma behind': ({ key }) => `${key},`,
  'of ten kilobytes': ({ key }) => key + 'A'.repeat(10_000),
  'in percent encoding': ({ key }) => key.replaceAll('_', '%5F'),
  'as SQL': ({ id }) => `pemba_${id}_'OR'1'='1`,
  'with a wildcard': ({ secret }) => `pemba_${'%'.repeat(26)}_${secret}`,
  'as base64': ({ key }) => Buffer.from(key).toString('base64'),
  'as its own hash': ({ key }) => Buffer.from(key).toString('hex'),
  'of a member of all objects': () => 'pemba___proto__',
};

describeWithPostgres('a key', () => {
  let pemba: Pemba;
  let store: TestStore;
  let mine: Parts;
  let other: Parts;

  beforeAll(async () => {
    pemba = await startPemba(SETTINGS);
    store = await pemba.storeWith(MODEL);
    mine = await made();
    other = await made();
    for (const { key } of [mine, other]) expect(await statusesOf(key)).toEqual([200, 200, 201]);
  });
  afterAll(() => pemba.stop());

  async function made(more: object = {}): Promise<Parts> {
    const body = { name: 'k', roles: [{ role: 'admin' }], ...more };
    const { status, json } = await pemba.call('POST', '/admin/keys', body);
    expect(status).toBe(201);
    return partsOf(String(json.key));
  }

  const endpoints = (): readonly WireRequest[] => [
    { method: 'GET', path: '/stores' },
    {
      method: 'POST',
      path: `${store.path}/check`,
      body: { tuple_key: keyOf('document:1#viewer@user:anne') },
    },
    { method: 'POST', path: '/stores', body: { name: 'mine' } },
  ];

  const statusesOf = async (key: string): Promise<readonly number[]> => {
    const answers = endpoints().map((each) => send(pemba.url, { ...each, headers: bearer(key) }));
    return (await Promise.all(answers)).map(({ status }) => status);
  };

  async function expectRefused(key: string, name = key): Promise<void> {
    const before = await fingerprintOf(pemba);
    const headers = bearer(key);
    for (const endpoint of endpoints()) {
      const answer = await send(pemba.url, { ...endpoint, headers });
      expect([name, answer]).toEqual([name, refusalOf({ headers })]);
    }
    expect(await fingerprintOf(pemba)).toEqual(before);
  }

  it.each(Object.keys(WRONG))('%s is refused', async (name) => {
    const wrong = WRONG[name]!(mine, other);
    expect([mine.key, other.key]).not.toContain(wrong);
    await expectRefused(wrong, name);
    expect(await statusesOf(mine.key)).toEqual([200, 200, 201]);
  });

  it('of another deployment is refused', async () => {
    const elsewhere = await startPemba(SETTINGS);
    try {
      await expectRefused(elsewhere.adminKey ?? '', 'of another deployment');
    } finally {
      await elsewhere.stop();
    }
  });

  it('is refused from its end on, wherever it is shown', async () => {
    const expires_at = new Date(pemba.clock.now() + 60_000).toISOString();
    const short = await made({ expires_at });
    expect(await statusesOf(short.key)).toEqual([200, 200, 201]);
    pemba.clock.putForward(60_000);
    await expectRefused(short.key, 'expired');
  });

  it('is refused when it is revoked, and cannot be brought back', async () => {
    const revoked = await made();
    expect(await statusesOf(revoked.key)).toEqual([200, 200, 201]);
    expect((await pemba.call('DELETE', `/admin/keys/${revoked.id}`)).status).toBe(204);
    await expectRefused(revoked.key, 'revoked');
    // What brings rights back does not bring the key back.
    const add = [{ role: 'admin', subject: `key:${revoked.id}` }];
    expect((await pemba.call('POST', '/admin/grants', { add })).status).toBe(200);
    await expectRefused(revoked.key, 'revoked and granted');
    expect((await pemba.call('DELETE', `/admin/keys/${revoked.id}`)).status).toBe(204);
  });

  it('revokes itself, and is refused from then on', async () => {
    const own = await made();
    const revoke = { method: 'DELETE', path: `/admin/keys/${own.id}`, headers: bearer(own.key) };
    expect((await send(pemba.url, revoke)).status).toBe(204);
    await expectRefused(own.key, 'revoked by itself');
  });

  it('is told to wait while it cannot be known whether it still counts', async () => {
    const hasty = await startPemba(SETTINGS, pemba);
    try {
      const ask = (): Promise<readonly number[]> =>
        Promise.all(
          endpoints()
            .slice(0, 2)
            .map(async (each) => {
              const headers = bearer(mine.key);
              return (await send(hasty.url, { ...each, headers })).status;
            }),
        );
      expect([await ask(), await ask()]).toEqual([
        [200, 200],
        [200, 200],
      ]);
      // The database has not been heard of for an hour.
      pemba.clock.pass(3_600_000);
      expect(await ask()).toEqual([503, 503]);
      await until(async () => (await ask()).every((status) => status === 200));
      // The two share a clock: the other process has to hear of the database again as well, and not
      // by a reading that began before.
      await pemba.assembly.replicas.poll();
      await pemba.assembly.replicas.poll();
    } finally {
      await hasty.stop();
    }
  });

  describe('that nobody holds', () => {
    it('is granted rights in vain', async () => {
      const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
      const add = [{ role: 'admin', subject: `key:${id}` }];
      expect((await pemba.call('POST', '/admin/grants', { add })).status).toBe(200);
      await expectRefused(`pemba_${id}_${'A'.repeat(43)}`, 'granted, never made');
    });
  });

  it('stands in no line of the log, no row and no answer but its first', async () => {
    const secrets = [pemba.adminKey ?? '', mine.key, other.key].map((key) => partsOf(key).secret);
    const { database } = pemba.assembly;
    const rows = await Promise.all(
      ['api_key', 'audit_entry', 'relation_tuple', 'tuple_change', 'setting'].map((table) =>
        database.query(`SELECT t::text FROM ${table} t`),
      ),
    );
    const system = `/stores/${pemba.assembly.identity.systemStore ?? ''}`;
    const answers = await Promise.all(
      [`${system}/audit?page_size=100`, '/admin/keys', `/admin/keys/${mine.id}`, '/admin/grants']
        .map((path) => pemba.call('GET', path))
        .concat(pemba.call('POST', `${system}/read`, {}), pemba.call('GET', '/metrics')),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    const told = [...pemba.logged, JSON.stringify(rows), ...answers.map(({ text }) => text)];
    for (const secret of secrets) {
      expect(secret).toHaveLength(43);
      expect(told.filter((text) => text.includes(secret))).toEqual([]);
    }
    expect(pemba.failures()).toEqual([]);
  });
});
