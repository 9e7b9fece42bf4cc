/** Keys in the database: made once, the same in every process, and nobody's but the master key's. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { IN_TOUCH_MS, OVERLAP_MS, RETIRED_MS } from '../../src/delegation/key-schedule.js';
import type { Database } from '../../src/storage/database.js';
import { ManualTime } from '../support/manual-time.js';
import { describeWithPostgres } from '../support/postgres.js';
import { openStorage, until, untilBlocked } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';
import { DAY, HOUR, MINUTE, newMaster, processOn } from './processes.js';
import { idIn, statesOf, withoutKeys } from './processes.js';
import type { TestProcess } from './processes.js';

describeWithPostgres('keys in the database', () => {
  let storage: TestStorage;
  let database: Database;
  let other: Database;
  let time: ManualTime;
  const master = newMaster();

  beforeAll(async () => {
    storage = await openStorage();
    database = storage.database;
    other = await storage.connect();
  });
  afterAll(() => storage.close());
  beforeEach(async () => {
    await withoutKeys(database);
    time = new ManualTime();
  });

  const start = async (
    given: Partial<Parameters<typeof processOn>[0]> = {},
  ): Promise<TestProcess> => {
    const process = processOn({ database, clock: time, ...given }, master);
    await process.keys.start();
    return process;
  };

  it('are two at the first start, and sign at once', async () => {
    const process = await start();
    expect(statesOf(process)).toEqual(['active', 'next']);
    const token = process.keys.sign('permit+jwt', { sub: 'user:anne' });
    const set = createLocalJWKSet(process.keys.jwks() as never);
    const { payload } = await jwtVerify(token, set, { typ: 'permit+jwt' });
    expect(payload).toEqual({ sub: 'user:anne' });
    expect(JSON.parse(process.keys.published().body)).toEqual(process.keys.jwks());
  });

  it('are the same for all who start together', async () => {
    const pools = [database, other, database, other, database];
    const processes = await Promise.all(pools.map((pool) => start({ database: pool })));
    const [first, ...rest] = processes.map(({ keys }) => keys.list());
    expect(first).toHaveLength(2);
    for (const keys of rest) expect(keys).toEqual(first);
    expect(
      processes.flatMap(({ told }) => told).filter((text) => text.startsWith('made')),
    ).toHaveLength(2);
  });

  it('are the same after a restart', async () => {
    const before = await start();
    const token = before.keys.sign('permit+jwt', { sub: 'user:anne' });
    await before.keys.stop();
    const after = await start({ database: other });
    expect(after.keys.list()).toEqual(before.keys.list());
    expect(after.told).toEqual([`signing ${idIn(after, 'active')}`]);
    await jwtVerify(token, createLocalJWKSet(after.keys.jwks() as never));
  });

  it('change places by the clock, without a look at the database, and tell of it', async () => {
    const process = await start();
    const next = idIn(process, 'next');
    for (let minutes = 0; minutes < 30 * 24 * 60; minutes += 50) {
      await process.keys.refresh();
      time.advance(50 * MINUTE);
    }
    expect(process.keys.sign('permit+jwt', {})).toContain(headerOf(next));
    expect(process.told.at(-1)).toBe(`signing ${next}`);
  });

  it('are made and deleted when it is time, by one of the processes', async () => {
    const [a, b] = [await start(), await start({ database: other })];
    const first = idIn(a, 'active');
    time.advance(30 * DAY);
    await Promise.all([a.keys.refresh(), b.keys.refresh()]);
    await Promise.all([a.keys.refresh(), b.keys.refresh()]);
    expect(statesOf(a)).toEqual(['retired', 'active', 'next']);
    expect(b.keys.list()).toEqual(a.keys.list());
    time.advance(RETIRED_MS);
    await Promise.all([a.keys.refresh(), b.keys.refresh()]);
    await Promise.all([a.keys.refresh(), b.keys.refresh()]);
    expect(statesOf(a)).toEqual(['active', 'next']);
    expect(b.keys.list()).toEqual(a.keys.list());
    const told = [...a.told, ...b.told];
    expect(told.filter((text) => text.startsWith('made'))).toHaveLength(3);
    expect(told.filter((text) => text.startsWith('removed'))).toEqual([`removed ${first}`]);
    expect(a.keys.verificationKey(first)).toBeUndefined();
  });

  it('are polled for, and what another process does is known after a poll', async () => {
    const process = await start({ timers: time, pollIntervalMs: 1000 });
    const another = await start({ database: other });
    const active = idIn(process, 'active');
    await another.keys.drop(active);
    expect(process.keys.verificationKey(active)).toBeDefined();
    time.advance(1000);
    await until(() => process.keys.verificationKey(active) === undefined);
    expect(process.keys.list()).toEqual(another.keys.list());
    await until(() => time.waiting === 1);
    await process.keys.stop();
    expect(time.waiting).toBe(0);
  });

  describe('rotated', () => {
    it('let the next one sign at once when it has been there for an hour', async () => {
      const process = await start();
      const [first, second] = [idIn(process, 'active'), idIn(process, 'next')];
      time.advance(OVERLAP_MS);
      await process.keys.refresh();
      expect((await process.keys.rotate()).map(({ state }) => state)).toEqual([
        ...['retired', 'active', 'next'],
      ]);
      expect([idIn(process, 'retired'), idIn(process, 'active')]).toEqual([first, second]);
    });

    it('by many at once are rotated once', async () => {
      const processes = [await start(), await start({ database: other })];
      time.advance(OVERLAP_MS);
      await Promise.all([...processes, ...processes].map(({ keys }) => keys.rotate()));
      for (const process of processes) {
        await process.keys.refresh();
        expect(statesOf(process)).toEqual(['retired', 'active', 'next']);
      }
    });
  });

  describe('dropped', () => {
    it('are gone at once, and the next one signs', async () => {
      const process = await start();
      const [first, second] = [idIn(process, 'active'), idIn(process, 'next')];
      const token = process.keys.sign('permit+jwt', {});
      await process.keys.drop(first);
      expect(idIn(process, 'active')).toBe(second);
      expect(process.keys.published().body).not.toContain(first);
      const set = createLocalJWKSet(process.keys.jwks() as never);
      await expect(jwtVerify(token, set)).rejects.toThrow(/no applicable key/);
      await jwtVerify(process.keys.sign('permit+jwt', {}), set);
    });

    it('by several at once leave one that signs', async () => {
      const [a, b] = [await start(), await start({ database: other })];
      const ids = a.keys.list().map(({ id }) => id);
      await Promise.all(ids.map((id, i) => (i === 0 ? a : b).keys.drop(id)));
      await Promise.all([a.keys.refresh(), b.keys.refresh()]);
      expect(statesOf(a)).toEqual(['active', 'next']);
      expect(a.keys.list()).toEqual(b.keys.list());
      expect(a.keys.list().some(({ id }) => ids.includes(id))).toBe(false);
    });

    it('that are not there are told of', async () => {
      const process = await start();
      await expect(process.keys.drop('none')).rejects.toMatchObject({
        code: 'signing_key_not_found',
        facts: { key_id: 'none' },
      });
      expect(statesOf(process)).toEqual(['active', 'next']);
    });
  });

  describe('without the database', () => {
    it('sign on for as long as nobody can sign otherwise, and then say so', async () => {
      const pool = await storage.connect();
      const process = await start({ database: pool });
      await pool.close();
      time.advance(IN_TOUCH_MS - 10_000);
      await process.keys.refresh();
      await process.keys.refresh();
      expect(process.keys.sign('permit+jwt', {})).toContain('.');
      expect(process.keys.published().maxAgeSeconds).toBe(10);
      expect(process.told.filter((text) => text === 'failed')).toHaveLength(1);
      time.advance(10_000);
      const unavailable = expect.objectContaining({ code: 'unavailable' });
      expect(() => process.keys.sign('permit+jwt', {})).toThrow(unavailable);
      expect(() => process.keys.published()).toThrow(unavailable);
      expect(() => process.keys.verificationKey('x')).toThrow(unavailable);
    });

    it('sign again as soon as the keys were read', async () => {
      const process = await start();
      time.advance(2 * HOUR);
      expect(() => process.keys.sign('permit+jwt', {})).toThrow(/not been read/);
      await process.keys.refresh();
      expect(process.keys.sign('permit+jwt', {})).toContain('.');
      expect(process.keys.published().maxAgeSeconds).toBe(300);
    });

    it('cannot be changed', async () => {
      const impatient = await storage.connect({ timeoutMs: 300 });
      const process = await start({ database: impatient });
      const before = process.keys.list();
      await other.transaction(async (session) => {
        await session.query('LOCK TABLE signing_key IN ACCESS EXCLUSIVE MODE');
        await expect(process.keys.rotate()).rejects.toMatchObject({ code: 'unavailable' });
        await expect(process.keys.drop(idIn(process, 'active'))).rejects.toMatchObject({
          code: 'unavailable',
        });
        expect(process.keys.list()).toEqual(before);
        expect(process.keys.sign('permit+jwt', {})).toContain('.');
      });
      await process.keys.refresh();
      expect(process.keys.list()).toEqual(before);
    });
  });

  describe('and the master key:', () => {
    it('another one stops the start, and says what to do', async () => {
      await start();
      const rows = await database.query('SELECT * FROM signing_key ORDER BY key_id');
      const wrong = processOn({ database, clock: time }, newMaster());
      await expect(wrong.keys.start()).rejects.toMatchObject({
        code: 'cannot_start',
        message: expect.stringMatching(
          /Set PEMBA_MASTER_KEY to that one.*pemba signing-keys reset/,
        ),
      });
      expect(await database.query('SELECT * FROM signing_key ORDER BY key_id')).toEqual(rows);
    });

    it('nothing in the database is a key as it stands', async () => {
      const process = await start();
      const [row] = await database.query('SELECT * FROM signing_key');
      const text = JSON.stringify(row);
      expect(text).not.toMatch(/PRIVATE|302e0201|MC4CAQ/);
      expect(process.keys.published().body).not.toMatch(/"(d|k|p|q)"/);
    });

    it('a row that somebody else put there is not published, and can be dropped', async () => {
      const process = await start();
      const foreign = processOn({ database: other, clock: time }, newMaster());
      await database.query('CREATE TABLE kept AS SELECT * FROM signing_key');
      await withoutKeys(database);
      await foreign.keys.start();
      const added = idIn(foreign, 'next');
      await database.query('INSERT INTO signing_key SELECT * FROM kept');
      await database.query('DELETE FROM signing_key WHERE key_id = $1', [idIn(foreign, 'active')]);
      await database.query('DROP TABLE kept');
      await process.keys.refresh();
      await process.keys.refresh();
      expect(process.told.filter((text) => text.startsWith('unreadable'))).toEqual([
        `unreadable ${added}`,
      ]);
      expect(process.keys.published().body).not.toContain(added);
      expect(process.keys.sign('permit+jwt', {})).toContain(headerOf(idIn(process, 'active')));
      await process.keys.drop(added);
      expect(statesOf(process)).toEqual(['active', 'next']);
    });

    it("a row under another key's id counts for nothing", async () => {
      const process = await start();
      const [active, next] = [idIn(process, 'active'), idIn(process, 'next')];
      await database.query(
        `UPDATE signing_key SET sealed = (SELECT sealed FROM signing_key WHERE key_id = $1)
         WHERE key_id = $2`,
        [active, next],
      );
      await expect(start({ database: other })).rejects.toMatchObject({ code: 'cannot_start' });
    });
  });

  it('that were all removed are made anew, and no empty set is published meanwhile', async () => {
    const process = await start();
    const before = process.keys.list().map(({ id }) => id);
    await withoutKeys(database);
    const refreshing = other.transaction(async (session) => {
      await session.query('LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE');
      const refreshed = process.keys.refresh();
      await untilBlocked(session);
      expect(() => process.keys.published()).toThrow(/no signing keys at the moment/);
      return { refreshed };
    });
    await (
      await refreshing
    ).refreshed;
    expect(statesOf(process)).toEqual(['active', 'next']);
    expect(process.keys.list().some(({ id }) => before.includes(id))).toBe(false);
  });

  describe('of another algorithm', () => {
    it('take turns with the others', async () => {
      await start();
      const process = await start({ algorithm: 'ES256' });
      expect(process.keys.list().map(({ algorithm }) => algorithm)).toEqual(['EdDSA', 'ES256']);
      time.advance(OVERLAP_MS);
      await process.keys.refresh();
      await process.keys.rotate();
      const set = createLocalJWKSet(process.keys.jwks() as never);
      const { protectedHeader } = await jwtVerify(process.keys.sign('permit+jwt', {}), set);
      expect(protectedHeader.alg).toBe('ES256');
    });

    it('change hands once a start, so that processes set differently come to rest', async () => {
      const [a, b] = [await start(), await start({ algorithm: 'ES256', database: other })];
      for (let i = 0; i < 3; i++) await Promise.all([a.keys.refresh(), b.keys.refresh()]);
      expect(a.keys.list()).toEqual(b.keys.list());
      expect([...a.told, ...b.told].filter((text) => text.startsWith('made'))).toHaveLength(3);
    });
  });
});

/** The beginning of what is signed with the key. */
const headerOf = (kid: string): string =>
  Buffer.from(JSON.stringify({ alg: 'EdDSA', kid, typ: 'permit+jwt' })).toString('base64url');
