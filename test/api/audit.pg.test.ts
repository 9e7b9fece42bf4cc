/** The audit log: what is recorded, how it is read, and that a change to it is found. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { StoreId } from '../../src/ids.js';
import { entryHash } from '../../src/storage/audit-chain.js';
import { readAuditEntries } from '../../src/storage/audit.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const MODEL = `model
  schema 1.1
type user
type doc
  relations
    define viewer: [user]`;

let pemba: Pemba;
let store: TestStore;

const tuple = (id: number): object => ({
  user: 'user:anne',
  relation: 'viewer',
  object: `doc:${id}`,
});

const write = (path: string, ...ids: readonly number[]): Promise<unknown> =>
  pemba.call('POST', `${path}/write`, { writes: { tuple_keys: ids.map(tuple) } });

interface Entry {
  readonly sequence: number;
  readonly action: string;
  readonly principal: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly revision: number | null;
}

async function entries(path: string, query = ''): Promise<readonly Entry[]> {
  const answer = await pemba.call('GET', `${path}/audit?order=oldest${query}`);
  expect(answer.status).toBe(200);
  return answer.json.entries as readonly Entry[];
}

const verify = async (path: string, query = ''): Promise<ReturnType<typeof JSON.parse>> =>
  (await pemba.call('GET', `${path}/audit/verification${query}`)).json;

/** What somebody with the database in hand can do, the guard against accidents taken off. */
async function tamper(sql: string): Promise<void> {
  const { database } = pemba.assembly;
  await database.query('ALTER TABLE audit_entry DISABLE TRIGGER USER');
  await database.query(sql);
  await database.query('ALTER TABLE audit_entry ENABLE TRIGGER USER');
}

describeWithPostgres('with authentication', () => {
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
  });
  afterAll(() => pemba.stop());

  it('records who changed what, from where, by which request, at which revision', async () => {
    store = await pemba.storeWith(MODEL);
    const made = await pemba.call(
      'POST',
      `${store.path}/write`,
      { writes: { tuple_keys: [tuple(1), tuple(2)] } },
      { headers: { authorization: `Bearer ${pemba.adminKey ?? ''}`, 'x-request-id': 'req-7' } },
    );
    expect(made.status).toBe(200);
    const found = await entries(store.path);
    expect(found.map(({ action }) => action)).toEqual([
      'store.create',
      'model.write',
      'tuples.write',
    ]);
    expect(found.at(-1)).toMatchObject({
      sequence: 3,
      principal: `key:${pemba.adminKey?.split('_')[1] ?? ''}`,
      address: '127.0.0.1',
      request_id: 'req-7',
      revision: 1,
      details: { writes: 2, deletes: 0 },
    });
  });

  it('records imports, deletes by filter, assertions', async () => {
    const { path, modelId } = await pemba.storeWith(MODEL);
    await pemba.call('POST', `${path}/import`, undefined, {
      raw: `${JSON.stringify(tuple(1))}\n${JSON.stringify(tuple(2))}\n`,
      headers: {
        authorization: `Bearer ${pemba.adminKey ?? ''}`,
        'content-type': 'application/x-ndjson',
      },
    });
    await pemba.call('POST', `${path}/delete-by-filter`, { filter: { object: 'doc:1' } });
    await pemba.call('PUT', `${path}/assertions/${modelId}`, { assertions: [] });
    const found = await entries(path);
    expect(found.slice(2).map(({ action }) => action)).toEqual([
      'tuples.import',
      'tuples.write',
      'assertions.write',
    ]);
    expect(found[3]?.details).toMatchObject({ deletes: 1, by_filter: true });
    expect(await verify(path)).toMatchObject({ valid: true, entries: 5, complete: true });
  });

  it('records keys, grants and deletions in the log of the deployment', async () => {
    const system = `/stores/${pemba.assembly.identity.systemStore ?? ''}`;
    const before = (await entries(system)).length;
    const { id, path } = await pemba.storeWith(MODEL);
    const roles = [{ role: 'reader', store_id: id }];
    const expires_at = '2999-01-01T00:00:00.000Z';
    const key = await pemba.call('POST', '/admin/keys', { name: 'k', roles, expires_at });
    const subject = `key:${String(key.json.id)}`;
    await pemba.call('POST', '/admin/grants', { remove: [{ ...roles[0], subject }] });
    await pemba.call('DELETE', `/admin/keys/${String(key.json.id)}`);
    await pemba.call('DELETE', path);
    const found = (await entries(system)).slice(before);
    expect(found.map(({ action }) => action)).toEqual([
      'store.create',
      'key.create',
      'grants.change',
      'key.revoke',
      'store.delete',
    ]);
    expect(found[1]!.details).toMatchObject({ name: 'k', expires_at, key_id: key.json.id });
    expect(JSON.stringify(found)).not.toContain(String(key.json.key).slice(33));
    expect(await verify(system)).toMatchObject({ valid: true });
    // What was done to the store itself is still to be read.
    expect((await entries(path)).at(-1)).toMatchObject({ action: 'store.delete' });
  });

  it('records nothing of what was refused, or changed nothing', async () => {
    const { path } = await pemba.storeWith(MODEL);
    await write(path, 1);
    await write(path, 1);
    await pemba.call('POST', `${path}/write`, {
      writes: { tuple_keys: [tuple(1)], on_duplicate: 'ignore' },
    });
    expect((await entries(path)).map(({ action }) => action)).toEqual([
      'store.create',
      'model.write',
      'tuples.write',
    ]);
  });

  it('keeps one chain when many write at once, in two processes', async () => {
    const other = await startPemba({ PEMBA_AUTHENTICATION: 'keys' }, pemba);
    try {
      const { path } = await pemba.storeWith(MODEL);
      const writes = Array.from({ length: 200 }, (_, i) =>
        (i % 2 === 0 ? pemba : other).call('POST', `${path}/write`, {
          writes: { tuple_keys: [tuple(i)] },
        }),
      );
      // Whoever looks meanwhile finds nothing wrong.
      for (let i = 0; i < 5; i++) expect(await verify(path)).toMatchObject({ valid: true });
      const statuses = (await Promise.all(writes)).map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([200]));
      expect(await verify(path)).toMatchObject({ valid: true, entries: 202, complete: true });
    } finally {
      await other.stop();
    }
  });

  describe('in pages', () => {
    it('gives newest first, all of it, by cursor and filters', async () => {
      const { path } = await pemba.storeWith(MODEL);
      for (let i = 0; i < 7; i++) await write(path, i);
      const sequences: number[] = [];
      let cursor = '';
      do {
        const page = await pemba.call('GET', `${path}/audit?page_size=2${cursor}`);
        const found = page.json.entries as readonly Entry[];
        sequences.push(...found.map(({ sequence }) => sequence));
        cursor = page.json.cursor === null ? '' : `&cursor=${String(page.json.cursor)}`;
      } while (cursor !== '');
      expect(sequences).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
      expect(await entries(path, '&action=model.write')).toMatchObject([{ sequence: 2 }]);
      expect(await entries(path, '&principal=key:nobody')).toEqual([]);
      expect(await entries(path, '&until=2001-01-01T00:00:00Z')).toEqual([]);
    });

    it.each([
      ['order', '?order=random'],
      ['action', '?action=god.mode'],
      ['since', '?since=yesterday'],
      ['page_size', '?page_size=1e9'],
      ['cursor', '?cursor=-1'],
    ])('refuses a wrong %s', async (field, query) => {
      const answer = await pemba.call('GET', `${store.path}/audit${query}`);
      expect(answer.status).toBe(400);
      expect(answer.json.message).toContain(field);
    });
  });

  describe('when somebody has been at it', () => {
    const altered = async (sql: (id: string) => string, query = ''): Promise<unknown> => {
      const { id, path } = await pemba.storeWith(MODEL);
      for (let i = 0; i < 5; i++) await write(path, i);
      await tamper(sql(id));
      return verify(path, query);
    };
    const finds = (sequence: number, problem: RegExp): object => ({
      valid: false,
      problems: expect.arrayContaining([{ sequence, problem: expect.stringMatching(problem) }]),
    });

    it.each([
      ['a principal', "SET principal = 'user:other'"],
      ['a time', "SET recorded_at = recorded_at - interval '1 day'"],
      ['details', `SET details = '{"writes":0,"deletes":0}'`],
      ['a revision', 'SET revision = 2'],
      ['a hash', `SET hash = '\\x00'`],
    ])('finds %s that was changed', async (_what, set) => {
      const found = await altered(
        (id) => `UPDATE audit_entry ${set} WHERE store_id = '${id}' AND sequence = 3`,
      );
      expect(found).toMatchObject(finds(3, /hash/));
    });

    it('finds an entry that was removed', async () => {
      const found = await altered(
        (id) => `DELETE FROM audit_entry WHERE store_id = '${id}' AND sequence = 4`,
      );
      expect(found).toMatchObject(finds(5, /missing after 3/));
    });

    it('finds that the last entries were removed', async () => {
      const found = await altered(
        (id) => `DELETE FROM audit_entry WHERE store_id = '${id}' AND sequence > 5`,
      );
      expect(found).toMatchObject(finds(7, /last entries are missing/));
    });

    it('finds that the last entry was made anew, with a hash that follows', async () => {
      const { id, path } = await pemba.storeWith(MODEL);
      for (let i = 0; i < 3; i++) await write(path, i);
      const { database } = pemba.assembly;
      const storeId = id as StoreId;
      const page = { from: 3, order: 'oldest', limit: 2 } as const;
      const [before, last] = await readAuditEntries(database, storeId, page);
      const by = { principal: 'user:other', address: '', requestId: '' };
      const hash = Buffer.from(entryHash(storeId, before!.hash, { ...last!, by })).toString('hex');
      await tamper(
        `UPDATE audit_entry SET principal = 'user:other', address = '', request_id = '',
           hash = '\\x${hash}' WHERE store_id = '${id}' AND sequence = 5`,
      );
      expect(await verify(path)).toMatchObject(finds(5, /hash is not the one/));
    });

    it('finds entries beyond what the store knows of', async () => {
      const { id, path } = await pemba.storeWith(MODEL);
      await pemba.assembly.database.query(
        `UPDATE store SET audit_sequence = 1, audit_hash =
           (SELECT hash FROM audit_entry WHERE store_id = $1 AND sequence = 1) WHERE store_id = $1`,
        [id],
      );
      expect(await verify(path)).toMatchObject(finds(2, /more entries/));
    });

    it('finds that a head which was noted is there no longer', async () => {
      const { id, path } = await pemba.storeWith(MODEL);
      for (let i = 0; i < 5; i++) await write(path, i);
      const { head } = await verify(path);
      const noted = `?after=${String(head.sequence)}&hash=${String(head.hash)}`;
      expect(await verify(path, noted)).toMatchObject({ valid: true, entries: 0, head });
      await tamper(`DELETE FROM audit_entry WHERE store_id = '${id}' AND sequence > 4`);
      await pemba.assembly.database.query(
        `UPDATE store SET audit_sequence = 4, audit_hash =
           (SELECT hash FROM audit_entry WHERE store_id = $1 AND sequence = 4) WHERE store_id = $1`,
        [id],
      );
      // What is left is a chain; without the head nobody can tell.
      expect(await verify(path)).toMatchObject({ valid: true });
      expect(await verify(path, noted)).toMatchObject(finds(7, /head that was given/));
      for (let i = 10; i < 13; i++) await write(path, i);
      expect(await verify(path)).toMatchObject({ valid: true, head: { sequence: 7 } });
      expect(await verify(path, noted)).toMatchObject(finds(7, /head that was given/));
    });

    it.each([
      ['never was', '?after=1000000'],
      ['has another hash', '?after=1'],
      ['is before all', '?after=0'],
    ])('finds that a head %s', async (_what, query) => {
      const { path } = await pemba.storeWith(MODEL);
      const found = await verify(path, `${query}&hash=${'ab'.repeat(32)}`);
      expect(found).toMatchObject(finds(Number(query.slice(7)), /head that was given/));
    });

    it('finds a change log that was rewritten', async () => {
      const found = await altered(
        (id) =>
          `UPDATE tuple_change SET subject_id = 'mallory' WHERE store_id = '${id}' AND revision = 2`,
      );
      expect(found).toMatchObject(finds(4, /change log of revision 2/));
    });

    it('finds a log that was made anew, from a head that was noted', async () => {
      const { id, path } = await pemba.storeWith(MODEL);
      for (let i = 0; i < 5; i++) await write(path, i);
      const { head } = await verify(path);
      await tamper(`DELETE FROM audit_entry WHERE store_id = '${id}'`);
      await pemba.assembly.database.query(
        `UPDATE store SET audit_sequence = 0, audit_hash = '' WHERE store_id = $1`,
        [id],
      );
      for (let i = 10; i < 20; i++) await write(path, i);
      expect(await verify(path)).toMatchObject({ valid: true });
      expect(
        await verify(path, `?after=${String(head.sequence)}&hash=${String(head.hash)}`),
      ).toMatchObject({ valid: false });
    });
  });

  it('is not changed by mistake', async () => {
    const { database } = pemba.assembly;
    for (const sql of [
      `UPDATE audit_entry SET principal = 'x'`,
      'DELETE FROM audit_entry',
      'TRUNCATE audit_entry',
    ]) {
      await expect(database.query(sql)).rejects.toThrow('never changed or removed');
    }
  });

  it('is for administrators of the store', async () => {
    const { id, path } = await pemba.storeWith(MODEL);
    const roles = [{ role: 'writer', store_id: id }];
    const { json } = await pemba.call('POST', '/admin/keys', { name: 'k', roles });
    const headers = { authorization: `Bearer ${String(json.key)}` };
    expect((await pemba.call('GET', `${path}/audit`, undefined, { headers })).status).toBe(403);
  });
});
