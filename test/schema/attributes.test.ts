/** The example in `schema/attributes`: what ABAC and XACML have rules for, as conditions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { check } from '../../src/query/check.js';
import { explainDenial } from '../../src/query/denial.js';
import { prove } from '../../src/query/explain.js';
import { listObjects } from '../../src/query/list-objects.js';
import { listUsers } from '../../src/query/list-users.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { compilePlan } from '../../src/schema/plan.js';
import { formatTupleKey, parseObject } from '../../src/tuple/tuple.js';
import type { JsonObject, ObjectRef, RelationTuple } from '../../src/tuple/tuple.js';
import { SmallStore, key, tuple } from '../query/small-store.js';
import type { At } from '../query/small-store.js';

const read = (name: string): string =>
  readFileSync(join(__dirname, '../../schema/attributes', name), 'utf8');

interface Wire {
  readonly object: string;
  readonly relation: string;
  readonly user: string;
  readonly condition?: { readonly name: string };
}

const tuples = (JSON.parse(read('tuples.json')) as readonly Wire[]).map(
  ({ object, relation, user, condition }): RelationTuple =>
    tuple(`${object}#${relation}@${user}${condition ? ` with ${condition.name}` : ''}`),
);

function objectOf(name: string): ObjectRef {
  const object = parseObject(name);
  if (object === undefined) throw new Error(name);
  return object;
}

function exampleStore(): SmallStore {
  const store = new SmallStore(compilePlan(modelFromDsl(read('model.fga')).model), tuples);
  const attributes = JSON.parse(read('attributes.json')) as Readonly<Record<string, JsonObject>>;
  for (const [name, given] of Object.entries(attributes)) give(store, name, given);
  return store;
}

const give = (store: SmallStore, name: string, attributes: JsonObject | undefined): void => {
  store.apply([{ operation: 'attributes', entity: objectOf(name), attributes }]);
};

const WORKDAY = { now: '2026-03-04T09:30:00Z', address: '10.1.2.3' };

type Answer = boolean | string;

function ask(store: SmallStore, question: string, context: JsonObject = {}): Answer {
  try {
    return check(store.scope({ context }), key(question));
  } catch (error) {
    if (error instanceof PembaError && error.code === 'condition_failed') return error.message;
    throw error;
  }
}

const readers = (store: SmallStore, id: string, context: JsonObject = {}): readonly string[] => {
  const object = { type: 'record', id };
  const question = { object, relation: 'can_read', form: { type: 'user' } };
  return listUsers(store.scope({ context }), question, { limit: 100 }).names;
};

const readable = (store: SmallStore, id: string, context: JsonObject = {}): readonly string[] => {
  const subject = { kind: 'object' as const, type: 'user', id };
  const question = { subject, relation: 'can_read', type: 'record' };
  return listObjects(store.scope({ context }), question, { limit: 100 }).names;
};

describe('a decision by attributes', () => {
  it.each([
    ['record:budget#can_read@user:anne', true],
    ['record:budget#can_read@user:ben', false],
    ['record:budget#can_read@user:carl', false],
    ['record:contract#can_read@user:carl', true],
    ['record:draft#can_read@user:dora', false],
  ])('compares those of the subject with those of the object: %s', (question, expected) => {
    expect(ask(exampleStore(), question)).toBe(expected);
  });

  it.each([
    ['at work', WORKDAY, true],
    ['before eight', { ...WORKDAY, now: '2026-03-04T06:59:00Z' }, false],
    ['on a Sunday', { ...WORKDAY, now: '2026-03-08T09:30:00Z' }, false],
    ['from elsewhere', { ...WORKDAY, address: '192.0.2.1' }, false],
  ])('looks at the time and the network of the request: %s', (_name, context, expected) => {
    expect(ask(exampleStore(), 'record:budget#can_edit@user:anne', context)).toBe(expected);
  });

  it('has no answer where an attribute is missing, and names it', () => {
    const answer = ask(exampleStore(), 'record:contract#can_read@user:emil');
    expect(answer).toContain("missing context parameters '[subject_clearance]'");
  });

  it('follows the attributes as they change', () => {
    const store = exampleStore();
    give(store, 'user:ben', { status: 'active', department: 'finance', clearance: 3 });
    expect(ask(store, 'record:budget#can_read@user:ben')).toBe(true);
    give(store, 'record:budget', { department: 'legal', classification: 1 });
    expect(ask(store, 'record:budget#can_read@user:ben')).toBe(false);
    give(store, 'user:ben', undefined);
    expect(ask(store, 'record:budget#can_read@user:ben')).toContain('subject_');
  });
});

describe('what a request says of an entity', () => {
  const question = 'record:budget#can_read@user:ben';

  it('does not stand before what is stored', () => {
    const context = { subject_clearance: 9, subject: { clearance: 9 }, resource_classification: 0 };
    expect(ask(exampleStore(), question, context)).toBe(false);
  });

  it('adds nothing to what is stored', () => {
    const context = { subject_clearance: 9, resource_classification: 0 };
    const answer = ask(exampleStore(), 'record:contract#can_read@user:emil', context);
    expect(answer).toContain("missing context parameters '[subject_clearance]'");
  });

  it('takes no suspension away', () => {
    expect(
      ask(exampleStore(), 'record:draft#can_read@user:dora', { subject_status: 'active' }),
    ).toBe(false);
  });

  it('counts where nothing is stored', () => {
    const context = {
      ...{ subject_status: 'active', subject_department: 'finance', subject_clearance: 2 },
    };
    expect(ask(exampleStore(), 'record:budget#can_read@user:gast', context)).toBe(true);
  });
});

describe('what a trusted request asserts of an entity', () => {
  const asserting = (subject: JsonObject): At => ({ asserted: { subject } });
  const may = (store: SmallStore, question: string, at: At): boolean =>
    check(store.scope(at), key(question));

  it('stands before what is stored, one by one, and beside it', () => {
    const store = exampleStore();
    const question = 'record:budget#can_read@user:ben';
    expect(may(store, question, asserting({ clearance: 2 }))).toBe(true);
    expect(may(store, question, { asserted: { resource: { clearance: 2 } } })).toBe(false);
    const contract = 'record:contract#can_read@user:emil';
    expect(may(store, contract, asserting({ clearance: 3 }))).toBe(true);
    expect(
      may(store, contract, {
        asserted: { subject: { clearance: 3 }, resource: { classification: 4 } },
      }),
    ).toBe(false);
  });

  it('counts for one of whom nothing is stored, and in lists', () => {
    const store = exampleStore();
    const guest = { status: 'active', department: 'finance', clearance: 2 };
    expect(may(store, 'record:budget#can_read@user:guest', asserting(guest))).toBe(true);
    const subject = { kind: 'object' as const, type: 'user', id: 'guest' };
    const question = { subject, relation: 'can_read', type: 'record' };
    const { names } = listObjects(store.scope(asserting(guest)), question, { limit: 9 });
    expect(names).toEqual(['budget']);
  });
});

describe('a list by attributes', () => {
  it('finds users whom no tuple names, and leaves out who lacks an attribute', () => {
    const store = exampleStore();
    expect(readers(store, 'budget')).toEqual(['user:anne']);
    expect(readers(store, 'contract')).toEqual(['user:carl']);
  });

  it('has no answer where the object of all its questions lacks one', () => {
    expect(() => readers(exampleStore(), 'draft')).toThrow('resource_classification');
  });

  it('judges each object by its own attributes', () => {
    const store = exampleStore();
    expect(readable(store, 'anne')).toEqual(['budget']);
    expect(readable(store, 'carl')).toEqual(['contract']);
    expect(readable(store, 'dora')).toEqual([]);
    give(store, 'record:draft', { department: 'finance', classification: 0 });
    expect(readable(store, 'anne')).toEqual(['budget', 'draft']);
    expect(readable(store, 'ben')).toEqual(['draft']);
  });

  it('is not to be moved by the context', () => {
    const context = { resource_classification: 0, resource_department: 'finance' };
    expect(readable(exampleStore(), 'ben', context)).toEqual(['draft']);
    expect(readers(exampleStore(), 'budget', { subject_clearance: 9 })).toEqual(['user:anne']);
  });
});

describe('an explanation', () => {
  it('of a yes names the tuples, of a no the condition', () => {
    const scope = exampleStore().scope();
    const proof = prove(scope, key('record:budget#can_read@user:anne'));
    expect(proof?.tuples.map(formatTupleKey)).toEqual(
      expect.arrayContaining(['policy:archive#cleared@user:*', 'policy:archive#colleague@user:*']),
    );
    const denial = explainDenial(scope, key('record:budget#can_read@user:ben'));
    expect(denial?.reason).toBe('condition_false');
    expect(JSON.stringify(denial)).toContain('cleared_for');
  });
});
