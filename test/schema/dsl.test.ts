import { describe, expect, it } from '@jest/globals';
import { transformer } from '@openfga/syntax-transformer';
import fc from 'fast-check';
import { PembaError } from '../../src/errors.js';
import { modelFromDsl, modelToDsl } from '../../src/schema/dsl.js';
import type { Model } from '../../src/schema/model.js';
import { modelFromWire } from '../../src/schema/wire.js';
import { anyModel, modelsOf, problemsOf } from './models.js';

function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof PembaError && error.code === 'invalid_model') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

const HEAD = 'model\n  schema 1.1\ntype user\ntype doc\n  relations\n';
/** What is wrong with a DSL text whose line 6 this is. */
const syntaxErrorOf = (line: string): string => refusalOf(() => modelFromDsl(HEAD + line));

const relationOf = (model: Model, type: string, relation: string) =>
  model.types.get(type)?.relations.get(relation);

/** OpenFGA's transformer takes inherited names for defined ones, and cuts strings at ` #`. */
const withoutInheritedNames = {
  names: ['user', 'group', 'can-edit', 'x.y/z', 'type', 'model', 'relation', '_'],
  conditionNames: ['c1', 'in_hours'],
  parameterNames: ['x', 'y'],
  expressions: ['x < 100', `x == '"' &&\n    y != "}" || true`, 'x in ["define a: [user]"]'],
};

describe('a DSL text', () => {
  it('becomes the model it says', () => {
    const { model } = modelFromDsl(`# a model
model
  schema 1.1

type user

type doc # define not: [me]
  relations
    # define viewer: nobody
    define parent: [doc]
    define editor: [
      user, # people
      # and bots
      user:* with weekday,
      doc#editor
    ]
    define viewer: (([user] or editor) and (b but not c)) or viewer from parent
    define b: editor
    define c: editor

condition weekday(day: string, holidays: list<string>) {
  day != "sun # day" && // not on sunday }
  !(day in holidays)
}
`);
    const computed = (relation: string) => ({ kind: 'computed', relation });
    expect(relationOf(model, 'doc', 'editor')?.restrictions).toEqual([
      { type: 'user', kind: 'object', relation: '' },
      { type: 'user', kind: 'wildcard', relation: '', condition: 'weekday' },
      { type: 'doc', kind: 'userset', relation: 'editor' },
    ]);
    expect(relationOf(model, 'doc', 'viewer')?.rewrite).toEqual({
      kind: 'union',
      operands: [
        {
          kind: 'intersection',
          operands: [
            { kind: 'union', operands: [{ kind: 'direct' }, computed('editor')] },
            { kind: 'exclusion', base: computed('b'), subtract: computed('c') },
          ],
        },
        { kind: 'from', tupleset: 'parent', relation: 'viewer' },
      ],
    });
    expect([...model.types.get('doc')!.relations.keys()]).toEqual([
      'parent',
      'editor',
      'viewer',
      'b',
      'c',
    ]);
    expect(model.conditions.get('weekday')).toEqual({
      name: 'weekday',
      expression: 'day != "sun # day" && \n  !(day in holidays)',
      parameters: { day: { kind: 'string' }, holidays: { kind: 'list', of: { kind: 'string' } } },
    });
    expect(problemsOf(model)).toEqual([]);
  });

  it('keeps operands in their order, in and out of parentheses', () => {
    const { model } = modelFromDsl(`${HEAD}    define a: b or (c and d) or e or (f but not g)`);
    const rewrite = relationOf(model, 'doc', 'a')?.rewrite;
    expect(
      JSON.stringify(rewrite)
        .match(/(?<="relation":")./g)
        ?.join(''),
    ).toBe('bcdefg');
  });

  it('may have as many parentheses as it likes around one thing', () => {
    const text = (depth: number): string => {
      const nested = `${'('.repeat(depth)}b${' )'.repeat(depth)}`;
      return `${HEAD}    define a: ${nested} or (${nested} but not ((c from d)))`;
    };
    expect(modelFromDsl(text(90)).model).toEqual(modelFromDsl(text(1)).model);
  });

  it('may end its lines as on Windows and begin with a byte order mark', () => {
    const text = `${HEAD}    define a: [user with c]\ncondition c(x: int) {\n  x ==\n  1\n}\n`;
    const windows = modelFromDsl(`\ufeff${text.replaceAll('\n', '\r\n')}`).model;
    expect(windows).toEqual(modelFromDsl(text).model);
  });

  it('may have comments of any length', () => {
    const text = HEAD + '  # and so on\n\n'.repeat(20_000) + '    define a: [usr]\n';
    const { model, positions } = modelFromDsl(text);
    expect(problemsOf(model, positions)).toEqual([
      "type 'doc', relation 'a' (line 40006, column 16): type 'usr' is not defined; " +
        "did you mean 'user'?",
    ]);
  });

  it('may name things as objects name what they inherit', () => {
    const text = `model
  schema 1.1
type constructor
type __proto__
  relations
    define constructor: [constructor]
    define __proto__: [__proto__#constructor with valueOf]
    define toString: constructor or __proto__
condition valueOf(__proto__: int) {
  __proto__ > 1
}
`;
    const { model } = modelFromDsl(text);
    expect([...model.types.get('__proto__')!.relations.keys()]).toEqual([
      'constructor',
      '__proto__',
      'toString',
    ]);
    expect(Object.keys(model.conditions.get('valueOf')!.parameters)).toEqual(['__proto__']);
    expect(modelFromDsl(modelToDsl(model)).model).toEqual(model);
  });

  it('is read as OpenFGA reads it', () => {
    fc.assert(
      fc.property(modelsOf(withoutInheritedNames), (model) => {
        const text = modelToDsl(model);
        const theirs = modelFromWire(transformer.transformDSLToJSONObject(text));
        expect(modelFromDsl(text).model).toEqual(theirs);
      }),
    );
  });
});

describe('the printed DSL', () => {
  it('is read back as the same model', () => {
    fc.assert(
      fc.property(anyModel, (model) => {
        expect(modelFromDsl(modelToDsl(model)).model).toEqual(model);
      }),
    );
  });

  it('has the direct part first, wherever JSON had it', () => {
    const direct = { this: {} };
    const computed = (relation: string) => ({ computedUserset: { relation } });
    const model = modelFromWire({
      schema_version: '1.1',
      type_definitions: [
        {
          type: 'user',
          relations: {
            a: {
              union: {
                child: [computed('b'), { intersection: { child: [computed('c'), direct] } }],
              },
            },
          },
          metadata: { relations: { a: { directly_related_user_types: [{ type: 'user' }] } } },
        },
      ],
    });
    expect(modelToDsl(model)).toContain('define a: ([user] and c) or b\n');
    expect(relationOf(model, 'user', 'a')?.rewrite).toMatchObject({
      operands: [{ relation: 'b' }, {}],
    });
  });

  it.each([
    [
      'subtracted',
      { difference: { base: { computedUserset: { relation: 'b' } }, subtract: { this: {} } } },
    ],
    ['twice', { union: { child: [{ this: {} }, { this: {} }] } }],
  ])('is refused when the direct part is %s', (_, rewrite) => {
    const model = modelFromWire({
      schema_version: '1.1',
      type_definitions: [{ type: 'user', relations: { a: rewrite } }],
    });
    expect(refusalOf(() => modelToDsl(model))).toMatch(
      /^type 'user', relation 'a': the DSL cannot express this, JSON can/,
    );
  });

  it.each([
    ["a parameter of type 'any'", { p: { type_name: 'TYPE_NAME_ANY' } }, "unexpected 'any'"],
    ['no parameters', {}, "unexpected ')'"],
    ['a parameter named as a type', { int: { type_name: 'TYPE_NAME_INT' } }, "unexpected 'int'"],
    [
      'a list of lists',
      {
        p: {
          type_name: 'TYPE_NAME_LIST',
          generic_types: [
            { type_name: 'TYPE_NAME_LIST', generic_types: [{ type_name: 'TYPE_NAME_INT' }] },
          ],
        },
      },
      "unexpected 'list'",
    ],
  ])('is refused when a condition has %s', (_, parameters, reason) => {
    const model = modelFromWire({
      schema_version: '1.1',
      type_definitions: [{ type: 'user' }],
      conditions: { c: { name: 'c', expression: 'true', parameters } },
    });
    const message = refusalOf(() => modelToDsl(model));
    expect(message).toMatch(/^the DSL cannot express this model, JSON can: .* in 'condition c\(/);
    expect(message).toContain(reason);
  });

  it('is refused when a name is a keyword', () => {
    const model = modelFromWire({ schema_version: '1.1', type_definitions: [{ type: 'from' }] });
    expect(refusalOf(() => modelToDsl(model))).toContain("unexpected 'from'; it is a keyword");
  });
});

describe('a syntax error', () => {
  it.each([
    [
      '    define a: [user] or b and c',
      "line 6, column 27: unexpected 'and'; 'or', 'and' and 'but not' are not mixed, nor is " +
        "'but not' repeated, without parentheses: (a or b) and c",
    ],
    ['    define a [user]', "line 6, column 14: unexpected '['; expected ':'"],
    [
      '    define a: b or [user]',
      "line 6, column 20: unexpected '['; the types in brackets come first, and once: [user] " +
        'or editor',
    ],
    ['    define a: [user] @', "line 6, column 22: unexpected character '@'"],
    ['    define a: []', "line 6, column 16: unexpected ']'; expected a name"],
    [
      '    define and: [user]',
      "line 6, column 12: unexpected 'and'; it is a keyword and cannot be a name here",
    ],
    [
      '    define a: user:*',
      "line 6, column 19: unexpected ':'; types stand in brackets, such as [user, user:*, " +
        'group#member]',
    ],
    ['    define a: (b or c', "line 6, column 22: unexpected end of the text; expected ')'"],
    [
      '    defin a: [user]',
      "line 6, column 5: unexpected 'defin'; after 'relations' comes at least one 'define'; " +
        "did you mean 'define'?",
    ],
    [
      '',
      "line 5, column 12: unexpected end of the text; after 'relations' comes at least one " +
        "'define'",
    ],
    [
      '    define a: [user]\ntyp group',
      "line 7, column 1: unexpected 'typ'; a line begins with 'type', 'extend', 'relations', " +
        "'define' or 'condition'; did you mean 'type'?",
    ],
    [
      '    define a: [user]\n      or b',
      "line 7, column 7: unexpected 'or'; a relation is defined in one line",
    ],
    [
      '    define a: [user]\ncondition c(x: int) {\n  true\n}\ntype group',
      "line 10, column 1: unexpected 'type'; types come before conditions",
    ],
    [
      '    define a: [user]\ncondition c(x: any) {\n  x\n}',
      "line 7, column 16: unexpected 'any'; expected bool, string, int, uint, double, " +
        'duration, timestamp, ipaddress, list<…> or map<…>',
    ],
    [
      '    define a: [user]\ncondition c(x: int,\n  y: int) {\n  x > y\n}',
      "line 7, column 20: unexpected end of the line; a condition's parameters are written in " +
        'one line',
    ],
    [
      '    define a: [user]\ncondition c(x: int {\n  x\n}',
      "line 7, column 20: unexpected '{'; the condition's parameters end with ')'",
    ],
  ])('says where and what: %j', (line, message) => {
    expect(syntaxErrorOf(line)).toBe(message);
  });

  it('is told for every place that the parser can tell from its guesses', () => {
    const text = '    define a [user]\n    define b [user]\n    define c: ]\n    define d: ]\n';
    expect(syntaxErrorOf(text)).toBe(
      [
        "line 6, column 14: unexpected '['; expected ':'",
        "line 7, column 14: unexpected '['; expected ':'",
        "line 8, column 15: unexpected ']'; expected '[', '(' or a name",
      ].join('\n'),
    );
  });

  it('is a clear one when the text is empty, a module, or of an old version', () => {
    expect(refusalOf(() => modelFromDsl(''))).toBe(
      "line 1, column 1: unexpected end of the text; expected 'model' or 'module'",
    );
    expect(refusalOf(() => modelFromDsl('module shop\ntype user'))).toMatch(
      /^line 1, column 8: this is the module 'shop': .*fga\.mod/,
    );
    expect(refusalOf(() => modelFromDsl('model\n  schema 1.0\ntype user'))).toMatch(
      /^line 2, column 10: schema version 1\.0 is not supported: write 1\.1/,
    );
  });

  it('is told, not overflowing the stack, when parentheses are nested a thousand deep', () => {
    const nested = `    define a: ${'('.repeat(1000)}b${')'.repeat(1000)}`;
    expect(syntaxErrorOf(nested)).toBe(
      'line 6, column 1014: parentheses can be nested 100 levels deep at most',
    );
  });

  it('is told at once when a text is nothing but errors', () => {
    expect(syntaxErrorOf('@'.repeat(500_000))).toBe("line 6, column 1: unexpected character '@'");
  }, 5_000);

  it('is told when the text is longer than any model', () => {
    expect(syntaxErrorOf(`# ${'x'.repeat(1_100_000)}`)).toMatch(
      /^a text can have 524288 characters/,
    );
  });
});

describe('what is declared twice', () => {
  it('is refused with both places', () => {
    const text = `${HEAD}    define a: [user]
    define b: a
    define a: b
type user
condition c(x: int) {
  x > 1
}
condition c(x: int) {
  x > 1
}`;
    expect(refusalOf(() => modelFromDsl(text))).toBe(
      [
        "type 'doc' (line 8, column 12): relation 'a' is already defined, at line 6, column 12",
        "line 9, column 6: type 'user' is already defined, at line 3, column 6",
        "line 13, column 11: condition 'c' is already defined, at line 10, column 11",
      ].join('\n'),
    );
  });

  it('may not be a parameter either', () => {
    const condition = 'condition c(x: int, y: int, x: string) {\n  x > 1\n}';
    const text = `${HEAD}    define a: [user]\n${condition}`;
    expect(refusalOf(() => modelFromDsl(text))).toBe(
      "condition 'c' (line 7, column 29): parameter 'x' is already defined",
    );
  });

  it("is not an extension: 'extend type' is for modules", () => {
    expect(
      refusalOf(() => modelFromDsl('model\n  schema 1.1\ntype user\nextend type user')),
    ).toMatch(/^line 4, column 13: 'extend type' is for modules only/);
  });
});
