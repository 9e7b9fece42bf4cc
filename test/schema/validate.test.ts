import { describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { DEFAULT_MODEL_LIMITS } from '../../src/schema/limits.js';
import type { ModelLimits } from '../../src/schema/limits.js';
import type { Model } from '../../src/schema/model.js';
import { assertValidModel, validateModel } from '../../src/schema/validate.js';
import { modelFromWire, modelToWire } from '../../src/schema/wire.js';
import { problemsOf } from './models.js';

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

  it('of a module is refused like that of a relation', () => {
    const model = ofTypes({ type: 'user', metadata: { module: 'a\ntype b' } });
    expect(problemsOf(model)).toEqual([
      "type 'user': a module's name cannot contain ':', '#', '@', white space or control " +
        "characters: 'a\ufffdtype b'",
    ]);
  });

  it('of a source file has the form that clients accept', () => {
    const model = ofTypes({ type: 'user', metadata: { source_info: { file: '../x.fga' } } });
    expect(problemsOf(model)).toEqual([
      "type 'user': source file '../x.fga' must end in .fga and before that have up to 100 " +
        'letters, ' +
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
      'The number of type definitions in an authorization model exceeds the allowed limit of ' +
        '100: ' +
        'it has 101',
    ]);
    expect(problemsOf(ofTypes(...types.slice(1)))).toEqual([]);
    const condition = { name: 'c', expression: 'true', parameters: {} };
    const model: Model = { ...ofTypes({ type: 'user' }), conditions: new Map([['c', condition]]) };
    expect(limited(model, { conditionsMax: 0 })).toEqual([
      'The number of conditions in an authorization model exceeds the allowed limit of 0: it ' +
        'has 1',
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
        "type 'doc', relation 'r0' (line 5, column 16): relation 'missing0' is not defined on " +
          "type 'doc'",
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
});
