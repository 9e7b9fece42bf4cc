/** `pemba backup` and `pemba restore`: whole stores, and never half of one. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runCommand } from '../support/command.js';
import type { Outcome } from '../support/command.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const MODEL = `model
  schema 1.1
type user
type doc
  relations
    define reader: [user]`;

const directory = mkdtempSync(join(tmpdir(), 'pemba-backup-'));
const at = (name: string): string => join(directory, name);

let pemba: Pemba;
let store: TestStore;

const type = (line: string): Promise<Outcome> =>
  runCommand(line.split(' '), {
    env: { PEMBA_URL: pemba.url, PEMBA_API_KEY: pemba.adminKey ?? '', PEMBA_STORE: store.id },
  });

const exportOf = async (id: string): Promise<string> =>
  (await type(`tuple export --store ${id}`)).out.replace(/"revision":\d+/, '');

const storeCount = async (): Promise<number> =>
  (JSON.parse((await type('store list --json')).out) as readonly object[]).length;

/** As an attacker would make it: what is in it changed, and a checksum that fits. */
function resealed(text: string, change: (lines: string) => string): string {
  const end = text.lastIndexOf('{"end"');
  const lines = change(text.slice(0, end));
  const sha256 = createHash('sha256').update(lines).digest('hex');
  const seal = JSON.parse(text.slice(end)) as { readonly end: object };
  return `${lines}${JSON.stringify({ end: { ...seal.end, sha256 } })}\n`;
}

describeWithPostgres('backups at the command line', () => {
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
    store = await pemba.storeWith(MODEL);
    for (const user of ['anne', 'ben']) await type(`tuple write user:${user} reader doc:1`);
    const other = await pemba.storeWith(MODEL);
    await type(`tuple write user:zoe reader doc:9 --store ${other.id}`);
  });
  afterAll(() => pemba.stop());

  it.each(['one.jsonl', 'one.jsonl.gz'])('makes a store anew from %s', async (name) => {
    expect((await type(`backup ${at(name)}`)).out).toMatch(/: 2 tuples at revision 2\n$/);
    const restored = await type(`restore ${at(name)}`);
    expect(restored).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^[0-9A-Z]{26}\n$/) });
    const id = restored.out.trim();
    expect(id).not.toBe(store.id);
    expect(await exportOf(id)).toBe(await exportOf(store.id));
    expect((await type(`check user:anne reader doc:1 --store ${id}`)).exitCode).toBe(0);
  });

  it('has all stores in one file, of which one can be had by itself', async () => {
    const file = at('all.gz');
    const stores = await storeCount();
    expect((await type(`backup ${file} --all`)).out.trim().split('\n')).toHaveLength(stores);
    const checked = JSON.parse(
      (await type(`restore ${file} --check --json`)).out,
    ) as readonly object[];
    expect(checked).toHaveLength(stores);
    expect(await storeCount()).toBe(stores);
    expect((await type(`restore ${file} --store ${store.id}`)).exitCode).toBe(0);
    expect(await storeCount()).toBe(stores + 1);
    const absent = await type(`restore ${file} --store 01ARZ3NDEKTSV4RRFFQ69G5FAV`);
    expect(absent).toMatchObject({ exitCode: 1, err: expect.stringContaining(store.id) });
  });

  it('does not take the id of a store that is there', async () => {
    const file = at('kept.jsonl');
    const lost = await pemba.storeWith(MODEL);
    await type(`tuple write user:carl reader doc:1 --store ${lost.id}`);
    await type(`backup ${file} --store ${lost.id}`);
    const taken = await type(`restore ${file} --keep-id`);
    expect(taken).toMatchObject({ exitCode: 4, err: expect.stringContaining('is taken') });
  });

  it('restores nothing of a file that is damaged anywhere', async () => {
    await type(`backup ${at('good.jsonl')} --all`);
    const good = readFileSync(at('good.jsonl'), 'utf8');
    const before = await storeCount();
    const damaged: readonly (readonly [string, string | Buffer, RegExp])[] = [
      ['changed.jsonl', good.replaceAll('user:zoe', 'user:eve'), /checksum/],
      ['cut.jsonl', good.slice(0, -20), /not whole|no end/],
      ['endless.jsonl', good.slice(0, good.lastIndexOf('{"end"')), /not whole/],
      ['cut.gz', gzipSync(good).subarray(0, 300), /damaged/],
      ['none.gz', good, /damaged/],
      ['empty.jsonl', '', /empty/],
      ['other.jsonl', '{"user":"user:a","relation":"b","object":"c:d"}\n', /no backup/],
    ];
    for (const [name, content, problem] of damaged) {
      writeFileSync(at(name), content);
      const outcome = await type(`restore ${at(name)}`);
      expect(outcome).toMatchObject({ exitCode: 1, out: '', err: expect.stringMatching(problem) });
    }
    expect(await storeCount()).toBe(before);
  });

  it('leaves it to the server to refuse what fits its checksum and is no store', async () => {
    await type(`backup ${at('forged.jsonl')}`);
    const before = await storeCount();
    const good = readFileSync(at('forged.jsonl'), 'utf8');
    writeFileSync(
      at('forged.jsonl'),
      resealed(good, (text) => text.replace('"type":"user"', '"type":7')),
    );
    const outcome = await type(`restore ${at('forged.jsonl')}`);
    expect(outcome).toMatchObject({ exitCode: 4, out: '' });
    expect(await storeCount()).toBe(before);
  });

  it('leaves no file where a backup fails', async () => {
    const outcome = await type(`backup ${at('never.jsonl')} --store 01ARZ3NDEKTSV4RRFFQ69G5FAV`);
    expect(outcome.exitCode).toBe(4);
    expect([existsSync(at('never.jsonl')), existsSync(at('never.jsonl.part'))]).toEqual([
      false,
      false,
    ]);
    expect((await type(`backup ${at('x')} --all --store ${store.id}`)).exitCode).toBe(2);
    expect((await type('backup /nowhere/x')).exitCode).toBe(2);
    expect((await type('restore /nowhere/x')).exitCode).toBe(2);
  });
});
