import { describe, expect, it } from '@jest/globals';
import { Findings, formatFinding, UnreadableInput } from '../../src/cli/convert/finding.js';
import { convertSpicedb } from '../../src/cli/convert/spicedb/convert.js';
import type { Conversion } from '../../src/cli/convert/spicedb/convert.js';
import { convertSchema } from '../../src/cli/convert/spicedb/schema.js';

interface Converted extends Conversion {
  readonly tuples: readonly string[];
}

function convert(text: string, path = 'x.zed', relationships?: string): Converted {
  const tuples: string[] = [];
  const input = {
    schema: { path, text },
    ...(relationships !== undefined && {
      relationships: { path: 'tuples.txt', lines: relationships.split('\n') },
    }),
    name: 'x',
    readNamed: (named: string) => ({ path: named, text: 'definition user {}' }),
  };
  return { ...convertSpicedb(input, (line) => tuples.push(line)), tuples };
}

const told = ({ findings }: Conversion): readonly string[] => findings.map(formatFinding);

const HEAD = 'definition user {}\n';

/** A body of `definition doc`, and the lines that define its permissions. */
const EXPRESSIONS: readonly (readonly [string, string])[] = [
  ['a + b & c - d', '((a or b) and c) but not d'],
  ['a - b - c', 'a but not (b or c)'],
  ['a + (b & c)', 'a or (b and c)'],
  ['a & b + c', 'a and (b or c)'],
  ['a - b & c', 'a but not (b and c)'],
  ['p->a + p.any(b)', 'a from p or b from p'],
  ['a + nil', 'a'],
  ['a & nil', '[nobody]'],
  ['a - nil', 'a'],
  ['nil', '[nobody]'],
  ['p.all(a)', '[nobody]'],
  ['b - p.all(a)', '[nobody]'],
  ['b + p.all(a)', 'b'],
  ['p->missing', '[nobody]'],
];

describe('a permission', () => {
  it.each(EXPRESSIONS)('%s becomes %s', (expression, expected) => {
    const { model } = convert(`${HEAD}definition doc {
  relation p: doc
  relation a: user
  relation b: user
  relation c: user
  relation d: user
  permission x = ${expression}
}`);
    expect(model.text).toContain(`    define x: ${expected}\n`);
  });
});

describe('a relation', () => {
  it.each([
    ['user | user:*', '[user, user:*]'],
    ['user#...', '[user]'],
    ['user | user with expiration', '[user]'],
    ['user with odd and expiration | doc#x', '[user with odd, doc#x]'],
  ])('to %s becomes %s', (types, expected) => {
    const { model } = convert(
      `use expiration\n${HEAD}caveat odd(n int) { n % 2 == 1 }
definition doc {\n  relation x: user\n  relation y: ${types}\n}`,
    );
    expect(model.text).toContain(`    define y: ${expected}\n`);
  });

  it('with usersets, behind an arrow, gets a relation that holds their objects', () => {
    const conversion = convert(
      `${HEAD}definition doc {
  relation parent: doc | doc#view
  relation view: user
  permission see = parent->view
}`,
      'x.zed',
      'doc:1#parent@doc:2\ndoc:1#parent@doc:3#view\n',
    );
    expect(conversion.model.text).toContain(
      'define see: view from parent_object or view from parent_view_object',
    );
    expect(conversion.tuples).toEqual([
      '{"user":"doc:2","relation":"parent","object":"doc:1"}',
      '{"user":"doc:2","relation":"parent_object","object":"doc:1"}',
      '{"user":"doc:3#view","relation":"parent","object":"doc:1"}',
      '{"user":"doc:3","relation":"parent_view_object","object":"doc:1"}',
    ]);
    expect(told(conversion)).toEqual([
      expect.stringMatching(/^changed: line 3, column 12 of x.zed: an arrow goes through 'parent'/),
    ]);
  });

  it('that leads only into itself has nobody', () => {
    const { model, findings } = convert(
      `${HEAD}definition doc {\n relation p: doc\n permission x = p->x\n}`,
    );
    expect(model.text).toContain('define x: [nobody] or x from p');
    expect(findings).toEqual([]);
  });
});

describe('a relationship', () => {
  it.each([
    ['doc:1#view@user:a', '{"user":"user:a","relation":"view","object":"doc:1"}'],
    ['doc:1 view user:a', '{"user":"user:a","relation":"view","object":"doc:1"}'],
    ['doc:1#view@user:*#...', '{"user":"user:*","relation":"view","object":"doc:1"}'],
    [
      'doc:a/b|c=#view@user:a[late:{"hour":1}][expiration:2030-01-31T12:00:00+01:00]',
      '{"user":"user:a","relation":"view","object":"doc:a/b|c=","condition":{"name":"late",' +
        '"context":{"hour":1}},"expires_at":"2030-01-31T11:00:00.000Z"}',
    ],
  ])('%s is a tuple', (text, expected) => {
    const { tuples, findings } = convert(
      `${HEAD}caveat late(hour int) { hour > 20 }
definition doc {\n  relation view: user | user:* | user with late\n}`,
      'x.zed',
      text,
    );
    expect(findings).toEqual([]);
    expect(tuples).toEqual([expected]);
  });

  it.each([
    'doc:1',
    'doc:1#view@user',
    'doc:1#view@user:a[late',
    `doc:${'x'.repeat(300)}#view@user:a`,
  ])('%s is told and left out', (text) => {
    const { tupleCount, findings } = convert(
      `${HEAD}definition doc {\n  relation view: user\n}`,
      'x.zed',
      text,
    );
    expect(tupleCount).toBe(0);
    expect(findings.map(({ severity }) => severity)).toEqual(['missing']);
  });
});

describe('names, partials and comments', () => {
  it('gives other names to what the language has words for', () => {
    const conversion = convert(
      `${HEAD}definition acme/doc {\n relation from: user\n relation from_: user\n` +
        ` permission define = from + from_\n}`,
    );
    expect(conversion.model.text).toContain('type acme/doc');
    expect(conversion.model.text).toContain('define define_: from_2 or from_\n');
    expect(told(conversion)[0]).toBe(
      "changed: line 3, column 11 of x.zed: 'from' is called 'from_2' in the model",
    );
  });

  it('writes out partials and keeps comments', () => {
    const { model } = convert(
      `use partial\npartial own {\n // who made it\n relation owner: user\n}\n` +
        `/** a\n * person */\n${HEAD}definition doc {\n ...own\n permission x = owner\n}`,
    );
    expect(model.text).toContain('# a\n# person\ntype user\n');
    expect(model.text).toContain('    # who made it\n    define owner: [user]\n');
  });

  it('writes a model as JSON that the language cannot say', () => {
    const { model, findings } = convert(
      `${HEAD}caveat c(from_any any) { from_any == 1 }\n` +
        `definition doc {\n relation x: user with c\n}`,
    );
    expect(model.name).toBe('model.json');
    expect(findings.map(({ severity }) => severity)).toEqual(['changed']);
  });
});

describe('what has no equivalent', () => {
  const BAD: readonly (readonly [string, string])[] = [
    ['permission x = p.all(a)', "line 5, column 17: no equivalent of '.all(…)'"],
    ['permission x = self + a', "line 5, column 17: no equivalent of 'self'"],
    ['permission x = nope', "line 5, column 17: 'doc' has no 'nope'"],
    ['permission y = a\n permission x = y->a', 'an arrow starts at a relation'],
    ['relation x: nope', "line 5, column 14: no definition 'nope'"],
    ['relation x: user with nope', "left out with its caveat 'nope'"],
    ['...nope', "line 5, column 5: no partial 'nope'"],
  ];

  it.each(BAD)('%s is told with its place', (member, expected) => {
    const findings = new Findings();
    const text = `use self\n${HEAD}definition doc { relation a: user\n relation p: doc\n ${member}\n}`;
    convertSchema(text, findings);
    const missing = findings.all().filter(({ severity }) => severity === 'missing');
    expect(missing.map(formatFinding).join('\n')).toContain(expected);
  });

  it('of a caveat is told, and what stands behind it is left out', () => {
    const conversion = convert(
      `${HEAD}caveat c(b bytes) { b == b"x" }\ndefinition doc {\n relation x: user with c | user\n}`,
      'x.zed',
      'doc:1#x@user:a[c]\ndoc:1#x@user:b\nnonsense\n',
    );
    expect(conversion.tupleCount).toBe(1);
    expect(told(conversion).join('\n')).toContain("caveat 'c': no type like 'bytes'");
    expect(told(conversion).join('\n')).toContain('line 3, column 1 of tuples.txt: left out');
  });
});

describe('a text that is no schema', () => {
  const HOSTILE: readonly (readonly [string, string, RegExp])[] = [
    ['deep parentheses', `permission x = ${'('.repeat(1e5)}`, /100 levels deep/],
    ['an open comment', '/* ', /'\*\/' is missing/],
    ['a control character', '\0', /unexpected U\+0000/],
    ['an open definition', 'relation', /found the end/],
    ['an arrow on an arrow', 'permission x = a->b->c', /an arrow on an arrow/],
    ['an open annotation', '@a((((', /expected '\)'/],
  ];

  it.each(HOSTILE)('%s is refused with its place', (_name, member, expected) => {
    const attempt = (): unknown => convert(`definition doc {\n${member}`);
    expect(attempt).toThrow(UnreadableInput);
    expect(attempt).toThrow(expected);
  });

  it('is read in linear time', () => {
    const started = performance.now();
    convertSchema(`${'/**/'.repeat(2e5)}${HEAD}`, new Findings());
    expect(() => convertSchema('x '.repeat(3e6), new Findings())).toThrow(/longer than/);
    expect(() => convertSchema(`caveat c(a int) {${'"'.repeat(1e5)}`, new Findings())).toThrow();
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('a validation file', () => {
  it('becomes a model, tuples and tests', () => {
    const { store, tupleCount, testCount, findings } = convert(
      [
        'schema: |-',
        '  definition user {}',
        '  caveat late(hour int) { hour > 20 }',
        '  definition doc {',
        '    relation view: user | user with late',
        '  }',
        'relationships: |-',
        '  doc:1#view@user:a',
        '  // by night',
        '  doc:1#view@user:b[late]',
        '  doc:1#nope@user:b',
        'assertions:',
        '  assertTrue:',
        '    - doc:1#view@user:a',
        '    - \'doc:1#view@user:b with {"hour": 21}\'',
        '  assertFalse: [doc:1#view@user:c]',
        'validation:',
        '  doc:1#view: ["[user:a] is <doc:1#view>", "[user:b[...]] is <doc:1#view>"]',
      ].join('\n'),
      'p.yaml',
    );
    expect([tupleCount, testCount]).toEqual([2, 3]);
    expect(store.text).toContain('model_file: ./model.fga\ntuple_file: ./tuples.jsonl\n');
    expect(store.text).toContain('        context:\n          hour: 21\n');
    expect(findings.map(formatFinding)).toEqual([
      "missing: line 11, column 1 of p.yaml: left out: relation 'doc#nope' not found",
      expect.stringContaining('dropped: line 18, column 44 of p.yaml: left out'),
    ]);
  });

  it('may name the file of its schema', () => {
    const { model } = convert('schemaFile: ./other.zed\n', 'p.yaml');
    expect(model.text).toContain('type user');
  });
});
