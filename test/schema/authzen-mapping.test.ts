/** What an AuthZEN mapping may say, and what it means for the model that it is held against. */
import { describe, expect, it } from '@jest/globals';
import { compileAuthzenMapping } from '../../src/schema/authzen-mapping.js';
import type { AuthzenMapping } from '../../src/schema/authzen-mapping.js';
import { authzenMappingFromWire } from '../../src/schema/authzen-mapping-wire.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { compilePlan } from '../../src/schema/plan.js';

const PLAN = compilePlan(
  modelFromDsl(`model
  schema 1.1
type user
type list
  relations
    define viewer: [user]
type document
  relations
    define viewer: [user]
    define editor: [user]
    define barred: [user]
`).model,
);

const mapping = (wire: unknown): AuthzenMapping =>
  compileAuthzenMapping(PLAN, authzenMappingFromWire(wire) ?? undefined);

describe('an AuthZEN mapping', () => {
  it('goes by equal names where it says nothing', () => {
    const none = mapping({});
    expect(none.subjectTypeOf('user')).toBe('user');
    expect(none.subjectTypeOf('person')).toBeUndefined();
    expect(none.resourceTypeOf('document')).toEqual({ type: 'document' });
    expect(none.relationOf('document', 'viewer')).toBe('viewer');
    expect(none.relationOf('document', 'view')).toBeUndefined();
    expect(none.actionsOf('document')).toEqual(['viewer', 'editor', 'barred']);
    expect(none.actionsOf('user')).toEqual([]);
    expect(none.forbiddenOf('document')).toBeUndefined();
    expect(none.obligationsOf('document', 'viewer', 'permit')).toEqual([]);
  });

  it('gives types and actions other names, and a type all of its actions', () => {
    const other = mapping({
      subjects: { person: 'user' },
      resources: { paper: 'document', todo: 'list:shared' },
      types: { document: { actions: { view: 'viewer' } }, list: { actions: ['viewer'] } },
    });
    expect([other.subjectTypeOf('person'), other.subjectTypeOf('user')]).toEqual(['user', 'user']);
    expect(other.resourceTypeOf('paper')).toEqual({ type: 'document' });
    expect(other.resourceTypeOf('todo')).toEqual({ type: 'list', id: 'shared' });
    expect(other.relationOf('document', 'view')).toBe('viewer');
    expect(other.relationOf('document', 'editor')).toBeUndefined();
    expect(other.relationOf('list', 'viewer')).toBe('viewer');
    expect(other.actionsOf('document')).toEqual(['view']);
  });

  it('gives obligations ids, and tells those on permits from those on denials', () => {
    const permit = { on: 'permit', type: 'step-up', properties: { acr_value: '2' } };
    const deny = { on: 'deny', type: 'custom', id: 'mine' };
    const told = mapping({
      types: { document: { obligations: { viewer: [deny, permit] } } },
    });
    expect(told.obligationsOf('document', 'viewer', 'permit')).toEqual([
      { id: 'document.viewer.1', type: 'step-up', properties: { acr_value: '2' } },
    ]);
    expect(told.obligationsOf('document', 'viewer', 'deny')).toEqual([
      { id: 'mine', type: 'custom', properties: {} },
    ]);
  });

  it('lets properties pass that it lists, of callers that it lists', () => {
    const given = JSON.parse('{"role":"admin","__proto__":1,"toString":2}') as Record<
      string,
      string
    >;
    expect(mapping({}).assertedBy('key:1', 'subject', given)).toEqual({});
    const some = mapping({ properties: { subject: ['role'] } });
    expect(some.assertedBy('key:1', 'subject', given)).toEqual({ role: 'admin' });
    expect(some.assertedBy('key:1', 'resource', given)).toEqual({});
    const named = mapping({ properties: { subject: ['*'], callers: ['key:1'] } });
    expect(named.assertedBy('key:1', 'subject', given)).toBe(given);
    expect(named.assertedBy('key:2', 'subject', given)).toEqual({});
  });

  it('is none when there is nothing in it', () => {
    expect([null, {}, { types: null }].map(authzenMappingFromWire)).toEqual([null, null, null]);
  });

  it.each([
    [[], /^authzen_mapping: must be an object/],
    [{ action: {} }, /has no member 'action': subjects, resources, types, properties/],
    [{ subjects: { person: 'usr' } }, /subjects\.person: type 'usr' not found.*user/],
    [{ resources: { todo: 'list:a#b' } }, /neither a type nor an object/],
    [{ resources: { todo: 'list:*' } }, /neither a type nor an object/],
    [{ resources: { todo: 'lst:a' } }, /type 'lst' not found/],
    [{ types: { doc: {} } }, /types\.doc: type 'doc' not found/],
    [
      { types: { document: { actions: { view: 'none' } } } },
      /actions\.view: relation 'document#none'/,
    ],
    [{ types: { document: { actions: 'viewer' } } }, /actions: must be an object/],
    [{ types: { document: { forbidden: 'bared' } } }, /forbidden: relation.*barred/],
    [{ types: { document: { obligations: { none: [] } } } }, /obligations\.none: relation/],
    [
      { types: { document: { obligations: { viewer: [{ on: 'x', type: 'custom' }] } } } },
      /permit or deny/,
    ],
    [
      { types: { document: { obligations: { viewer: [{ on: 'deny', type: 'x' }] } } } },
      /must be one of/,
    ],
    [
      { types: { document: { obligations: { viewer: [{ on: 'deny', type: 'step-up' }] } } } },
      /acr_value: value is required/,
    ],
    [{ properties: { subject: 'role' } }, /properties\.subject: must be a list/],
    [{ properties: { callers: [1] } }, /callers\[0\]: must be a string/],
  ])('%j is refused', (wire, message) => {
    expect(() => mapping(wire)).toThrow(
      expect.objectContaining({ code: 'invalid_authzen_mapping' }),
    );
    expect(() => mapping(wire)).toThrow(message);
  });
});
