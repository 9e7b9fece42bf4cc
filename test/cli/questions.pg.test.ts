/** What `pemba check` and the other questions print, against a server with the shop's model. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runCommand } from '../support/command.js';
import type { Outcome } from '../support/command.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const SHOP = join(import.meta.dirname, '..', '..', 'schema', 'shop');

let pemba: Pemba;
let store: TestStore;

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommand(args, { env: { PEMBA_URL: pemba.url, PEMBA_STORE: store.id, ...env } });

/** Arguments as one would type them. */
const type = (line: string): Promise<Outcome> => run(line.split(' '));

describeWithPostgres('questions at the command line', () => {
  beforeAll(async () => {
    pemba = await startPemba({});
    const made = await runCommand(['store', 'create', 'shop', '--model', join(SHOP, 'fga.mod')], {
      env: { PEMBA_URL: pemba.url },
    });
    expect(made).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^[0-9A-Z]{26}\n$/) });
    const id = made.out.trim();
    store = { id, path: `/stores/${id}` } as TestStore;
    const tuples = JSON.parse(readFileSync(join(SHOP, 'tuples.json'), 'utf8')) as readonly object[];
    const { status } = await pemba.call('POST', `${store.path}/write`, {
      writes: { tuple_keys: tuples },
    });
    expect(status).toBe(200);
  });
  afterAll(() => pemba.stop());

  it('answers a check by its exit code, too', async () => {
    expect(await type('check user:anne can_view order:1001')).toMatchObject({
      exitCode: 0,
      out: 'allowed\n',
    });
    expect(await type('check user:dave can_view order:1001')).toEqual({
      exitCode: 1,
      out: 'denied\n',
      err: '',
    });
  });

  it('takes parameters, tuples and consistency along', async () => {
    const ask = 'check user:bob can_refund invoice:1001';
    expect((await type(`${ask} -p amount=5000`)).out).toBe('allowed\n');
    expect((await type(`${ask} --params {"amount":5001} --latest`)).out).toBe('denied\n');
    const lacking = await type(ask);
    expect(lacking).toMatchObject({ exitCode: 4, err: expect.stringContaining('amount') });
    const tuple = 'order:1001#customer@user:zoe';
    expect((await type(`check user:zoe can_view order:1001 -t ${tuple}`)).out).toBe('allowed\n');
    const users = await type(`list-users can_view order:1001 -t ${tuple}`);
    expect(users.out).toContain('user:zoe\n');
  });

  it('draws why', async () => {
    expect((await type('explain user:bob can_refund invoice:1001 -p amount=1')).out).toBe(
      `user:bob can_refund invoice:1001: allowed
├─ invoice:1001#order@order:1001
├─ order:1001#shop@shop:tea
├─ shop:tea#refunder@team:support#member
├─ team:support#member@user:bob
└─ and not in order:1001#customer
`,
    );
    expect((await type('explain user:dave can_place order:1001')).out).toBe(
      `user:dave can_place order:1001: denied
└─ order:1001#can_place: of what is needed, this is missing
   ├─ no order:1001#customer@user:dave
   └─ order:1001#can_place: shut out, because of
      ├─ order:1001#shop@shop:tea
      └─ shop:tea#blocked@user:dave
`,
    );
    expect((await type('explain user:bob can_refund invoice:1001 -p amount=9999')).out).toContain(
      'within_limit is false for shop:tea#refunder@team:support#member',
    );
  });

  it('asks for a service that acts for a user', async () => {
    const ask = 'user:anne can_reserve item:teapot';
    expect((await type(`check ${ask}`)).out).toBe('denied\n');
    expect((await type(`check ${ask} --as service:orders`)).out).toBe('allowed\n');
    expect(
      (await type('explain user:anne can_write_off item:teapot --as service:orders')).out,
    ).toMatch(/denied\n├─ ceiling: there is no scope:item\.can_write_off#actor@service:orders\n/);
  });

  it('draws what a set is made of', async () => {
    expect((await type('expand can_view order:1001')).out).toBe(
      `order:1001#can_view: any of
├─ order:1001#customer: user:anne
└─ shop:tea#clerk: any of (from order:1001#shop)
   ├─ team:staff#member
   │  ├─ team:logistics#member: user:erin
   │  └─ team:support#member: user:bob
   └─ shop:tea#manager: user:cara
`,
    );
  });

  it('lists names, one a line, and says when there are more', async () => {
    const all = await type('list-objects user:bob can_view order');
    expect(all).toMatchObject({
      exitCode: 0,
      out: 'order:1001\norder:1002\norder:1003\n',
      err: '',
    });
    const two = await type('list-objects user:bob can_view order --limit 2');
    expect(two.out).toBe('order:1001\norder:1002\n');
    expect(two.err).toContain('more than 2');
    const json = await type('--json list-users can_view order:1001 --limit 1');
    expect(JSON.parse(json.out)).toEqual({ names: ['user:anne'], complete: false });
  });

  it('prints one JSON document', async () => {
    const explained = await type('explain user:anne can_view order:1001 --json');
    expect(JSON.parse(explained.out)).toMatchObject({
      allowed: true,
      proof: { tuples: ['order:1001#customer@user:anne'] },
    });
    const denied = await type('check user:dave can_view order:1001 --json');
    expect(denied.exitCode).toBe(1);
    expect(JSON.parse(denied.out)).toMatchObject({ allowed: false });
  });

  it.each([
    ['check user:anne can_view', 2, /missing required argument 'object'/],
    ['check user:anne nope order:1001', 4, /order#nope/],
    ['check - can_view order:1001', 2, /--subject-token-file/],
    ['check user:anne can_view order:1001 --params [1]', 2, /--params/],
    ['check user:anne can_view order:1001 --params @/nowhere', 2, /nowhere cannot be read/],
    ['check user:anne can_view order:1001 -t nonsense', 2, /'nonsense' is no tuple/],
    ['check user:anne can_view order:1001 --frob', 2, /unknown option '--frob'/],
    ['check user:anne can_view order:1001 --at-least zzz', 4, /consistency/i],
    ['expand can_view order:1001 --depth 0', 2, /--depth 0/],
    ['list-objects user:bob can_view order --limit none', 2, /--limit none/],
    ['list-users can_view order', 2, /'order' is no object/],
    ['chek user:anne can_view order:1001', 2, /check/],
  ])('refuses `%s` with exit code %i', async (line, exitCode, problem) => {
    const outcome = await type(line);
    expect(outcome).toMatchObject({ exitCode, out: '', err: expect.stringMatching(problem) });
    expect(outcome.err).not.toMatch(/\n\s+at /);
  });

  it('tells a server that is away from a store that is not named', async () => {
    const away = await run(['check', 'user:a', 'b', 'c:d'], { PEMBA_URL: 'http://127.0.0.1:1' });
    expect(away).toMatchObject({ exitCode: 3, err: expect.stringContaining('does not answer') });
    const unnamed = await run(['check', 'user:a', 'b', 'c:d'], { PEMBA_STORE: '' });
    expect(unnamed).toMatchObject({ exitCode: 2, err: expect.stringContaining('which store?') });
  });
});
