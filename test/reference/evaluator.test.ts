/** The definition on cases small enough to be decided by reading them. */
import { describe, expect, it } from '@jest/globals';

import type { Model, Rewrite, SubjectRestriction } from '../../src/schema/model.js';
import { parseTupleKey } from '../../src/tuple/tuple.js';
import type { JsonObject, RelationTuple, TupleKey } from '../../src/tuple/tuple.js';
import { CONDITION_NAMES, conditionDefinition } from './conditions.js';
import { Reference, union } from './evaluator.js';
import { solve } from './well-founded.js';

const direct: Rewrite = { kind: 'direct' };
const computed = (relation: string): Rewrite => ({ kind: 'computed', relation });
const from = (relation: string, tupleset: string): Rewrite => ({
  kind: 'from',
  tupleset,
  relation,
});
const or = (...operands: Rewrite[]): Rewrite => ({ kind: 'union', operands });
const and = (...operands: Rewrite[]): Rewrite => ({ kind: 'intersection', operands });
const butNot = (base: Rewrite, subtract: Rewrite): Rewrite => ({
  kind: 'exclusion',
  base,
  subtract,
});

/** A rewrite, and the restrictions of its direct part as the DSL writes them. */
type Relation = readonly [Rewrite, ...string[]];

function modelOf(types: Readonly<Record<string, Readonly<Record<string, Relation>>>>): Model {
  return {
    schemaVersion: '1.1',
    types: new Map(
      Object.entries<Readonly<Record<string, Relation>>>({ user: {}, ...types }).map(
        ([type, relations]) => [
          type,
          {
            name: type,
            relations: new Map(
              Object.entries(relations).map(([name, [rewrite, ...restrictions]]) => [
                name,
                { name, rewrite, restrictions: restrictions.map(restriction) },
              ]),
            ),
          },
        ],
      ),
    ),
    conditions: new Map(CONDITION_NAMES.map((name) => [name, conditionDefinition(name)])),
  };
}

function restriction(text: string): SubjectRestriction {
  const [subject = '', condition] = text.split(' with ');
  const [type = '', relation = ''] = subject.replace(':*', '').split('#');
  const kind = subject.endsWith(':*') ? 'wildcard' : relation === '' ? 'object' : 'userset';
  return { type, kind, relation, ...(condition === undefined ? {} : { condition }) };
}

function key(text: string): TupleKey {
  const parsed = parseTupleKey(text);
  if (parsed === undefined) throw new Error(`no tuple: ${text}`);
  return parsed;
}

/** `object#relation@subject`, perhaps followed by ` with below {"limit":1}`. */
function tuple(text: string): RelationTuple {
  const [bare = '', condition] = text.split(' with ');
  if (condition === undefined) return key(bare);
  const [name = '', ...context] = condition.split(' ');
  return { ...key(bare), condition: { name, context: JSON.parse(context.join(' ') || '{}') } };
}

function answers(
  model: Model,
  tuples: readonly string[],
  context: JsonObject = {},
): (check: string) => string {
  const reference = new Reference({
    model,
    now: 1000,
    tuples: tuples.map(tuple),
    context,
    objects: [],
  });
  return (check) => {
    const { object, relation, subject } = key(check);
    return reference.truth(object, relation, subject);
  };
}

const GROUPS = modelOf({
  group: { member: [direct, 'user', 'user:*', 'group#member'] },
  document: {
    parent: [direct, 'document', 'group'],
    owner: [direct, 'user'],
    viewer: [or(direct, computed('owner'), from('viewer', 'parent')), 'user', 'group#member'],
  },
});

describe('membership', () => {
  it('follows usersets, computed usersets and parents', () => {
    const ask = answers(GROUPS, [
      'group:a#member@group:b#member',
      'group:b#member@user:anne',
      'document:1#viewer@group:a#member',
      'document:2#parent@document:1',
      'document:2#parent@group:b',
      'document:1#owner@user:bob',
    ]);
    expect(ask('document:2#viewer@user:anne')).toBe('true');
    expect(ask('document:2#viewer@user:bob')).toBe('true');
    expect(ask('document:2#owner@user:bob')).toBe('false');
    expect(ask('document:2#viewer@group:b#member')).toBe('true');
    expect(ask('document:2#viewer@document:1#owner')).toBe('true');
    expect(ask('group:b#member@group:a#member')).toBe('false');
  });

  it('holds for a userset in itself, even if no tuple names it', () => {
    const group = { type: 'group', id: 'a' };
    const nothing = { model: GROUPS, now: 0, tuples: [], context: {} };
    const reference = new Reference({ ...nothing, objects: [group] });
    const userset = { kind: 'userset', ...group, relation: 'member' } as const;
    expect(reference.truth(group, 'member', userset)).toBe('true');
    expect(reference.truth(group, 'member', { kind: 'object', ...group })).toBe('false');
  });

  it('of a cycle without an entry is false', () => {
    const ask = answers(GROUPS, [
      'group:a#member@group:b#member',
      'group:b#member@group:a#member',
      'group:b#member@user:anne',
    ]);
    expect(ask('group:a#member@user:anne')).toBe('true');
    expect(ask('group:a#member@user:bob')).toBe('false');
  });

  it('by wildcard is that of objects and of the wildcard itself, not of usersets', () => {
    const ask = answers(
      modelOf({
        group: { member: [direct, 'user', 'group:*'] },
      }),
      ['group:a#member@group:*', 'group:b#member@user:anne'],
    );
    expect(ask('group:a#member@group:b')).toBe('true');
    expect(ask('group:a#member@group:*')).toBe('true');
    expect(ask('group:a#member@group:b#member')).toBe('false');
    expect(ask('group:a#member@user:anne')).toBe('false');
  });

  it('of the wildcard is not that of every object', () => {
    const ask = answers(GROUPS, ['group:a#member@user:anne']);
    expect(ask('group:a#member@user:*')).toBe('false');
  });
});

describe('exclusion', () => {
  const model = modelOf({
    document: {
      blocked: [direct, 'user', 'user:*', 'document#viewer'],
      viewer: [butNot(direct, computed('blocked')), 'user', 'user:*'],
      reader: [butNot(direct, butNot(computed('open'), computed('reader'))), 'user'],
      open: [direct, 'user'],
      named: [butNot(direct, computed('closed')), 'user'],
      closed: [butNot(computed('open'), computed('named'))],
    },
  });

  it('takes single users out of a wildcard', () => {
    const ask = answers(model, ['document:1#viewer@user:*', 'document:1#blocked@user:bob']);
    expect(ask('document:1#viewer@user:anne')).toBe('true');
    expect(ask('document:1#viewer@user:bob')).toBe('false');
    expect(ask('document:1#viewer@user:*')).toBe('true');
  });

  it('that hangs on itself is undefined, unless its base is false', () => {
    const ask = answers(model, [
      'document:1#viewer@user:anne',
      'document:1#blocked@document:1#viewer',
    ]);
    expect(ask('document:1#viewer@user:anne')).toBe('undefined');
    expect(ask('document:1#blocked@user:anne')).toBe('undefined');
    expect(ask('document:1#viewer@user:bob')).toBe('false');
  });

  it('that an undefined one does not decide is true or false all the same', () => {
    const ask = answers(model, [
      'document:1#viewer@user:anne',
      'document:1#blocked@document:1#viewer',
      'document:1#blocked@user:*',
    ]);
    expect(ask('document:1#viewer@user:anne')).toBe('false');
  });

  it('means in place what it means by name', () => {
    const ask = answers(model, [
      'document:1#reader@user:anne',
      'document:1#named@user:anne',
      'document:1#open@user:anne',
    ]);
    expect(ask('document:1#reader@user:anne')).toBe('undefined');
    expect(ask('document:1#named@user:anne')).toBe('undefined');
  });
});

describe('an error', () => {
  const model = modelOf({
    group: { member: [direct, 'user', 'user with below', 'group#member with below'] },
    document: {
      a: [direct, 'user', 'user with below', 'group#member'],
      b: [direct, 'user', 'user with below', 'group#member'],
      either: [or(computed('a'), computed('b'))],
      both: [and(computed('a'), computed('b'))],
      less: [butNot(computed('a'), computed('b'))],
    },
  });
  const table: readonly (readonly [string, string, string, string, string])[] = [
    // a, b, either, both, less
    ['true', 'error', 'true', 'error', 'error'],
    ['error', 'true', 'true', 'error', 'false'],
    ['false', 'error', 'error', 'false', 'false'],
    ['error', 'false', 'error', 'false', 'error'],
    ['error', 'error', 'error', 'error', 'error'],
  ];

  it.each(table)('in %s and %s gives or: %s, and: %s, but not: %s', (a, b, either, both, less) => {
    const grant = (relation: string, truth: string): readonly string[] => {
      if (truth === 'false') return [];
      return [`document:1#${relation}@user:anne${truth === 'error' ? ' with below {"x":0}' : ''}`];
    };
    const ask = answers(model, [...grant('a', a), ...grant('b', b)]);
    expect(ask('document:1#a@user:anne')).toBe(a);
    expect(ask('document:1#b@user:anne')).toBe(b);
    expect(ask('document:1#either@user:anne')).toBe(either);
    expect(ask('document:1#both@user:anne')).toBe(both);
    expect(ask('document:1#less@user:anne')).toBe(less);
  });

  it('comes only from tuples that would let the subject in', () => {
    const ask = answers(model, [
      'document:1#a@user:bob with below',
      'document:1#a@group:a#member',
      'group:a#member@group:b#member with below',
    ]);
    expect(ask('document:1#a@user:anne')).toBe('false');
    expect(ask('document:1#a@user:bob')).toBe('error');
    expect(ask('document:1#a@group:b#member')).toBe('error');
  });

  it('outweighs an undefined truth, and reaches all that depend on it', () => {
    const truths = solve(
      [
        { kind: 'butNot', base: { kind: 'fact', truth: 'true' }, subtract: 0 },
        {
          kind: 'all',
          of: [
            { kind: 'node', node: 0 },
            { kind: 'fact', truth: 'error' },
          ],
        },
        {
          kind: 'any',
          of: [
            { kind: 'node', node: 1 },
            { kind: 'node', node: 3 },
          ],
        },
        { kind: 'any', of: [{ kind: 'node', node: 2 }] },
      ],
      { names: new Set(), given: undefined },
    );
    expect(truths).toEqual(['undefined', 'error', 'error', 'error']);
  });
});

describe('a condition', () => {
  const model = modelOf({
    document: { viewer: [direct, 'user with below', 'user:* with lenient'] },
  });

  it('reads the request, and the tuple before it', () => {
    const tuples = ['document:1#viewer@user:anne with below {"limit":5}'];
    expect(answers(model, tuples, { x: 4, limit: 0 })('document:1#viewer@user:anne')).toBe('true');
    expect(answers(model, tuples, { x: '5' })('document:1#viewer@user:anne')).toBe('false');
    expect(answers(model, tuples, { x: 'many' })('document:1#viewer@user:anne')).toBe('error');
  });

  it('needs every parameter, even one it could do without', () => {
    const ask = answers(model, ['document:1#viewer@user:* with lenient'], { on: true, x: 1 });
    expect(ask('document:1#viewer@user:anne')).toBe('error');
  });

  it('may be that of another restriction of the same type, but not of none', () => {
    const context = { on: true, x: 0, limit: 1 };
    const ask = answers(
      model,
      ['document:1#viewer@user:anne with lenient', 'document:1#viewer@user:bob with local'],
      context,
    );
    expect(ask('document:1#viewer@user:anne')).toBe('true');
    expect(ask('document:1#viewer@user:bob')).toBe('false');
  });

  it('is missing from a tuple that needs one: the tuple counts for nothing', () => {
    const ask = answers(model, ['document:1#viewer@user:anne']);
    expect(ask('document:1#viewer@user:anne')).toBe('false');
  });
});

describe('a tuple', () => {
  it('counts until the instant at which it expires', () => {
    const expiring = (id: string, expiresAt: number): RelationTuple => ({
      ...key(`group:a#member@user:${id}`),
      expiresAt,
    });
    const tuples = [expiring('anne', 1000), expiring('bob', 1001)];
    const reference = new Reference({ model: GROUPS, now: 1000, tuples, context: {}, objects: [] });
    const group = { type: 'group', id: 'a' };
    expect(reference.truth(group, 'member', key('group:a#member@user:anne').subject)).toBe('false');
    expect(reference.truth(group, 'member', key('group:a#member@user:bob').subject)).toBe('true');
  });

  it('gives way to the contextual tuple with its key', () => {
    const stored = [tuple('group:a#member@user:anne'), tuple('group:a#member@user:bob')];
    const contextual = [tuple('group:a#member@user:anne with below')];
    expect(union(stored, contextual)).toEqual([contextual[0], stored[1]]);
  });

  it.each([
    'group:a#member@document:1',
    'group:a#owner@user:anne',
    'robot:a#member@user:anne',
    'document:1#owner@user:*',
    'document:1#viewer@group:a#owner',
    'document:1#viewer@document:1#viewer',
  ])('that the model does not admit counts for nothing: %s', (text) => {
    const { tuples } = new Reference({
      model: GROUPS,
      now: 0,
      tuples: [tuple(text)],
      context: {},
      objects: [],
    });
    expect(tuples).toEqual([]);
  });
});
