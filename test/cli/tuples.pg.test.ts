/** `pemba tuple` and `pemba store` against a server: what goes in comes out, and what does not is told. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { COMMAND, runCommand } from '../support/command.js';
import type { Outcome } from '../support/command.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type doc
  relations
    define reader: [user, user:*, group#member, user with until]
condition until(hour: int, end: int) {
  hour < end
}
`;

const directory = mkdtempSync(join(tmpdir(), 'pemba-tuples-'));
const at = (name: string): string => join(directory, name);

let pemba: Pemba;
let store: TestStore;

const run = (args: readonly string[], input?: string): Promise<Outcome> =>
  runCommand(args, {
    env: { PEMBA_URL: pemba.url, PEMBA_STORE: store.id },
    ...(input !== undefined && { input }),
  });

/** Arguments as one would type them. */
const type = (line: string, input?: string): Promise<Outcome> => run(line.split(' '), input);

const exported = async (): Promise<readonly string[]> => {
  const { out } = await type('tuple export');
  return out
    .split('\n')
    .filter((line) => line.startsWith('{"user"'))
    .sort();
};

const CONDITIONED =
  '{"user":"user:carl","relation":"reader","object":"doc:1","condition":{"name":"until","context":{"end":17}},"expires_at":"2999-01-01T00:00:00.000Z"}';

describeWithPostgres('tuples at the command line', () => {
  beforeAll(async () => {
    pemba = await startPemba({});
  });
  beforeEach(async () => {
    store = await pemba.storeWith(MODEL);
  });
  afterAll(() => pemba.stop());

  it('writes, reads and deletes one', async () => {
    expect((await type('tuple write user:anne reader doc:1')).out).toBe(
      'doc:1#reader@user:anne is written.\n',
    );
    expect(await type('tuple write user:anne reader doc:1')).toMatchObject({
      exitCode: 4,
      out: '',
    });
    expect((await type('tuple write user:anne reader doc:1 --on-duplicate ignore')).exitCode).toBe(
      0,
    );
    const ending =
      '--condition until --condition-context {"end":17} --expires-at 2999-01-01T00:00:00Z';
    expect((await type(`tuple write user:carl reader doc:1 ${ending}`)).exitCode).toBe(0);
    expect((await type('tuple read --object doc:1')).out).toBe(
      `OBJECT  RELATION  USER       CONDITION         EXPIRES
doc:1   reader    user:anne  -                 -
doc:1   reader    user:carl  until {"end":17}  2999-01-01T00:00:00.000Z
`,
    );
    expect((await type('tuple delete user:anne reader doc:1')).exitCode).toBe(0);
    expect((await type('tuple delete user:anne reader doc:1')).exitCode).toBe(4);
    expect((await type('tuple delete user:anne reader doc:1 --if-exists')).exitCode).toBe(0);
    expect(await exported()).toEqual([CONDITIONED]);
  });

  it('counts what matches, and deletes it only when told to', async () => {
    await type('tuple import -', lines(5));
    const asked = await type('tuple delete-matching --object doc:');
    expect(asked).toMatchObject({ exitCode: 2, err: expect.stringContaining('--yes') });
    expect((await type('tuple delete-matching --object doc: --dry-run')).out).toBe(
      '5 tuples match.\n',
    );
    expect(await exported()).toHaveLength(5);
    expect((await type('tuple delete-matching --object doc: --yes')).out).toBe(
      '5 tuples are deleted.\n',
    );
    expect((await type('tuple delete-matching --yes')).exitCode).toBe(2);
  });

  it.each(['jsonl', 'csv', 'json', 'yaml'])(
    'exports %s that imports as the same',
    async (format) => {
      await type('tuple write group:eng#member reader doc:2');
      await type('tuple write user:* reader doc:3');
      await type('tuple import -', CONDITIONED);
      const before = await exported();
      expect(before).toHaveLength(3);
      const file = at(`all.${format}`);
      expect((await type(`tuple export ${file}`)).exitCode).toBe(0);
      store = await pemba.storeWith(MODEL);
      expect((await type(`tuple import ${file}`)).out).toBe(
        '3 are stored that were not there before.\n',
      );
      expect(await exported()).toEqual(before);
      expect((await type(`tuple import ${file}`)).out).toMatch(/^0 are stored/);
    },
  );

  it("keeps entities' attributes in JSON lines, and says where they are left out", async () => {
    await pemba.call('PUT', `${store.path}/attributes/user/anne`, { level: 3 });
    const file = at('attributes.jsonl');
    await type(`tuple export ${file}`);
    expect(readFileSync(file, 'utf8')).toContain('{"entity":"user:anne","attributes":{"level":3}}');
    expect((await type(`tuple export ${at('attributes.csv')}`)).err).toContain('left out');
    store = await pemba.storeWith(MODEL);
    await type(`tuple import ${file}`);
    const { json } = await pemba.call('GET', `${store.path}/attributes/user/anne`);
    expect(json).toMatchObject({ level: 3 });
  });

  it('names the line of the file that each rejected tuple stands on', async () => {
    const csv = at('some.csv');
    writeFileSync(
      csv,
      'user_type,user_id,relation,object_type,object_id\n' +
        'user,anne,reader,doc,1\nuser,,reader,doc,1\nuser,"b\nb",reader,doc,1\nuser,carl,owner,doc,1\n',
    );
    const rejects = at('rejects.jsonl');
    const outcome = await type(`tuple import ${csv} --rejects ${rejects}`);
    expect(outcome).toMatchObject({
      exitCode: 1,
      out: '1 are stored that were not there before; 3 lines were rejected.\n',
    });
    const told = readFileSync(rejects, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly line: number; readonly message: string });
    expect(new Map(told.map(({ line, message }) => [line, message]))).toEqual(
      new Map([
        [3, expect.stringContaining('user_id')],
        [4, expect.stringContaining('user')],
        [6, expect.stringContaining('doc#owner')],
      ]),
    );
    const raw = await type('tuple import -', `${lines(1)}\n\nnonsense\n`);
    expect(raw).toMatchObject({ exitCode: 1, err: expect.stringContaining('line 4: ') });
  });

  it('keeps every reject, however many there are', async () => {
    const bad = Array.from(
      { length: 30_000 },
      (_, i) => `{"user":"user:u${i}","relation":"none","object":"doc:1"}\n`,
    ).join('');
    const rejects = at('many.jsonl');
    const outcome = await type(`tuple import - --rejects ${rejects}`, bad + lines(3));
    expect(outcome.out).toBe(
      '3 are stored that were not there before; 30000 lines were rejected.\n',
    );
    const told = readFileSync(rejects, 'utf8').trim().split('\n');
    const places = told.map((line) => (JSON.parse(line) as { readonly line: number }).line);
    expect(places).toEqual(Array.from({ length: 30_000 }, (_, i) => i + 1));
  });

  it('goes on where an import was killed', async () => {
    const file = at('long.jsonl');
    writeFileSync(file, lines(120_000));
    const state = `${file}.import`;
    const killed = await killedWhen(['tuple', 'import', file], () => existsSync(state));
    expect(killed).toBe('SIGKILL');
    const { line } = JSON.parse(readFileSync(state, 'utf8')) as { readonly line: number };
    expect(line).toBeGreaterThan(0);
    const again = await type(`tuple import ${file}`);
    expect(again).toMatchObject({
      exitCode: 0,
      err: expect.stringContaining(`from line ${line + 1}`),
    });
    expect(existsSync(state)).toBe(false);
    expect(await exported()).toHaveLength(120_000);
  });

  it.each([
    ['tuple import /nowhere.csv', 2, /nowhere\.csv cannot be read/],
    ['tuple import /etc', 2, /\/etc/],
    ['tuple import x.txt', 2, /of which format/],
    ['tuple import x.jsonl --from-line 0', 2, /--from-line 0/],
    ['tuple export /nowhere/x.jsonl', 2, /nowhere\/x\.jsonl cannot be written/],
    ['tuple write user:anne reader', 2, /object/],
    ['tuple write user:anne reader doc:1 --on-duplicate perhaps', 2, /perhaps/],
    ['tuple write user:anne reader doc:1 --condition-context {}', 2, /--condition/],
    ['tuple write user:anne owner doc:1', 4, /owner/],
    ['tuple read --limit many', 2, /--limit many/],
  ])('refuses `%s` with exit code %i', async (line, exitCode, problem) => {
    const outcome = await type(line);
    expect(outcome).toMatchObject({ exitCode, out: '', err: expect.stringMatching(problem) });
    expect(outcome.err).not.toMatch(/\n\s+at /);
  });

  it('deletes a store only when told to', async () => {
    const refused = await type(`store delete ${store.id}`);
    expect(refused).toMatchObject({ exitCode: 2, err: expect.stringContaining('--yes') });
    expect((await type(`store delete ${store.id} --yes`)).out).toContain('is deleted');
    expect((await type('store show')).exitCode).toBe(4);
    expect((await type('tuple export')).exitCode).toBe(4);
  });
});

const lines = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `{"user":"user:u${i}","relation":"reader","object":"doc:${i % 1000}"}\n`,
  ).join('');

/** The signal that ended it, sent as soon as there was something to lose. */
function killedWhen(
  args: readonly string[],
  isTime: () => boolean,
): Promise<NodeJS.Signals | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [COMMAND, ...args], {
      env: { ...process.env, PEMBA_URL: pemba.url, PEMBA_STORE: store.id },
      stdio: 'ignore',
    });
    const watch = setInterval(() => {
      if (isTime()) child.kill('SIGKILL');
    }, 1);
    child.on('exit', (_code, signal) => {
      clearInterval(watch);
      resolve(signal);
    });
  });
}
