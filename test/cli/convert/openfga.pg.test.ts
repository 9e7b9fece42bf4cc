/** `pemba convert openfga` between two servers: one that speaks OpenFGA's API, and one that takes it. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { COMMAND, runCommand } from '../../support/command.js';
import type { Outcome } from '../../support/command.js';
import { startFlakyProxy } from '../../support/flaky-proxy.js';
import type { Mishap } from '../../support/flaky-proxy.js';
import { startPemba } from '../../support/pemba.js';
import type { Answer, Pemba } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';

const FIRST = `model
  schema 1.1
type user
type doc
  relations
    define owner: [user]
    define reader: [user]
`;
const NEWEST = `model
  schema 1.1
type user
type doc
  relations
    define reader: [user, user:*, user with until]
condition until(hour: int, end: int) {
  hour < end
}
`;
const READERS = 310;

interface Store {
  readonly id: string;
  readonly models: readonly string[];
}

interface Moved {
  readonly models: readonly { readonly from: string; readonly to: string }[];
}

let source: Pemba;
let target: Pemba;
/** Of this test alone. */
let shop: string;
let blog: string;
let shopStore: Store;
let blogStore: Store;

const succeed = async (answer: Promise<Answer>): Promise<Answer['json']> => {
  const { status, text, json } = await answer;
  if (status > 299) throw new Error(text);
  return json;
};

async function storeAtSource(name: string, ...models: readonly string[]): Promise<Store> {
  const store = await succeed(source.call('POST', '/stores', { name }));
  const id = String(store.id);
  const ids: string[] = [];
  for (const model of models) ids.push(await modelAtSource(id, model));
  return { id, models: ids };
}

async function modelAtSource(id: string, raw: string): Promise<string> {
  const headers = { 'content-type': 'text/plain' };
  const path = `/stores/${id}/authorization-models`;
  const made = await succeed(source.call('POST', path, undefined, { raw, headers }));
  return String(made.authorization_model_id);
}

const importAtSource = (id: string, lines: readonly object[], model = ''): Promise<unknown> =>
  succeed(
    source.call('POST', `/stores/${id}/import${model}`, undefined, {
      raw: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      headers: { 'content-type': 'application/x-ndjson' },
    }),
  );

const convert = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommand(['convert', 'openfga', '--from', source.url, ...args], { env: environment(env) });

/** From somewhere else than the source itself. */
const convertFrom = (url: string, args: readonly string[]): Promise<Outcome> =>
  runCommand(['convert', 'openfga', '--from', url, ...args], { env: environment({}) });

const environment = (env: Readonly<Record<string, string>>) => ({
  PEMBA_URL: target.url,
  PEMBA_API_KEY: '',
  OPENFGA_API_TOKEN: source.adminKey ?? '',
  ...env,
});

const both = (): readonly string[] => ['--from-store', shopStore.id, blogStore.id];

async function heldAs(name: string): Promise<string> {
  const { stores } = await succeed(target.call('GET', `/stores?name=${name}`));
  expect(stores).toHaveLength(1);
  return String(stores[0].id);
}

async function tuplesOf(pemba: Pemba, id: string): Promise<readonly string[]> {
  const { text } = await pemba.call('GET', `/stores/${id}/export`);
  return text
    .split('\n')
    .filter((line) => line.startsWith('{"user"'))
    .sort();
}

/** Oldest first, without what differs between any two servers. */
async function modelsOf(pemba: Pemba, id: string): Promise<readonly object[]> {
  const path = `/stores/${id}/authorization-models?page_size=50`;
  const answer = await succeed(pemba.call('GET', path));
  const models = answer.authorization_models as readonly Readonly<Record<string, unknown>>[];
  return models.map((model) => ({ ...model, id: '', metadata: {} })).reverse();
}

const assertionsOf = async (pemba: Pemba, id: string, model: string): Promise<unknown> =>
  (await succeed(pemba.call('GET', `/stores/${id}/assertions/${model}`))).assertions;

async function expectMoved(name: string, store: Store): Promise<void> {
  const id = await heldAs(name);
  expect(await tuplesOf(target, id)).toEqual(await tuplesOf(source, store.id));
  expect(await modelsOf(target, id)).toEqual(await modelsOf(source, store.id));
}

const reader = (i: number): object => ({
  user: `user:u${i}`,
  relation: 'reader',
  object: `doc:${i % 7}`,
});

let made = 0;

describeWithPostgres('pemba convert openfga', () => {
  beforeAll(async () => {
    source = await startPemba({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_MASTER_KEY: randomBytes(32).toString('base64'),
    });
    target = await startPemba({});
  });
  beforeEach(async () => {
    made++;
    shop = `shop-${made}`;
    blog = `blog-${made}`;
    shopStore = await storeAtSource(shop, FIRST, NEWEST);
    blogStore = await storeAtSource(blog, FIRST);
    await importAtSource(shopStore.id, [
      ...Array.from({ length: READERS }, (_, i) => reader(i)),
      { user: 'user:*', relation: 'reader', object: 'doc:9' },
      {
        ...{ user: 'user:carl', relation: 'reader', object: 'doc:9' },
        condition: { name: 'until', context: { end: 17 } },
      },
    ]);
    await importAtSource(blogStore.id, [{ user: 'user:anne', relation: 'owner', object: 'doc:1' }]);
    const assertions = [
      { tuple_key: { user: 'user:u1', relation: 'reader', object: 'doc:1' }, expectation: true },
      {
        tuple_key: { user: 'user:carl', relation: 'reader', object: 'doc:9' },
        expectation: false,
        contextual_tuples: [{ user: 'user:u1', relation: 'reader', object: 'doc:2' }],
        context: { hour: 18 },
      },
    ];
    const path = `/stores/${shopStore.id}/assertions/${String(shopStore.models[1])}`;
    await succeed(source.call('PUT', path, { assertions }));
  });
  afterAll(async () => {
    await source.stop();
    await target.stop();
  });

  it('moves models, assertions and tuples, and tells the new ids', async () => {
    const outcome = await runCommand(
      ['--json', 'convert', 'openfga', '--from', source.url, ...both()],
      { env: environment({}) },
    );
    expect(outcome).toMatchObject({ exitCode: 0, err: '' });
    await expectMoved(shop, shopStore);
    await expectMoved(blog, blogStore);
    const { stores } = JSON.parse(outcome.out) as { readonly stores: readonly Moved[] };
    const [moved] = stores;
    const id = await heldAs(shop);
    expect(moved).toMatchObject({
      ...{ id: shopStore.id, name: shop, to: id, assertions: 2, problems: [] },
      tuples: { read: READERS + 2, written: READERS + 2, already_there: 0, rejected: 0 },
    });
    const [oldest = '', newest = ''] = moved?.models.map(({ to }) => to) ?? [];
    expect(moved?.models.map(({ from }) => from)).toEqual(shopStore.models);
    expect(await assertionsOf(target, id, newest)).toEqual(
      await assertionsOf(source, shopStore.id, String(shopStore.models[1])),
    );
    expect(await assertionsOf(target, id, oldest)).toEqual([]);
  });

  it('refuses a name that is taken before it writes anything, and goes on if told to', async () => {
    expect((await convert(['--from-store', shop])).exitCode).toBe(0);
    const refused = await convert(both());
    expect(refused).toMatchObject({ exitCode: 1, out: '' });
    expect(refused.err).toContain(`a store named ${shop} already, ${await heldAs(shop)}`);
    const { stores } = await succeed(target.call('GET', `/stores?name=${blog}`));
    expect(stores).toEqual([]);

    await importAtSource(shopStore.id, [reader(9000)]);
    await modelAtSource(shopStore.id, NEWEST.replace('hour < end', 'hour <= end'));
    const resumed = await convert([...both(), '--resume']);
    expect(resumed).toMatchObject({ exitCode: 0, err: '' });
    expect(resumed.out).toContain(
      `${READERS + 3} tuples: 1 written, ${READERS + 2} there already\n`,
    );
    await expectMoved(shop, shopStore);
    await expectMoved(blog, blogStore);
  });

  it('does not go on in a store that is another one', async () => {
    await succeed(target.call('POST', '/stores', { name: shop }));
    const path = `/stores/${await heldAs(shop)}/authorization-models`;
    const headers = { 'content-type': 'text/plain' };
    const raw = NEWEST.replaceAll('reader', 'writer');
    await succeed(target.call('POST', path, undefined, { raw, headers }));
    const refused = await convert(['--from-store', shop, '--resume']);
    expect(refused).toMatchObject({ exitCode: 1, err: expect.stringContaining('another store') });
    expect((await convert(['--from-store', shop, '--as', `${shop}-2`])).exitCode).toBe(0);
    await expectMoved(`${shop}-2`, shopStore);
  });

  it('tells a tuple that the newest model does not admit, and moves the others', async () => {
    await importAtSource(
      shopStore.id,
      [{ user: 'user:anne', relation: 'owner', object: 'doc:1' }],
      `?authorization_model_id=${String(shopStore.models[0])}`,
    );
    const shown = await convert(['--from-store', shop]);
    expect(shown.exitCode).toBe(1);
    expect(shown.err).toContain(`${shop}: doc:1#owner@user:anne: `);
    expect(shown.out).toContain(`${READERS + 3} tuples: ${READERS + 2} written, 1 rejected\n`);
    const file = join(mkdtempSync(join(tmpdir(), 'pemba-openfga-')), 'rejects.jsonl');
    const again = await convert(['--from-store', shop, '--resume', '--rejects', file]);
    expect(again.exitCode).toBe(1);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      store: shop,
      tuple: { user: 'user:anne', relation: 'owner', object: 'doc:1' },
      message: expect.stringContaining('doc#owner'),
    });
  });

  it('asks a source again that is busy, fails or breaks off', async () => {
    const mishaps: readonly Mishap[] = [
      'hang up',
      'pass',
      { status: 429, retryAfter: '1' },
      'cut',
      'pass',
      { status: 503 },
      'pass',
      'hang up',
      'cut',
    ];
    const proxy = await startFlakyProxy(source.url, (i) => mishaps[i % mishaps.length] ?? 'pass');
    try {
      const outcome = await convertFrom(proxy.url, both());
      expect(outcome).toMatchObject({ exitCode: 0, err: '' });
      await expectMoved(shop, shopStore);
      await expectMoved(blog, blogStore);
      const busy = proxy.arrived.findIndex(({ mishap }) => typeof mishap === 'object');
      const [before, after] = proxy.arrived.slice(busy);
      expect((after?.at ?? 0) - (before?.at ?? 0)).toBeGreaterThanOrEqual(950);
    } finally {
      await proxy.stop();
    }
  });

  it('does not lose the server here while the source lets it wait', async () => {
    let reads = 0;
    const proxy = await startFlakyProxy(source.url, (_i, path) =>
      path.endsWith('/read') && ++reads === 3 ? { status: 429, retryAfter: '3' } : 'pass',
    );
    const impatient = await startPemba({ PEMBA_REQUEST_TIMEOUT_MS: '2500' });
    try {
      const args = ['convert', 'openfga', '--from', proxy.url, '--from-store', shopStore.id];
      const outcome = await runCommand(args, { env: environment({ PEMBA_URL: impatient.url }) });
      expect(outcome).toMatchObject({ exitCode: 0, err: '' });
      const { stores } = await succeed(impatient.call('GET', `/stores?name=${shop}`));
      const held = await tuplesOf(impatient, String(stores[0].id));
      expect(held).toEqual(await tuplesOf(source, shopStore.id));
    } finally {
      await proxy.stop();
      await impatient.stop();
    }
  });

  it('gives up on a source that asks to come back much later, and says how to go on', async () => {
    let reads = 0;
    const proxy = await startFlakyProxy(source.url, (_i, path) =>
      path.endsWith('/read') && ++reads > 1 ? { status: 429, retryAfter: '86400' } : 'pass',
    );
    try {
      const outcome = await convertFrom(proxy.url, ['--from-store', shop]);
      expect(outcome).toMatchObject({ exitCode: 3, out: '' });
      expect(outcome.err).toContain(`the source ${proxy.url} answers 429`);
      expect(outcome.err).toContain('--resume goes on');
    } finally {
      await proxy.stop();
    }
    expect((await convert(['--from-store', shop, '--resume'])).exitCode).toBe(0);
    await expectMoved(shop, shopStore);
  });

  it('goes on where it was killed', async () => {
    let child: ReturnType<typeof spawn> | undefined;
    let reads = 0;
    const proxy = await startFlakyProxy(source.url, (_i, path) => {
      if (path.endsWith('/read') && ++reads === 3) child?.kill('SIGKILL');
      return 'pass';
    });
    try {
      const args = ['convert', 'openfga', '--from', proxy.url, '--from-store', shopStore.id];
      const running = spawn(process.execPath, [COMMAND, ...args], {
        env: { ...process.env, ...environment({}) },
        stdio: 'ignore',
      });
      child = running;
      const signal = await new Promise((resolve) => {
        running.on('exit', (_code, by) => {
          resolve(by);
        });
      });
      expect(signal).toBe('SIGKILL');
    } finally {
      await proxy.stop();
    }
    expect((await convert(['--from-store', shop])).exitCode).toBe(1);
    expect(await convert(['--from-store', shop, '--resume'])).toMatchObject({ exitCode: 0 });
    await expectMoved(shop, shopStore);
  });

  it('tells a model that is refused, and goes on with the others', async () => {
    const long = Array.from({ length: 40 }, (_, i) => `    define relation_${i}: [user]\n`);
    const newest = await modelAtSource(shopStore.id, FIRST + long.join(''));
    const assertion = { user: 'user:u1', relation: 'reader', object: 'doc:1' };
    const path = `/stores/${shopStore.id}/assertions/${newest}`;
    const assertions = [{ tuple_key: assertion, expectation: true }];
    await succeed(source.call('PUT', path, { assertions }));
    const small = await startPemba({ PEMBA_MAX_MODEL_BYTES: '1024' });
    try {
      const outcome = await convert(both(), { PEMBA_URL: small.url });
      expect(outcome.exitCode).toBe(1);
      expect(outcome.err).toContain(`${shop}: model ${newest}: `);
      expect(outcome.err).toContain(`the 1 assertions of model ${newest} are left`);
      expect(outcome.out).toContain(`  model ${newest} -> not taken\n`);
      for (const id of shopStore.models) {
        expect(outcome.out).toMatch(new RegExp(`  model ${id} -> \\w{26}\n`));
      }
      expect(outcome.out).toContain(`  ${READERS + 2} tuples: ${READERS + 2} written\n`);
      expect(outcome.out).toContain('  1 tuples: 1 written\n');
      const resumed = await convert([...both(), '--resume'], { PEMBA_URL: small.url });
      expect(resumed).toMatchObject({ exitCode: 1, err: expect.stringContaining(newest) });
      expect(resumed.out).toContain(` 0 written, ${READERS + 2} there already\n`);
    } finally {
      await small.stop();
    }
  });

  it('writes files that other commands take', async () => {
    const out = mkdtempSync(join(tmpdir(), 'pemba-openfga-'));
    const saved = await convert([...both(), '--out', out]);
    expect(saved).toMatchObject({ exitCode: 0, err: '' });
    expect(readdirSync(out).sort()).toEqual([blog, shop]);
    const folder = join(out, shop);
    expect(readdirSync(join(folder, 'models'))).toEqual(
      shopStore.models.map((id, i) => `000${i + 1}-${id}.json`),
    );
    const dsl = await source.call(
      'GET',
      `/stores/${shopStore.id}/authorization-models/${String(shopStore.models[1])}?format=dsl`,
    );
    expect(readFileSync(join(folder, 'model.fga'), 'utf8')).toBe(dsl.text);
    const assertions = JSON.parse(readFileSync(join(folder, 'assertions.json'), 'utf8')) as object;
    expect(Object.keys(assertions)).toEqual([shopStore.models[1]]);

    const env = environment({});
    const model = join(folder, 'models', `0002-${String(shopStore.models[1])}.json`);
    const created = await runCommand(['store', 'create', `${shop}-copy`, '--model', model], {
      env,
    });
    const store = created.out.trim();
    const file = join(folder, 'tuples.jsonl');
    expect(await runCommand(['tuple', 'import', file, '--store', store], { env })).toMatchObject({
      exitCode: 0,
    });
    expect(await tuplesOf(target, store)).toEqual(await tuplesOf(source, shopStore.id));
    const refused = await convert([...both(), '--out', out]);
    expect(refused).toMatchObject({ exitCode: 2, err: expect.stringContaining(folder) });
    expect((await convert([...both(), '--out', out, '--resume'])).exitCode).toBe(0);
  });

  it.each([
    ['no URL', ['--from', 'nowhere'], {}, 2, /nowhere is not a URL/],
    ['a secret in it', ['--from', 'http://a:b@127.0.0.1:1'], {}, 2, /OPENFGA_API_TOKEN/],
    [
      'one that is away',
      ['--from', 'http://127.0.0.1:1'],
      {},
      3,
      /source http:\/\/127\.0\.0\.1:1 /,
    ],
    [
      'a wrong token',
      [],
      { OPENFGA_API_TOKEN: 'pemba_wrong' },
      4,
      /the source .* refuses with 401/,
    ],
    ['no token', [], { OPENFGA_API_TOKEN: '' }, 4, /OPENFGA_API_TOKEN/],
    ['a store that is not there', ['--from-store', 'none'], {}, 2, /has no such store/],
    ['a target that is away', [], { PEMBA_URL: 'http://127.0.0.1:1' }, 3, /127\.0\.0\.1:1 does/],
    ['rejects of files', ['--out', '/tmp', '--rejects', 'x'], {}, 2, /--rejects/],
  ])('refuses %s', async (_what, args, env, exitCode, problem) => {
    const outcome = await convert(args, env);
    expect(outcome).toMatchObject({ exitCode, out: '', err: expect.stringMatching(problem) });
    expect(outcome.err).not.toMatch(/\n\s+at |pemba_wrong/);
  });
});
