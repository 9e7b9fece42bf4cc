/** The schema as TypeScript: what compiles with it is what the schema has. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { typesText } from '../../../src/cli/schema/types-text.js';
import { modelFromDsl } from '../../../src/schema/dsl.js';
import type { Model } from '../../../src/schema/model.js';
import { Folder } from './command.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const TIMEOUT_MS = 180_000;

const SCHEMA = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type order
  relations
    define customer: [user]
    define reader: [user, user:*, group#member]
    define approver: [user with under_limit, group#member with under_limit, group]
    define can_view: customer or reader
type item
  relations
    define order: [order]
    define can_reserve: customer from order
condition under_limit(amount: int, names: list<string>, labels: map<bool>) {
  amount < 5
}
`;

/** Each line after a \`wrong\` comment is one that must not compile. */
const CLIENT = `
import { PembaClient } from 'pemba/client';
import type { TupleIn } from 'pemba/client';
import type { Schema } from './schema.js';
const pemba = new PembaClient<Schema>({ urls: ['https://pemba.example'], storeId: 'store' });
declare const id: string;
const user = 'user:anne';

await pemba.check({ user, relation: 'can_view', object: \`order:\${id}\`, context: { amount: 1 } });
await pemba.check({ subjectToken: 'x', relation: 'can_reserve', object: 'item:1' });
await pemba.check({ user: 'group:eng#member', relation: 'customer', object: 'order:1' });
// @ts-expect-error -- an item has no such relation
await pemba.check({ user, relation: 'can_view', object: 'item:1' });
// @ts-expect-error -- no such relation
await pemba.check({ user, relation: 'can_veiw', object: 'order:1' });
// @ts-expect-error -- no such type
await pemba.check({ user, relation: 'can_view', object: 'ordr:1' });
// @ts-expect-error -- the user is of no type
await pemba.check({ user: 'anne', relation: 'can_view', object: 'order:1' });
// @ts-expect-error -- users have no relations
await pemba.check({ user, relation: 'can_view', object: 'user:1' });
// @ts-expect-error -- a parameter is a number
await pemba.check({ user, relation: 'can_view', object: 'order:1', context: { amount: 'x' } });
// @ts-expect-error -- no condition has such a parameter
await pemba.check({ user, relation: 'can_view', object: 'order:1', context: { amnt: 1 } });
// @ts-expect-error -- about whom?
await pemba.check({ relation: 'can_view', object: 'order:1' });

await pemba.batchCheck([{ relation: 'can_view', object: 'order:1' }]);
// @ts-expect-error -- an item has no such relation
await pemba.batchCheck([{ user, relation: 'can_view', object: 'item:1' }]);
await pemba.delegatedCheck({ user, relation: 'can_view', object: 'order:1' });
// @ts-expect-error -- an item has no such relation
await pemba.delegatedCheck({ user, relation: 'can_view', object: 'item:1' });

const page = await pemba.listObjects({ user, relation: 'can_view', type: 'order', pageSize: 5 });
const orders: readonly \`order:\${string}\`[] = page.objects;
// @ts-expect-error -- these are orders
const items: readonly \`item:\${string}\`[] = page.objects;
// @ts-expect-error -- an item has no such relation
await pemba.listObjects({ user, relation: 'can_view', type: 'item' });
for await (const order of pemba.streamedListObjects({ user, relation: 'reader', type: 'order' })) {
  await pemba.check({ user, relation: 'can_view', object: order });
}
await pemba.listUsers({
  ...{ object: 'order:1', relation: 'can_view' },
  userFilter: { type: 'group', relation: 'member' },
});
await pemba.listUsers({
  object: 'order:1',
  relation: 'can_view',
  // @ts-expect-error -- users have no members
  userFilter: { type: 'user', relation: 'member' },
});
await pemba.expand({ relation: 'can_view', object: 'order:1', maxDepth: 2 });
// @ts-expect-error -- an item has no such relation
await pemba.expand({ relation: 'can_view', object: 'item:1' });
for await (const { tuples } of pemba.read({ object: 'order:', relation: 'reader' })) void tuples;
// @ts-expect-error -- no such relation
pemba.read({ object: 'order:', relation: 'raeder' });

const object = 'order:1';
await pemba.write({
  writes: [
    { user, relation: 'customer', object, expiresAt: new Date(0) },
    { user: 'user:*', relation: 'reader', object },
    { user: 'group:eng#member', relation: 'reader', object },
    { user: 'group:eng', relation: 'approver', object },
    { user, relation: 'approver', object, condition: { name: 'under_limit' } },
    {
      ...{ user, relation: 'approver', object },
      condition: {
        name: 'under_limit',
        context: { amount: 3, names: ['a'], labels: { urgent: true } },
      },
    },
  ],
  deletes: [{ user, relation: 'approver', object }],
});
const writes: readonly TupleIn<Schema>[] = [
  // @ts-expect-error -- nothing is written to it
  { user, relation: 'can_view', object },
  // @ts-expect-error -- a group is no customer
  { user: 'group:eng', relation: 'customer', object },
  // @ts-expect-error -- its members are, it is not
  { user: 'group:eng', relation: 'reader', object },
  // @ts-expect-error -- a user's limit is missing
  { user, relation: 'approver', object },
  // @ts-expect-error -- customers have no condition
  { user, relation: 'customer', object, condition: { name: 'under_limit' } },
  // @ts-expect-error -- no such condition
  { user, relation: 'approver', object, condition: { name: 'over_limit' } },
  // @ts-expect-error -- a limit is a number
  { user, relation: 'approver', object, condition: { name: 'under_limit', context: { amount: '' } } },
];

await pemba.exchangeToken({
  ...{ subjectToken: 'x', audience: 'service:items' },
  details: [{ actions: ['can_reserve'], resource: { type: 'item', id: '1' } }],
});
await pemba.exchangeToken({
  ...{ subjectToken: 'x', audience: 'service:items' },
  // @ts-expect-error -- an order cannot be reserved
  details: [{ actions: ['can_reserve'], resource: { type: 'order', id: '1' } }],
});
await pemba.session().check({ user, relation: 'can_view', object: 'order:1' });

const untyped: PembaClient = pemba.withSchema();
const typed: PembaClient<Schema> = untyped.withSchema<Schema>();
const anything: string = id;
await untyped.check({ user: anything, relation: anything, object: anything });
const found: readonly string[] = (
  await untyped.listObjects({ user: anything, relation: anything, type: anything })
).objects;
await untyped.write({ writes: [{ user: anything, relation: anything, object: anything }] });
untyped.read({ relation: anything });
void [orders, items, writes, found, typed];
`;

const NEST = `
import { Check, RequirePermit } from 'pemba/nest';
import type { Permissions } from 'pemba/client';
import type { Schema } from './schema.js';
declare module 'pemba/nest' {
  interface PermissionSchema extends Permissions<Schema> {}
}
export class Orders {
  @Check('can_view', 'order:{params.id}')
  @RequirePermit('can_reserve', 'item:{params.id}')
  right(): void {}
  // @ts-expect-error -- an item has no such relation
  @Check('can_view', 'item:{params.id}')
  // @ts-expect-error -- no such type
  @Check('can_view', 'invoice:{params.id}')
  // @ts-expect-error -- an order cannot be reserved
  @RequirePermit('can_reserve', 'order:{params.id}')
  wrong(): void {}
}
`;

const OPTIONS = {
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023'],
  types: ['node'],
  experimentalDecorators: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  paths: { 'pemba/*': [join(ROOT, 'src', 'client', '*.ts')] },
};

/** A process of its own: it imports as jest cannot. */
function asPrettierDoes(text: string): string {
  const bin = join(ROOT, 'node_modules', 'prettier', 'bin', 'prettier.cjs');
  const options = ['--no-config', '--single-quote', '--print-width', '100'];
  const args = [bin, ...options, '--stdin-filepath', 'schema.ts'];
  return spawnSync(process.execPath, args, { input: text, encoding: 'utf8' }).stdout;
}

describe('a program that is compiled with the schema', () => {
  let project: string;

  beforeAll(() => {
    const cache = join(ROOT, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    project = mkdtempSync(join(cache, 'types-'));
    const write = (name: string, text: string): void => {
      writeFileSync(join(project, name), text);
    };
    write('package.json', JSON.stringify({ type: 'module' }));
    write('tsconfig.json', JSON.stringify({ compilerOptions: OPTIONS, include: ['*.ts'] }));
    write('schema.ts', typesText(modelFromDsl(SCHEMA).model, 'model.fga'));
    write('client.ts', CLIENT);
    write('nest.ts', NEST);
  });
  afterAll(() => {
    rmSync(project, { recursive: true, force: true });
  });

  it(
    'may ask what the schema has, and nothing else',
    () => {
      const { stdout } = spawnSync(process.execPath, [TSC, '-p', project], { encoding: 'utf8' });
      expect(stdout).toBe('');
    },
    TIMEOUT_MS,
  );
});

describe('the types of a model', () => {
  it('are as Prettier would have them', () => {
    const many = Array.from({ length: 12 }, (_, i) => `kind_of_subject_${i}`);
    const model = `${SCHEMA.split('condition')[0] ?? ''}type many
  relations
    define wide: [${many.join(', ')}]
${many.map((name) => `type ${name}\n`).join('')}${SCHEMA.slice(SCHEMA.indexOf('condition'))}`;
    const text = typesText(modelFromDsl(model).model, 'model.fga');
    expect(text).toContain('      readonly wide:\n        | `kind_of_subject_0:${string}`\n');
    expect(text).toBe(asPrettierDoes(text));
  });

  it('are text and nothing but text, whatever names there are', () => {
    const names = [
      'a`b',
      '${x}',
      "it's",
      'a"b',
      '\\',
      'a-b',
      '1',
      '__proto__',
      '`${process.exit()}',
    ];
    const types: Model['types'] = new Map(
      names.map((name) => [
        name,
        {
          name,
          relations: new Map([
            [
              name,
              {
                name,
                rewrite: { kind: 'direct' },
                restrictions: [
                  { type: name, kind: 'object', relation: '' },
                  { type: name, kind: 'userset', relation: name },
                  { type: name, kind: 'wildcard', relation: '' },
                ],
              },
            ],
          ]),
        },
      ]),
    );
    const strings = { kind: 'list', of: { kind: 'string' } } as const;
    const conditions: Model['conditions'] = new Map([
      [
        'a-b',
        {
          name: 'a-b',
          expression: 'true',
          parameters: {
            'x-y': { kind: 'list', of: strings },
            any: { kind: 'map', of: { kind: 'any' } },
          },
        },
      ],
    ]);
    const text = typesText({ schemaVersion: '1.1', types, conditions }, 'x\n*/ evil()');
    expect(text).toBe(asPrettierDoes(text));
    expect(text).not.toMatch(/^ *evil/m);
    expect(text).toContain("readonly '${x}': {\n      readonly '${x}': `\\${x}:${string}` |");
  });
});

describe('pemba schema types', () => {
  let folder: Folder;

  beforeEach(() => {
    folder = new Folder();
    folder.write('model.fga', SCHEMA);
  });
  afterEach(() => {
    folder.remove();
  });

  const types = (...args: readonly string[]) => folder.run('schema', 'types', ...args);

  it('writes a file, and tells when it is stale', () => {
    const args = ['model.fga', '--out', 'src/schema.ts'] as const;
    folder.write('src/other.ts', '');
    const check = types(...args, '--check');
    expect([check.exitCode, check.err]).toEqual([
      1,
      'pemba: src/schema.ts is missing; run: pemba schema types model.fga --out src/schema.ts\n',
    ]);
    expect(types(...args).exitCode).toBe(0);
    const made = readFileSync(join(folder.path, 'src/schema.ts'), 'utf8');
    expect(made).toMatch(/^\/\/ Made from \.\.\/model\.fga by `pemba schema types`\. /);
    expect(types(...args, '--check')).toEqual({ exitCode: 0, out: '', err: '' });
    folder.write('model.fga', SCHEMA.replaceAll('customer', 'buyer'));
    const stale = types(...args, '--check');
    expect([stale.exitCode, stale.err]).toEqual([
      1,
      'pemba: src/schema.ts is stale; run: pemba schema types model.fga --out src/schema.ts\n',
    ]);
    expect(readFileSync(join(folder.path, 'src/schema.ts'), 'utf8')).toBe(made);
  });

  it('writes to standard output, and nothing for a schema with mistakes', () => {
    expect(types('model.fga').out).toContain('export interface Schema {');
    folder.write('wrong.fga', SCHEMA.replace('[user]', '[usr]'));
    const { exitCode, out, err } = types('wrong.fga');
    expect([exitCode, out]).toEqual([1, '']);
    expect(err).toContain("'usr'");
    expect(types('model.fga', '--check').exitCode).toBe(2);
  });

  it('is what the example has been made with', () => {
    const [schema, out] = ['schema/shop/fga.mod', 'examples/shop/schema.ts'];
    const { exitCode, err } = types(join(ROOT, schema), '--out', join(ROOT, out), '--check');
    expect([exitCode, err]).toEqual([0, '']);
  });
});
