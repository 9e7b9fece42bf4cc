/** The canonical form, by examples and on random models in random clothes. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatDsl } from '../../src/schema/dsl-format.js';
import { parseDsl } from '../../src/schema/dsl-parse.js';
import type { DslDocument } from '../../src/schema/dsl-tree.js';
import { Positions } from '../../src/schema/positions.js';
import { SourceText } from '../../src/schema/source-text.js';

const SCHEMAS = join(__dirname, '..', '..', 'schema');

function formatted(text: string): string {
  const result = formatDsl(text);
  if (!result.ok) throw new Error(JSON.stringify([result.problems, text]));
  return result.text;
}

function documentOf(text: string): DslDocument {
  const parsed = parseDsl(text, new Positions());
  if (!parsed.ok) throw new Error(JSON.stringify([parsed.problems, text]));
  return parsed.document;
}

const STRING = /"""[^]*?"""|"[^"\n]*"/g;

/** White space between the words of CEL means nothing; in a string it does. */
function withoutSpace(expression: string): string {
  const strings = expression.match(STRING) ?? [];
  const between = expression.split(STRING).map((text) => text.replace(/\s+/g, ''));
  return between.map((text, i) => text + (strings[i] ?? '')).join('');
}

/** What a text declares, without the places. */
function meaningOf(text: string): unknown {
  const { header, types, conditions } = documentOf(text);
  return {
    header: { ...header, position: undefined },
    types: types.map((type) => ({ ...type, position: undefined })),
    conditions: conditions.map((each) => ({ ...each, expression: withoutSpace(each.expression) })),
  };
}

const commentsOf = (text: string): readonly string[] =>
  new SourceText(text).comments.map(({ start, end }) => text.slice(start, end).trimEnd());

function expectSame(text: string): string {
  const once = formatted(text);
  expect(formatted(once)).toBe(once);
  expect(meaningOf(once)).toEqual(meaningOf(text));
  expect(commentsOf(once)).toEqual(commentsOf(text));
  expect(once).not.toMatch(/\r|[^\n]$/);
  return once;
}

describe('the canonical form of a text', () => {
  it('has one indentation, one space between words and an empty line before types', () => {
    expect(
      expectSame(
        'model\r\nschema   1.1\r\ntype user\r\n\r\n\r\n\r\ntype doc\r\nrelations\r\n' +
          '\tdefine viewer:[ user,user:* ,group#member  with  late ] or ( editor from  parent )  \r\n' +
          'condition late( at:timestamp,days : list<string> ){ at > x }',
      ),
    ).toBe(`model
  schema 1.1

type user

type doc
  relations
    define viewer: [user, user:*, group#member with late] or (editor from parent)

condition late(at: timestamp, days: list<string>) {
  at > x
}
`);
  });

  it('keeps comments above, beside, between and below', () => {
    const text = `# of the file

module shop # the team

# about orders
extend type order # x
  # about relations
  relations # y
    # about a
    define a: [user] # z

    # apart
    define b: a
    # the last word

# nobody's

# about c
condition c(x: int) { # why
  # first
  x == 1 # second
  // third
}
# the end
`;
    expect(expectSame(text)).toBe(text);
  });

  it('keeps one subject a line where its author broke the line, or commented', () => {
    const head = 'model\n  schema 1.1\n\ntype user\n\ntype doc\n  relations\n';
    const list =
      '    define a: [\n      user, # us\n      # them\n      user:*\n    ] or b # all\n';
    expect(expectSame(`${head}${list}`)).toBe(head + list);
    expect(expectSame(`${head}    define a: [\n  user,user:*] or b`)).toBe(
      `${head}    define a: [\n      user,\n      user:*\n    ] or b\n`,
    );
    expect(expectSame(`${head}    define a: [user,\n  user:*]`)).toBe(
      `${head}    define a: [user, user:*]\n`,
    );
    expect(expectSame(`${head}    define a: [ # w\n user # x\n # y\n , # z\n user:*\n]`)).toBe(
      `${head}    define a: [ # w\n      user, # x\n      # y\n      # z\n      user:*\n    ]\n`,
    );
  });

  it('moves the lines of a condition together, and none of a string', () => {
    const head = 'model\n  schema 1.1\n\ntype user\n\ncondition c(x: string) {\n';
    const moved = expectSame(
      `${head}      x == "#" ||\n          x == """a\n b   \n\tc # no comment""" &&\n\n      true }`,
    );
    expect(moved).toBe(
      `${head}  x == "#" ||\n      x == """a\n b   \n\tc # no comment""" &&\n\n  true\n}\n`,
    );
  });

  it('takes away parentheses that hold nothing but parentheses', () => {
    const text = 'model\n  schema 1.1\ntype a\n  relations\n    define b: (((c or d))) and (e)\n';
    expect(expectSame(text)).toContain('    define b: (c or d) and (e)\n');
  });

  it('drops a byte order mark', () => {
    expect(formatted('\ufeffmodule a\n')).toBe('module a\n');
  });

  it('is what the schemas of this repository have', () => {
    const files = readdirSync(SCHEMAS, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.fga'),
    );
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      const text = readFileSync(join(SCHEMAS, file), 'utf8');
      expect({ file, text: expectSame(text) }).toEqual({ file, text });
    }
  });

  it('is not made of a text with mistakes', () => {
    const result = formatDsl('model\n  schema 1.1\ntype user\n  relation\n');
    expect(result).toMatchObject({ ok: false, problems: [{ position: { line: 4, column: 3 } }] });
  });
});

const name = fc.constantFrom('user', 'doc', 'group', 'member', 'type', 'a-b');
const space = fc.constantFrom(' ', '  ', '\t', '   ');
const gap = fc.constantFrom('', ' ', '  ', '\t');
const words = fc.constantFrom('# ', '#', '# a # b', '# define x: [y]', '# { " ', '# ünï', '#   ');
/** The end of a line, perhaps with a comment in it and some in lines below. */
const lineEnd = fc
  .tuple(
    fc.option(
      fc.tuple(
        space.map((text) => `${text} `),
        words,
      ),
    ),
    fc.array(
      fc.oneof(
        gap,
        fc.tuple(gap, words).map((parts) => parts.join('')),
      ),
      { maxLength: 3 },
    ),
    fc.constantFrom('\n', '\r\n'),
  )
  .map(([beside, below, lineBreak]) => [(beside ?? []).join(''), ...below, ''].join(lineBreak));

const text = (...parts: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((all) => all.join(''));

const subject = fc
  .tuple(
    fc.oneof(name, text(name, ':*'), text(name, '#', name)),
    fc.option(text(space, 'with', space, name)),
  )
  .map(([base, condition]) => base + (condition ?? ''));
const inList = fc.oneof(gap, lineEnd);
const list = fc
  .array(text(inList, subject, inList), { minLength: 1, maxLength: 3 })
  .map((subjects) => `[${subjects.join(',')}]`)
  .filter((each) => isRead(`model\nschema 1.1\ntype a\nrelations\ndefine b: ${each}`));

const reference = fc.oneof(name, text(name, space, 'from', space, name));
const { rewrite } = fc.letrec<{ rewrite: string; operand: string }>((tie) => ({
  operand: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    reference,
    text('(', gap, tie('rewrite'), gap, ')'),
  ),
  rewrite: fc
    .tuple(
      fc.constantFrom('or', 'and', 'but not'),
      fc.array(tie('operand'), { minLength: 1, maxLength: 3 }),
      space,
    )
    .map(([operator, operands, between]) =>
      operands.slice(0, operator === 'but not' ? 2 : 3).join(`${between}${operator}${between}`),
    ),
}));
const definition = fc.oneof(rewrite, list, text(list, space, 'or', space, reference));

const relation = text(gap, 'define', space, name, gap, ':', gap, definition, lineEnd);
const type = fc
  .tuple(
    text(gap, 'type', space, name, lineEnd),
    fc.option(
      fc
        .tuple(text(gap, 'relations', lineEnd), fc.array(relation, { minLength: 1, maxLength: 4 }))
        .map(([head, relations]) => head + relations.join('')),
    ),
  )
  .map(([head, relations]) => head + (relations ?? ''));

const celLine = fc.constantFrom(
  'a == 1 &&',
  'b == "x # y" ||',
  '',
  'c("""  x\n   y # z  \n\n""")',
  '// no',
  'd',
);
const body = fc
  .array(
    text(
      gap,
      celLine,
      fc.oneof(
        gap,
        words.map((each) => `  ${each}`),
      ),
    ),
    { maxLength: 5 },
  )
  .map((lines) => lines.join('\n'));
const condition = text(
  text(gap, 'condition', space, name, gap, '(', gap, name, gap, ':', gap, 'int', gap, ')', gap),
  '{',
  body,
  '\n}',
  lineEnd,
);

const model = fc
  .tuple(
    fc.array(text(gap, words, '\n'), { maxLength: 2 }).map((lines) => lines.join('')),
    text('model', lineEnd, gap, 'schema', space, '1.1', lineEnd),
    fc.array(type, { maxLength: 4 }).map((types) => types.join('')),
    fc.array(condition, { maxLength: 2 }).map((conditions) => conditions.join('')),
  )
  .map((parts) => parts.join(''));

const isRead = (whole: string): boolean => parseDsl(whole, new Positions()).ok;

describe('of random models in random clothes, the canonical form', () => {
  it('is its own, means the same, and has every comment in its order', () => {
    let read = 0;
    fc.assert(
      fc.property(model, (whole) => {
        if (!isRead(whole)) return;
        read++;
        expectSame(whole);
      }),
      { numRuns: 600 },
    );
    // Some of them are no models: strings that do not end, keywords where no name can be.
    expect(read).toBeGreaterThan(200);
  });
});
