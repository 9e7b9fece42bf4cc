import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PembaError } from '../../src/errors.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { DEFAULT_MODEL_LIMITS } from '../../src/schema/limits.js';
import type { ModelLimits } from '../../src/schema/limits.js';
import type { Model } from '../../src/schema/model.js';
import { assertValidModel, validateModel } from '../../src/schema/validate.js';
import { modelFromWire, modelToWire } from '../../src/schema/wire.js';
import { modelsOf, problemsOf } from './models.js';

/** What is wrong with `type doc` of these lines, which begin at line 6, beside user and group. */
function problemsOfRelations(...lines: readonly string[]): readonly string[] {
  const { model, positions } = modelFromDsl(
    `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type doc
  relations
${lines.map((line) => `    ${line}\n`).join('')}`,
  );
  return problemsOf(model, positions);
}

/** The same for a model of JSON, where `viewer` is the only relation of `doc`. */
const problemsOfViewer = (rewrite: unknown, restrictions: readonly unknown[]): readonly string[] =>
  problemsOf(
    modelFromWire({
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        {
          type: 'doc',
          relations: { viewer: rewrite },
          metadata: { relations: { viewer: { directly_related_user_types: restrictions } } },
        },
      ],
    }),
  );

const problemsOfCondition = (
  expression: string,
  parameters: unknown = { x: { type_name: 'TYPE_NAME_INT' } },
  name = 'c',
): readonly string[] =>
  problemsOf(
    modelFromWire({
      schema_version: '1.1',
      type_definitions: [{ type: 'user' }],
      conditions: { [name]: { name, expression, parameters } },
    }),
  );

const ofTypes = (...types: readonly unknown[]): Model =>
  modelFromWire({ schema_version: '1.1', type_definitions: types });

describe('a name that a relation refers to', () => {
  it('must be a relation of its type', () => {
    expect(problemsOfRelations('define editor: [user]', 'define viewer: editor or editr')).toEqual([
      "type 'doc', relation 'viewer' (line 10, column 30): relation 'editr' is not defined on " +
        "type 'doc'; did you mean 'editor'?",
    ]);
  });

  it('must be a type, a relation of that type and a condition in restrictions', () => {
    expect(
      problemsOfRelations('define viewer: [usr, group#membr, group with office_hours, doc#zzz]'),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 9, column 21): type 'usr' is not defined; " +
        "did you mean 'user'?",
      "type 'doc', relation 'viewer' (line 9, column 32): relation 'membr' is not defined on " +
        "type 'group'; did you mean 'member'?",
      "type 'doc', relation 'viewer' (line 9, column 50): condition 'office_hours' is not defined",
      "type 'doc', relation 'viewer' (line 9, column 68): relation 'zzz' is not defined on type 'doc'",
    ]);
  });

  it('cannot be the relation itself, not even beside a direct part', () => {
    expect(problemsOfRelations('define viewer: [user] or viewer')).toEqual([
      "type 'doc', relation 'viewer' (line 9, column 30): is defined by itself: a cycle of one",
    ]);
  });

  it('is found after a comment and in a string that look like it', () => {
    const { model, positions } = modelFromDsl(`model
  schema 1.1
# type doc define viewer: editr
type user
type doc
  relations
    # define viewer: editr
    define viewer: [user with c] or editr # editr
    define editor: [user]
condition c(x: string) {
  x == "define viewer: editr"
}
`);
    expect(problemsOf(model, positions)).toEqual([
      "type 'doc', relation 'viewer' (line 8, column 37): relation 'editr' is not defined on " +
        "type 'doc'; did you mean 'editor'?",
    ]);
  });
});

describe("what stands after 'from'", () => {
  it('must be a relation', () => {
    expect(
      problemsOfRelations('define viewer: member from parnt', 'define parent: [group]'),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 9, column 32): relation 'parnt' is not defined on " +
        "type 'doc'; did you mean 'parent'?",
    ]);
  });

  it('must be assigned directly, and nothing else', () => {
    expect(
      problemsOfRelations(
        'define owner: [group]',
        'define parent: [group] or owner',
        'define viewer: member from parent',
        'define editor: member from viewer',
      ),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 11, column 32): 'parent' after 'from' must only be " +
        'assigned directly, such as [doc]; it is computed',
      "type 'doc', relation 'editor' (line 12, column 32): 'viewer' after 'from' must only be " +
        'assigned directly, such as [doc]; it is computed',
    ]);
  });

  it('must hold plain objects, with a condition or without', () => {
    expect(
      problemsOfRelations(
        'define all: [group, group:*]',
        'define some: [doc, group#member]',
        'define viewer: member from all or viewer from some',
      ),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 11, column 32): 'all' after 'from' must hold plain " +
        "objects only; it may hold 'group:*'",
      "type 'doc', relation 'viewer' (line 11, column 51): 'some' after 'from' must hold plain " +
        "objects only; it may hold 'group#member'",
    ]);
    const { model } = modelFromDsl(
      `model
  schema 1.1
type user
type doc
  relations
    define parent: [doc with c]
    define viewer: [user] or viewer from parent
condition c(x: int) {
  x > 1
}`,
    );
    expect(problemsOf(model)).toEqual([]);
  });

  it('must hold a type that has the relation before it; others need not', () => {
    expect(
      problemsOfRelations(
        'define parent: [user, group]',
        'define viewer: member from parent',
        'define editor: membr from parent',
      ),
    ).toEqual([
      "type 'doc', relation 'editor' (line 11, column 20): relation 'membr' is not defined on any " +
        "type that 'parent' holds ('user', 'group'); did you mean 'member'?",
    ]);
  });
});

describe('a relation', () => {
  it('has types to be written to it exactly when it has a direct part', () => {
    const union = { union: { child: [{ this: {} }, { this: {} }] } };
    expect(problemsOfViewer({ this: {} }, [])).toEqual([
      "type 'doc', relation 'viewer': has a direct part ('this') but no type may be written to it: " +
        'list at least one in directly_related_user_types',
    ]);
    expect(problemsOfViewer(union, [])).toHaveLength(1);
    expect(
      problemsOfViewer(
        { tupleToUserset: { tupleset: { relation: 'p' }, computedUserset: { relation: 'v' } } },
        [{ type: 'user' }],
      ),
    ).toEqual([
      "type 'doc', relation 'viewer': relation 'p' is not defined on type 'doc'",
      "type 'doc', relation 'viewer': lists directly related types but has no direct part: " +
        "add 'this' to its rewrite or remove directly_related_user_types",
    ]);
  });

  it('has two operands at least in a union and an intersection', () => {
    const user = [{ type: 'user' }];
    expect(problemsOfViewer({ union: { child: [{ this: {} }] } }, user)).toEqual([
      "type 'doc', relation 'viewer': union must have at least two children, it has one",
    ]);
    expect(problemsOfViewer({ intersection: { child: [] } }, [])).toEqual([
      "type 'doc', relation 'viewer': intersection must have at least two children, it has none",
    ]);
  });

  it('may not be in a cycle of computed relations, which is told once', () => {
    expect(
      problemsOfRelations(
        'define a: [user] or b',
        'define b: c but not viewer',
        'define c: a',
        'define viewer: [user]',
        'define reader: a',
      ),
    ).toEqual([
      "type 'doc', relation 'a' (line 9, column 12): an authorization model cannot contain a cycle " +
        'of computed relations: a → b → c → a',
    ]);
  });

  it('may come back to itself through tuples', () => {
    expect(
      problemsOfRelations(
        'define parent: [doc]',
        'define viewer: [user, doc#viewer] or viewer from parent or editor',
        'define editor: viewer from parent',
      ),
    ).toEqual([]);
  });

  it('must have an entrypoint, and the loop it is in is shown', () => {
    expect(
      problemsOfRelations(
        'define parent: [doc]',
        'define viewer: viewer from parent',
        'define editor: [doc#editor]',
        'define reader: [user] and viewer',
        'define writer: editor or viewer',
        'define friend: [user] but not editor',
      ),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 10, column 12): no entrypoints defined: nobody can ever " +
        'have this relation, it is a potential loop: doc#viewer → doc#viewer',
      "type 'doc', relation 'editor' (line 11, column 12): no entrypoints defined: nobody can ever " +
        'have this relation, it is a potential loop: doc#editor → doc#editor',
      "type 'doc', relation 'reader' (line 12, column 12): no entrypoints defined: nobody can ever " +
        'have this relation, it is a potential loop: doc#reader → doc#viewer → doc#viewer',
      "type 'doc', relation 'writer' (line 13, column 12): no entrypoints defined: nobody can ever " +
        'have this relation, it is a potential loop: doc#writer → doc#editor → doc#editor',
      "type 'doc', relation 'friend' (line 14, column 12): no entrypoints defined: nobody can ever " +
        'have this relation, it is a potential loop: doc#friend → doc#editor → doc#editor',
    ]);
  });

  it('is not also without entrypoint for a reference that does not exist', () => {
    expect(problemsOfRelations('define a: b', 'define b: nothing', 'define c: a and b')).toEqual([
      "type 'doc', relation 'b' (line 10, column 15): relation 'nothing' is not defined on type 'doc'",
    ]);
  });
});

/** OpenFGA's own way to find an entrypoint: walk, with the relations visited on the way. */
function hasEntrypoint(
  model: Model,
  typeName: string,
  relation: string,
  visited: string[],
): boolean {
  const key = `${typeName}#${relation}`;
  const definition = model.types.get(typeName)!.relations.get(relation)!;
  const at = (type: string, name: string): boolean =>
    !visited.includes(`${type}#${name}`) && hasEntrypoint(model, type, name, [...visited, key]);
  const walk = (rewrite: typeof definition.rewrite): boolean => {
    switch (rewrite.kind) {
      case 'direct':
        return definition.restrictions.some(
          (restriction) =>
            restriction.kind !== 'userset' ||
            (`${restriction.type}#${restriction.relation}` !== key &&
              at(restriction.type, restriction.relation)),
        );
      case 'computed':
        return rewrite.relation !== relation && at(typeName, rewrite.relation);
      case 'from':
        return model.types
          .get(typeName)!
          .relations.get(rewrite.tupleset)!
          .restrictions.some(
            ({ type }) =>
              model.types.get(type)!.relations.has(rewrite.relation) &&
              `${type}#${rewrite.relation}` !== key &&
              at(type, rewrite.relation),
          );
      case 'union':
        return rewrite.operands.some(walk);
      case 'intersection':
        return rewrite.operands.every(walk);
      case 'exclusion':
        return walk(rewrite.base) && walk(rewrite.subtract);
    }
  };
  return walk(definition.rewrite);
}

describe('entrypoints', () => {
  it('are found where a walk with visited relations finds them', () => {
    const few = modelsOf({
      names: ['a', 'b', 'c'],
      conditionNames: ['c'],
      parameterNames: ['x'],
      expressions: ['true'],
    });
    let compared = 0;
    fc.assert(
      fc.property(few, (model) => {
        const problems = validateModel(model, { limits: DEFAULT_MODEL_LIMITS });
        const entrypoint = /^no entrypoints/;
        fc.pre(problems.every(({ message }) => entrypoint.test(message)));
        compared++;
        const closed = problems.map(({ type, relation }) => `${type}#${relation}`);
        const expected = [...model.types.values()].flatMap(({ name, relations }) =>
          [...relations.keys()]
            .filter((relation) => !hasEntrypoint(model, name, relation, []))
            .map((relation) => `${name}#${relation}`),
        );
        expect(closed).toEqual(expected);
      }),
      { numRuns: 200, maxSkipsPerRun: 1000 },
    );
    expect(compared).toBeGreaterThan(100);
  });
});

describe('a name', () => {
  it.each([
    ['self', "a type's name cannot be the reserved word 'self'"],
    ['this', "a type's name cannot be the reserved word 'this'"],
    ['', "a type's name cannot be empty"],
    ['a b', "a type's name cannot contain ':', '#', '@', white space or control characters: 'a b'"],
    ['a#b', "a type's name cannot contain ':', '#', '@', white space or control characters: 'a#b'"],
    [
      'x'.repeat(255),
      `a type's name can have 254 characters at most, '${'x'.repeat(60)}…' has 255`,
    ],
  ])('of a type is refused: %j', (type, problem) => {
    expect(problemsOf(ofTypes({ type }))).toEqual([problem]);
  });

  it.each([
    ['self', "cannot be the reserved word 'self'"],
    ['', 'cannot be empty'],
    ['a:b', "cannot contain ':', '#', '@', white space or control characters: 'a:b'"],
    ['x'.repeat(51), `can have 50 characters at most, '${'x'.repeat(51)}' has 51`],
  ])('of a relation is refused: %j', (relation, problem) => {
    const model = ofTypes({
      type: 'user',
      relations: { [relation]: { this: {} } },
      metadata: { relations: { [relation]: { directly_related_user_types: [{ type: 'user' }] } } },
    });
    expect(problemsOf(model)).toEqual([`type 'user': a relation's name ${problem}`]);
  });

  it('may be anything else, counted in characters', () => {
    const relation = '😀'.repeat(50);
    const model = ofTypes({
      type: '型'.repeat(254),
      relations: { [relation]: { this: {} } },
      metadata: {
        relations: { [relation]: { directly_related_user_types: [{ type: '型'.repeat(254) }] } },
      },
    });
    expect(problemsOf(model)).toEqual([]);
  });

  it('of a source file has the form that clients accept', () => {
    const model = ofTypes({ type: 'user', metadata: { source_info: { file: '../x.fga' } } });
    expect(problemsOf(model)).toEqual([
      "type 'user': source file '../x.fga' must end in .fga and before that have up to 100 letters, " +
        "digits, '_', '-' and '/'",
    ]);
  });
});

describe('a condition', () => {
  it('must be an expression that yields a bool, told with its place in it', () => {
    expect(problemsOfCondition('x ==\n  y')).toEqual([
      expect.stringMatching(/^condition 'c': expression, line 2, column 3: .*y/),
    ]);
    expect(problemsOfCondition('x + 1')).toEqual([
      expect.stringMatching(/^condition 'c': expression, line 1, column 1: .*bool/),
    ]);
    expect(problemsOfCondition(' ')).toEqual(["condition 'c': has no expression"]);
  });

  it('is told with its place in the DSL, whatever comments are in it', () => {
    const { model, positions } = modelFromDsl(`model
  schema 1.1
type user
condition one(x: int) { x == 1 && x == "1" }
condition two(x: int) {
  # first
  x == 1 && // then
    x == 2 &&
    # and { so on }
    x == "}"
}
`);
    expect(problemsOf(model, positions)).toEqual([
      expect.stringMatching(/^condition 'one' \(line 4, column 35\): /),
      expect.stringMatching(/^condition 'two' \(line 10, column 5\): /),
    ]);
  });

  it('has names and sizes within the limits', () => {
    const long = 'n'.repeat(51);
    expect(problemsOfCondition('true', {}, long)).toEqual([
      `condition '${long}': a condition's name can have 50 characters at most, '${long}' has 51`,
    ]);
    expect(problemsOfCondition('true', { [long]: { type_name: 'TYPE_NAME_INT' } })).toEqual([
      `condition 'c': a parameter's name can have 50 characters at most, '${long}' has 51`,
    ]);
    expect(problemsOfCondition(`x == 1 ${'/'.repeat(506)}`)).toEqual([
      "condition 'c': its expression can have 512 bytes at most, not 513",
    ]);
    const parameters = Object.fromEntries(
      Array.from({ length: 26 }, (_, index) => [`p${index}`, { type_name: 'TYPE_NAME_INT' }]),
    );
    expect(problemsOfCondition('true', parameters)).toEqual([
      "condition 'c': can have 25 parameters at most, not 26",
    ]);
  });

  it('may be named as objects name what they inherit', () => {
    const parameters = { valueOf: { type_name: 'TYPE_NAME_INT' } };
    expect(problemsOfCondition('valueOf == 1', parameters, 'constructor')).toEqual([]);
    expect(problemsOfCondition('toString == 1', parameters)).toEqual([
      expect.stringMatching(/^condition 'c': .*toString/),
    ]);
  });
});

describe('the size of a model', () => {
  const limited = (model: Model, limits: Partial<ModelLimits>): readonly string[] =>
    validateModel(model, { limits: { ...DEFAULT_MODEL_LIMITS, ...limits } }).map(
      ({ message }) => message,
    );

  it('is one type at least', () => {
    expect(problemsOf(ofTypes())).toEqual([
      'type_definitions: a model must define at least one type',
    ]);
  });

  it('is limited in types, conditions and bytes', () => {
    const types = Array.from({ length: 101 }, (_, index) => ({ type: `t${index}` }));
    expect(problemsOf(ofTypes(...types))).toEqual([
      'The number of type definitions in an authorization model exceeds the allowed limit of 100: ' +
        'it has 101',
    ]);
    expect(problemsOf(ofTypes(...types.slice(1)))).toEqual([]);
    const condition = { name: 'c', expression: 'true', parameters: {} };
    const model: Model = { ...ofTypes({ type: 'user' }), conditions: new Map([['c', condition]]) };
    expect(limited(model, { conditionsMax: 0 })).toEqual([
      'The number of conditions in an authorization model exceeds the allowed limit of 0: it has 1',
    ]);
    expect(limited(model, { modelBytesMax: 40 })).toEqual([
      expect.stringMatching(/^model exceeds size limit: \d+ bytes vs 40 bytes$/),
    ]);
  });
});

describe('a model with problems', () => {
  it('is refused with one error that tells the first twenty', () => {
    const relations = Array.from({ length: 25 }, (_, index) => `define r${index}: missing${index}`);
    const text = `model\n  schema 1.1\ntype doc\n  relations\n    ${relations.join('\n    ')}`;
    const { model, positions } = modelFromDsl(text);
    const options = { limits: DEFAULT_MODEL_LIMITS, positions };
    expect(() => {
      assertValidModel(model, options);
    }).toThrow(PembaError);
    try {
      assertValidModel(model, options);
    } catch (error) {
      const { code, message, facts } = error as PembaError;
      expect(code).toBe('invalid_model');
      const lines = message.split('\n');
      expect(lines).toHaveLength(21);
      expect(lines[0]).toBe(
        "type 'doc', relation 'r0' (line 5, column 16): relation 'missing0' is not defined on type 'doc'",
      );
      expect(lines[20]).toBe('… and 5 more');
      expect(facts).toEqual({ problems: lines.slice(0, 20), problemCount: 25 });
    }
  });

  it('has the same problems as JSON and as DSL', () => {
    const { model } = modelFromDsl(
      `model
  schema 1.1
type doc
  relations
    define a: b
    define b: a
    define c: d from e
    define f: [usr]`,
    );
    expect(problemsOf(modelFromWire(modelToWire(model)))).toEqual(problemsOf(model));
    expect(problemsOf(model)).toHaveLength(3);
  });

  it('is judged at once, however large and tangled it is', () => {
    const names = Array.from({ length: 4000 }, (_, index) => `r${index}`);
    const chain = names.map((name, index) => [
      name,
      { union: { child: [computed(names[index + 1] ?? 'r0'), computed('r0'), computed('r1')] } },
    ]);
    const parents = names.map((name) => [
      `p${name}`,
      {
        tupleToUserset: { tupleset: { relation: 'up' }, computedUserset: { relation: `p${name}` } },
      },
    ]);
    const model = ofTypes({
      type: 'doc',
      relations: { up: { this: {} }, ...Object.fromEntries([...chain, ...parents]) },
      metadata: { relations: { up: { directly_related_user_types: [{ type: 'doc' }] } } },
    });
    const limits = { ...DEFAULT_MODEL_LIMITS, modelBytesMax: 10_000_000 };
    const problems = validateModel(model, { limits });
    expect(problems).toHaveLength(2 + 1 + 4000);
    expect(Math.max(...problems.map(({ message }) => message.length))).toBeLessThan(200);
  }, 5_000);
});

function computed(relation: string): unknown {
  return { computedUserset: { relation } };
}
