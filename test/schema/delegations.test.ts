/** What a model lets services do for users, as it is told from the model alone. */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { delegationProblems } from '../../src/schema/delegation-problems.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { implicationChanges, implicationsOf } from '../../src/schema/implications.js';
import type { Implication } from '../../src/schema/implications.js';
import type { Model, Rewrite } from '../../src/schema/model.js';
import { modelFromModules } from '../../src/schema/modules.js';
import { compilePlan } from '../../src/schema/plan.js';
import { Reach } from '../../src/schema/reach.js';
import { rewriteText } from '../../src/schema/rewrite-text.js';
import { anyModel } from './models.js';

const FOLDER = new URL('../../schema/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, FOLDER), 'utf8');
const MODULE = read('delegation.fga').replace('module delegation', '');

/** The lines of the type `item`, beside the module and some orders. */
const modelWith = (...lines: readonly string[]): Model =>
  modelFromDsl(`model
  schema 1.1
type user
type bot
type order
  relations
    define buyer: [user]
    define machine: [bot]
    define item: [item]
    define returnable: can_take from item
type item
  relations
    define order: [order]
    define parent: [item]
    define seller: [service]
    define staff: [user]
    define blocked: [user]
${lines.map((line) => `    ${line}`).join('\n')}
${MODULE}`).model;

/** By file, with the module's name as its first line. */
const modelOfModules = (modules: Readonly<Record<string, string>>): Model => {
  const files = new Map(
    Object.entries(modules).map(([name, text]) => [`${name}.fga`, `module ${name}\n${text}`]),
  );
  files.set('delegation.fga', read('delegation.fga'));
  const contents = [...files.keys()].map((file) => `  - ${file}`).join('\n');
  return modelFromModules(`schema: '1.2'\ncontents:\n${contents}\n`, files).model;
};

const shop = (change = (text: string): string => text): Model => {
  const names = readdirSync(new URL('shop/', FOLDER)).filter((name) => name.endsWith('.fga'));
  const files = new Map(names.map((name) => [name, change(read(`shop/${name}`))]));
  return modelFromModules(read('shop/fga.mod'), files).model;
};

const implied = (model: Model): readonly Implication[] => {
  const { list, isComplete } = implicationsOf(model);
  expect(isComplete).toBe(true);
  return list;
};

const textOf = ({ type, relation, rule }: Implication): string => `${type}#${relation}: ${rule}`;
const rulesOf = (...lines: readonly string[]): readonly string[] =>
  implied(modelWith(...lines)).map(({ rule }) => rule);

const problemsOf = (model: Model): readonly string[] => {
  const plan = compilePlan(model);
  return delegationProblems(plan, new Reach(plan)).map(
    ({ kind, type, relation, message }) => `${kind} ${type}#${relation}: ${message}`,
  );
};

describe('the implications of a model', () => {
  it('name the service, the rights that it takes besides, and whose these are', () => {
    const orders = { type: 'order', relation: 'can_place', module: 'orders' };
    expect(implied(shop())).toEqual([
      {
        type: 'item',
        relation: 'can_reserve',
        module: 'inventory',
        rule: 'can_place from order and acting_for from ordering_service',
        serviceRelation: 'ordering_service',
        needs: [{ rule: 'can_place from order', relations: [orders] }],
      },
      {
        type: 'invoice',
        relation: 'can_charge',
        module: 'billing',
        rule: 'can_place from order and acting_for from charging_service',
        serviceRelation: 'charging_service',
        needs: [{ rule: 'can_place from order', relations: [orders] }],
      },
    ]);
  });

  it('are branches: what stands beside one is left out, what restricts it stays', () => {
    const deep =
      '(staff or (buyer from order and (staff or acting_for from seller))) but not blocked';
    expect(rulesOf(`define can_take: ${deep}`)).toEqual([
      '(buyer from order and acting_for from seller) but not blocked',
    ]);
    expect(rulesOf('define can_take: staff or acting_for from seller')).toEqual([
      'acting_for from seller',
    ]);
    expect(
      rulesOf('define can_take: (acting_for from seller and staff) or (acting_for from seller)'),
    ).toEqual(['acting_for from seller and staff', 'acting_for from seller']);
  });

  it('are one where two services must act', () => {
    const [only, ...others] = implied(
      modelWith(
        'define payer: [service]',
        'define can_take: acting_for from seller and acting_for from payer and staff',
      ),
    );
    expect(others).toEqual([]);
    expect(only?.serviceRelation).toBe('seller');
    expect(only?.needs.map(({ rule }) => rule)).toEqual(['acting_for from payer', 'staff']);
  });

  it('are none where acting takes away, and none without the module', () => {
    expect(rulesOf('define can_take: staff but not acting_for from seller')).toEqual([]);
    const without = modelFromDsl(
      'model\n  schema 1.1\ntype user\ntype agent\n  relations\n    define acting_for: [user]\n' +
        'type item\n  relations\n    define seller: [agent]\n' +
        '    define can_take: acting_for from seller\n',
    );
    expect(implied(without.model)).toEqual([]);
  });

  it('may be written as sets, or be about the service itself', () => {
    const model = modelFromDsl(`model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
    define trusted: [user]
    define can_speak: acting_for and trusted
type item
  relations
    define can_take: [user, service#acting_for]
`).model;
    const found = implied(model);
    expect(found.map(textOf)).toEqual([
      'service#can_speak: acting_for and trusted',
      'item#can_take: [service#acting_for]',
    ]);
    expect(found.map(({ serviceRelation }) => serviceRelation)).toEqual([undefined, 'can_take']);
  });

  it('are found where rules are nested as deep as may be', () => {
    let rewrite: Rewrite = { kind: 'from', tupleset: 'seller', relation: 'acting_for' };
    for (let i = 0; i < 99; i++) {
      const other: Rewrite = { kind: 'computed', relation: 'staff' };
      rewrite = { kind: 'intersection', operands: [other, rewrite] };
    }
    const model = withRewrite(modelWith('define can_take: staff'), rewrite);
    const [only] = implied(model);
    expect(only?.needs).toHaveLength(99);
  });

  it('are cut off, and said to be, where a rule multiplies them', () => {
    const union = (operand: Rewrite): Rewrite => ({
      kind: 'union',
      operands: Array<Rewrite>(1000).fill(operand),
    });
    const rewrite: Rewrite = {
      kind: 'intersection',
      operands: [
        union({ kind: 'from', tupleset: 'seller', relation: 'acting_for' }),
        union({ kind: 'computed', relation: 'staff' }),
      ],
    };
    const found = implicationsOf(withRewrite(modelWith('define can_take: staff'), rewrite));
    expect(found.isComplete).toBe(false);
    expect(found.list.length).toBeGreaterThan(10);
    expect(found.list.length).toBeLessThan(1000);
  });

  const withRewrite = (model: Model, rewrite: Rewrite): Model => {
    const item = model.types.get('item')!; // every model here has it
    const relation = { name: 'can_take', rewrite, restrictions: [] };
    const relations = new Map(item.relations).set('can_take', relation);
    return { ...model, types: new Map(model.types).set('item', { ...item, relations }) };
  };
});

describe('what a new model implies', () => {
  const RULE = 'staff and acting_for from seller';
  const changesOf = (before: Model | undefined, after: Model): object => {
    const { added, removed } = implicationChanges(before, after);
    return { added: added.map(textOf), removed: removed.map(textOf) };
  };

  it('is all of it where there was none', () => {
    const model = modelWith(`define can_take: ${RULE}`);
    expect(changesOf(undefined, model)).toEqual({ added: [`item#can_take: ${RULE}`], removed: [] });
  });

  it('is told as what came and what went, a changed branch as both', () => {
    const before = modelWith(`define can_take: blocked or (${RULE})`);
    const wider = modelWith('define can_take: blocked or (acting_for from seller)');
    expect(changesOf(before, wider)).toEqual({
      added: ['item#can_take: acting_for from seller'],
      removed: [`item#can_take: ${RULE}`],
    });
    expect(changesOf(before, modelWith('define can_take: staff'))).toEqual({
      added: [],
      removed: [`item#can_take: ${RULE}`],
    });
  });

  it('is nothing where the other branches change, or the order of things', () => {
    const before = modelWith(`define can_take: blocked or (${RULE})`);
    const after = modelWith(
      'define free: [service]',
      `define can_take: staff or blocked or (${RULE})`,
    );
    expect(changesOf(before, after)).toEqual({ added: [], removed: [] });
  });
});

describe('the problems of delegation', () => {
  it('are none in the shop, and none without delegation', () => {
    expect(problemsOf(shop())).toEqual([]);
    expect(problemsOf(modelFromDsl('model\n  schema 1.1\ntype user\n').model)).toEqual([]);
  });

  it('are a rule that waits for a service where none can be', () => {
    const model = modelWith(
      'define agent: [order]',
      'define can_take: staff or (staff and acting_for from agent)',
    );
    const types = new Map(model.types);
    const order = types.get('order')!;
    // Another type may have a relation of that name.
    const acting = { name: 'acting_for', rewrite: { kind: 'direct' }, restrictions: [] } as const;
    types.set('order', { ...order, relations: new Map(order.relations).set('acting_for', acting) });
    expect(problemsOf({ ...model, types })).toEqual([
      "no_service item#can_take: 'acting_for from agent' holds for no service: 'agent' names none",
    ]);
  });

  it.each([
    ['a relation of machines', 'machine from order and acting_for from seller'],
    ['services themselves', 'seller and acting_for from seller'],
    ['one of several', '(staff and machine from order) and acting_for from seller'],
    ['all alternatives', '(seller or machine from order) and acting_for from seller'],
    ['the base', '(machine from order but not staff) and acting_for from seller'],
  ])('are a rule for which no user has what it takes: %s', (_what, rule) => {
    const [problem, ...others] = problemsOf(modelWith(`define can_take: staff or (${rule})`));
    expect(others).toEqual([]);
    expect(problem).toMatch(
      /^unsatisfiable item#can_take: no 'user' can have '.*', which it takes/,
    );
  });

  it.each([
    'staff and acting_for from seller',
    '(seller or staff) and acting_for from seller',
    '(staff but not machine from order) and acting_for from seller',
    'can_take from parent and acting_for from seller',
  ])('are not a rule that some user can meet: %s', (rule) => {
    expect(problemsOf(modelWith(`define can_take: staff or (${rule})`))).toEqual([]);
  });

  it('are a right that leads back to itself by way of another team', () => {
    const rule = 'staff or (returnable from order and acting_for from seller)';
    expect(problemsOf(modelWith(`define can_take: ${rule}`))).toEqual([
      'loop item#can_take: it can follow from itself by way of another module: ' +
        'item#can_take → order#returnable → item#can_take',
    ]);
    const people = 'type user\n';
    const orders = `type order
  relations
    define item: [item]
    define returnable: can_take from item
`;
    const items = `type item
  relations
    define order: [order]
    define seller: [service]
    define staff: [user]
    define can_take: ${rule}
`;
    expect(problemsOf(modelOfModules({ people, orders, items }))).toHaveLength(1);
    expect(problemsOf(modelOfModules({ people, both: orders + items }))).toEqual([]);
  });

  it('are what is given by taking away twice, here or from one rule to the next', () => {
    const hidden = /^hidden item#can_take: .* lifts what is taken away/;
    const [problem, ...others] = problemsOf(
      modelWith('define can_take: staff but not (blocked but not acting_for from seller)'),
    );
    expect(problem).toMatch(hidden);
    expect(others).toEqual([]);
    const lines = [
      'define barred: blocked but not acting_for from seller',
      'define barred_above: barred from parent',
      'define can_take: staff but not barred_above',
    ];
    expect(problemsOf(modelWith(...lines))).toEqual([expect.stringMatching(hidden)]);
    expect(problemsOf(modelWith('define can_take: staff but not acting_for from seller'))).toEqual(
      [],
    );
  });

  it('are a model without a place for ceilings', () => {
    const model = modelWith('define can_take: staff and acting_for from seller');
    const types = new Map([...model.types].filter(([name]) => name !== 'scope'));
    expect(problemsOf({ ...model, types })).toEqual([
      "no_ceiling scope#actor: 'scope#actor' admits no service, " +
        'so none has a ceiling and nothing is delegated',
    ]);
  });

  it('are two permissions with one name', () => {
    const model = modelOfModules({
      people: 'type user\n',
      odd: 'type a\n  relations\n    define b.c: [user]\ntype a.b\n  relations\n    define c: [user]\n',
    });
    expect(problemsOf(model)).toEqual([
      "ambiguous_scope a.b#c: 'scope:a.b.c' is the ceiling of 'a#b.c' as well",
    ]);
  });
});

describe('the text of a rewrite', () => {
  it('is read as that rewrite again', () => {
    fc.assert(
      fc.property(anyModel, (model) => {
        for (const type of model.types.values()) {
          for (const { name, rewrite, restrictions } of type.relations.values()) {
            const text = rewriteText(rewrite, restrictions);
            const read = modelFromDsl(
              `model\n  schema 1.1\ntype t\n  relations\n    define ${name}: ${text}\n`,
            );
            const relation = read.model.types.get('t')?.relations.get(name);
            expect(relation).toMatchObject({ rewrite, restrictions });
          }
        }
      }),
    );
  });
});
