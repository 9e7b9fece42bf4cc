import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PembaError } from '../../src/errors.js';
import { modelFromWire, modelToWire } from '../../src/schema/wire.js';
import { anyModel } from './models.js';

const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function refusalOf(value: unknown): string {
  try {
    modelFromWire(value);
  } catch (error) {
    if (error instanceof PembaError && error.code === 'invalid_model') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

/** A model of one type `doc` with these relations. */
const withRelations = (relations: unknown, metadata?: unknown): unknown => ({
  schema_version: '1.1',
  type_definitions: [{ type: 'doc', relations, metadata }],
});

const withRestriction = (restriction: unknown): unknown =>
  withRelations(
    { viewer: { this: {} } },
    { relations: { viewer: { directly_related_user_types: [restriction] } } },
  );

const withParameter = (type: unknown): unknown => ({
  schema_version: '1.1',
  type_definitions: [{ type: 'user' }],
  conditions: { c: { name: 'c', expression: 'true', parameters: { p: type } } },
});

describe('the JSON of a model', () => {
  it('is written with every member that OpenFGA answers, empty ones too', () => {
    const wire = modelToWire(
      modelFromWire({
        schema_version: '1.1',
        type_definitions: [
          { type: 'user' },
          {
            type: 'doc',
            relations: {
              viewer: { this: {} },
              reader: {
                union: { child: [{ this: {} }, { computedUserset: { relation: 'viewer' } }] },
              },
              owner: {
                tupleToUserset: {
                  tupleset: { relation: 'parent' },
                  computedUserset: { relation: 'owner' },
                },
              },
            },
            metadata: {
              relations: {
                viewer: { directly_related_user_types: [{ type: 'user', condition: 'c' }] },
                reader: {
                  directly_related_user_types: [
                    { type: 'user', wildcard: {} },
                    { type: 'doc', relation: 'viewer' },
                  ],
                },
              },
              module: 'docs',
              source_info: { file: 'docs.fga' },
            },
          },
        ],
        conditions: {
          c: {
            name: 'c',
            expression: 'x',
            parameters: {
              x: { type_name: 'TYPE_NAME_LIST', generic_types: [{ type_name: 'TYPE_NAME_INT' }] },
            },
          },
        },
      }),
    );

    const bare = { module: '', source_info: null };
    expect(wire).toEqual({
      schema_version: '1.1',
      type_definitions: [
        { type: 'user', relations: {}, metadata: null },
        {
          type: 'doc',
          relations: {
            viewer: { this: {} },
            reader: {
              union: {
                child: [{ this: {} }, { computedUserset: { object: '', relation: 'viewer' } }],
              },
            },
            owner: {
              tupleToUserset: {
                tupleset: { object: '', relation: 'parent' },
                computedUserset: { object: '', relation: 'owner' },
              },
            },
          },
          metadata: {
            relations: {
              viewer: { directly_related_user_types: [{ type: 'user', condition: 'c' }], ...bare },
              reader: {
                directly_related_user_types: [
                  { type: 'user', wildcard: {}, condition: '' },
                  { type: 'doc', relation: 'viewer', condition: '' },
                ],
                ...bare,
              },
              owner: { directly_related_user_types: [], ...bare },
            },
            module: 'docs',
            source_info: { file: 'docs.fga' },
          },
        },
      ],
      conditions: {
        c: {
          name: 'c',
          expression: 'x',
          parameters: {
            x: {
              type_name: 'TYPE_NAME_LIST',
              generic_types: [{ type_name: 'TYPE_NAME_INT', generic_types: [] }],
            },
          },
          metadata: null,
        },
      },
    });
  });

  it('comes back as the same model', () => {
    fc.assert(
      fc.property(anyModel, (model) => {
        const wire = overTheWire(modelToWire(model));
        const read = modelFromWire(wire);
        expect(read).toEqual(model);
        expect(overTheWire(modelToWire(read))).toEqual(wire);
      }),
    );
  });

  it('may spell members in snake_case and camelCase', () => {
    const snake = modelFromWire({
      schema_version: '1.2',
      type_definitions: [
        {
          type: 'doc',
          relations: {
            parent: { this: {} },
            viewer: {
              tuple_to_userset: {
                tupleset: { relation: 'parent' },
                computed_userset: { relation: 'viewer' },
              },
            },
            reader: { computed_userset: { relation: 'viewer' } },
          },
          metadata: {
            relations: {
              parent: {
                directly_related_user_types: [{ type: 'doc' }],
                source_info: { file: 'a.fga' },
              },
            },
          },
        },
      ],
      conditions: {
        c: { name: 'c', expression: 'x', parameters: { x: { type_name: 'TYPE_NAME_BOOL' } } },
      },
    });
    const camel = modelFromWire({
      schemaVersion: '1.2',
      typeDefinitions: [
        {
          type: 'doc',
          relations: {
            parent: { this: {} },
            viewer: {
              tupleToUserset: {
                tupleset: { relation: 'parent' },
                computedUserset: { relation: 'viewer' },
              },
            },
            reader: { computedUserset: { relation: 'viewer' } },
          },
          metadata: {
            relations: {
              parent: {
                directlyRelatedUserTypes: [{ type: 'doc' }],
                sourceInfo: { file: 'a.fga' },
              },
            },
          },
        },
      ],
      conditions: {
        c: { name: 'c', expression: 'x', parameters: { x: { typeName: 'TYPE_NAME_BOOL' } } },
      },
    });
    expect(camel).toEqual(snake);
    expect(snake.types.get('doc')?.relations.get('parent')?.source).toEqual({ file: 'a.fga' });
  });

  it('may have unknown members and null for absent ones', () => {
    const model = modelFromWire({
      id: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
      schema_version: '1.1',
      type_definitions: [
        {
          type: 'user',
          colour: 'red',
          relations: { self_made: { this: null, computedUserset: { object: '', relation: 'x' } } },
          metadata: null,
        },
      ],
      conditions: null,
    });
    expect(model.types.get('user')).toEqual({
      name: 'user',
      relations: new Map([
        [
          'self_made',
          { name: 'self_made', rewrite: { kind: 'computed', relation: 'x' }, restrictions: [] },
        ],
      ]),
    });
    expect(model.conditions.size).toBe(0);
  });

  it('keeps names that objects inherit apart from what they inherit', () => {
    const json = `{ "schema_version": "1.1", "type_definitions": [
      { "type": "__proto__",
        "relations": { "__proto__": { "this": {} }, "toString": { "this": {} } },
        "metadata": { "relations": {
          "__proto__": { "directly_related_user_types": [{ "type": "constructor" }] } } } },
      { "type": "constructor" } ],
      "conditions": { "__proto__": { "name": "__proto__", "expression": "__proto__",
        "parameters": { "__proto__": { "type_name": "TYPE_NAME_BOOL" } } } } }`;
    const model = modelFromWire(JSON.parse(json));
    const type = model.types.get('__proto__');
    expect(type?.relations.get('__proto__')?.restrictions).toHaveLength(1);
    expect(type?.relations.get('toString')?.restrictions).toEqual([]);
    expect(Object.keys(model.conditions.get('__proto__')!.parameters)).toEqual(['__proto__']);
    expect('toString' in model.conditions.get('__proto__')!.parameters).toBe(false);
    const written = JSON.stringify(modelToWire(model));
    expect(JSON.parse(written)).toMatchObject(JSON.parse(json) as object);
    expect(modelFromWire(JSON.parse(written))).toEqual(model);
  });
});

describe('JSON that is not a model', () => {
  it.each([
    [null, 'must be an object, not null'],
    [[], 'must be an object, not a list'],
    [{}, 'schema_version: is required'],
    [{ schema_version: 1.1 }, 'schema_version: must be a string, not a number'],
    [
      { schema_version: '2.0' },
      "schema_version: schema version must be 1.1 or 1.2 (modules), not '2.0'",
    ],
    [
      { schema_version: '1.1', type_definitions: {} },
      'type_definitions: must be a list, not an object',
    ],
    [
      { schema_version: '1.1', type_definitions: [{ type: 'a' }, null] },
      'type_definitions[1]: must be an object, not null',
    ],
    [
      { schema_version: '1.1', type_definitions: [{ type: 'a' }, { type: 'a' }] },
      "type_definitions[1]: type 'a' is already defined",
    ],
    [withRelations([]), 'type_definitions[0].relations: must be an object, not a list'],
    [
      withRelations({ viewer: null }),
      'type_definitions[0].relations.viewer: must be an object, not null',
    ],
    [
      withRelations({ viewer: {} }),
      'type_definitions[0].relations.viewer: must have one of this, computedUserset, ' +
        'tupleToUserset, union, intersection, difference',
    ],
    [
      withRelations({ viewer: { this: {}, union: { child: [] } } }),
      'type_definitions[0].relations.viewer: cannot have both this and union',
    ],
    [
      withRelations({ viewer: { union: { child: [{ this: {} }, { computedUserset: {} }] } } }),
      'type_definitions[0].relations.viewer.union.child[1].computed_userset.relation: is ' +
        'required',
    ],
    [
      withRelations({ viewer: { difference: { base: { this: {} } } } }),
      'type_definitions[0].relations.viewer.difference.subtract: is required',
    ],
    [
      withRestriction({ type: 'user', wildcard: {}, relation: 'x' }),
      'type_definitions[0].metadata.relations.viewer.directly_related_user_types[0]: ' +
        "is both 'user:*' and 'user#x'; make it two entries",
    ],
    [
      withRestriction({ relation: 'x' }),
      'type_definitions[0].metadata.relations.viewer.directly_related_user_types[0].type: is ' +
        'required',
    ],
    [
      withParameter({ type_name: 'TYPE_NAME_LIST' }),
      'conditions.c.parameters.p: TYPE_NAME_LIST must have exactly one of generic_types: its ' +
        "elements' type",
    ],
    [
      withParameter({
        type_name: 'TYPE_NAME_MAP',
        generic_types: [{ type_name: 'TYPE_NAME_INT' }, { type_name: 'TYPE_NAME_INT' }],
      }),
      'conditions.c.parameters.p: TYPE_NAME_MAP must have exactly one of generic_types: its ' +
        "elements' type",
    ],
    [
      withParameter({
        type_name: 'TYPE_NAME_INT',
        generic_types: [{ type_name: 'TYPE_NAME_INT' }],
      }),
      'conditions.c.parameters.p: TYPE_NAME_INT has no generic_types',
    ],
  ])('is refused with its path: %j', (value, message) => {
    expect(refusalOf(value)).toBe(message);
  });

  it('is refused with what to do when it is of schema version 1.0', () => {
    expect(refusalOf({ schema_version: '1.0', type_definitions: [] })).toMatch(/1\.0.*write 1\.1/);
  });

  it('is refused when a parameter has an unknown type', () => {
    expect(refusalOf(withParameter({ type_name: 'TYPE_NAME_FLOAT' }))).toMatch(
      /^conditions\.c\.parameters\.p: type_name must be one of TYPE_NAME_B.*'TYPE_NAME_FLOAT'$/,
    );
  });

  it('is refused when a condition has another name than its key', () => {
    const value = {
      schema_version: '1.1',
      type_definitions: [{ type: 'user' }],
      conditions: { c: { name: 'd', expression: 'true' } },
    };
    expect(refusalOf(value)).toBe("conditions.c: its name must be its key, 'c', not 'd'");
  });

  it('is refused, not overflowing the stack, when rewrites are nested a thousand deep', () => {
    let rewrite: unknown = { this: {} };
    for (let level = 0; level < 1000; level++) {
      rewrite = { union: { child: [rewrite, { computedUserset: { relation: 'x' } }] } };
    }
    const message = refusalOf(withRelations({ viewer: rewrite }));
    expect(message).toMatch(/^type_definitions\[0\]\.relations\.viewer\.union.*100 levels deep/);
    expect(message.length).toBeLessThan(500);
  });

  it('is refused when parameter types are nested without end', () => {
    let type: unknown = { type_name: 'TYPE_NAME_INT' };
    for (let level = 0; level < 1000; level++) {
      type = { type_name: 'TYPE_NAME_LIST', generic_types: [type] };
    }
    expect(refusalOf(withParameter(type))).toMatch(/8 levels deep at most$/);
  });
});
