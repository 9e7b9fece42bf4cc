/** What of YAML is read, and what is refused before anybody looks at the value. */
import { describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { parseYaml } from '../../src/api/yaml-body.js';

const refusal = (text: string): string => {
  try {
    parseYaml(text);
  } catch (error) {
    expect(error).toBeInstanceOf(PembaError);
    return (error as PembaError).message;
  }
  throw new Error(`accepted: ${text.slice(0, 100)}`);
};

describe('YAML', () => {
  it('is read as JSON would be', () => {
    expect(parseYaml('a: [x, 1, true, null, 1.5]\nb:\n  c: "1"\n  d: yes')).toEqual({
      a: ['x', 1, true, null, 1.5],
      b: { c: '1', d: 'yes' },
    });
    expect(parseYaml('')).toBeNull();
    expect(parseYaml('when: 2020-01-01')).toEqual({ when: '2020-01-01' });
  });

  it('has no keys but own ones', () => {
    const value = parseYaml('__proto__: {polluted: 1}\nconstructor: 2') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it.each([
    ['a key twice', 'a: 1\na: 2', /unique at line 2, column 1$/],
    ['an alias', 'a: &x [1]\nb: *x', /alias/i],
    ['aliases that multiply', `a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]`, /alias/i],
    ['a tag that is not known', 'a: !!js/function x', /tag/i],
    ['a tag of its own', 'a: !thing x', /tag/i],
    ['several documents', 'a: 1\n---\nb: 2', /multiple documents/],
    ['a key that is no string', '? {a: 1}\n: 2', /strings/],
    ['tabs', 'a:\n\t- b', /Tabs/],
    ['no end', 'a: [1', /./],
  ])('with %s is refused', (_what, text, message) => {
    const told = refusal(text);
    expect(told).toMatch(/^body: malformed YAML: /);
    expect(told).toMatch(message);
    expect(told).not.toContain('\n');
  });

  it('that nests without end is refused', () => {
    for (const text of ['['.repeat(16_000), '{a: '.repeat(4000), '- '.repeat(8000)]) {
      expect(refusal(text)).toMatch(/^body: malformed YAML: it is nested too deeply at line 1/);
    }
  });

  it('of a large OpenAPI document is read', () => {
    const operation = (i: number): string =>
      `  /orders/{id}/part${i}:\n    get:\n      summary: Reads part ${i} of an order\n` +
      "      x-authz: { require: 'order:{path.id}#can_read', cache: 5s }\n" +
      "      responses:\n        '200': { description: The part }\n";
    const paths = Array.from({ length: 1200 }, (_, i) => operation(i)).join('');
    const text = `openapi: 3.1.0\npaths:\n${paths}`;
    expect(text.length).toBeGreaterThan(200_000);
    expect(text.length).toBeLessThan(262_144);
    const { paths: read } = parseYaml(text) as { readonly paths: object };
    expect(Object.keys(read)).toHaveLength(1200);
  });

  describe('of 256 KiB that is meant to be slow', () => {
    const SIZE = 262_144;
    const filled = (piece: string, before = '', after = ''): string =>
      before +
      piece.repeat(Math.floor((SIZE - before.length - after.length) / piece.length)) +
      after;
    const keys = (end: string): string =>
      Array.from({ length: 24_000 }, (_, i) => `k${i}: 1${end}`).join('');
    const cases: Readonly<Record<string, string>> = {
      'keys of one map': keys('\n'),
      'keys of one map on one line': `{${keys(', ')}}`,
      'the same key': filled('a: 1\n'),
      'lists that open': filled('['),
      'maps that open': filled('{a: '),
      'lists that open and close': '['.repeat(SIZE / 2) + ']'.repeat(SIZE / 2),
      'lists in lists by dashes': filled('- '),
      'keys of keys': filled('? '),
      'keys without a name': filled(': '),
      'empty lists': filled('[],', '[', ']'),
      'list items': filled('- a\n'),
      commas: filled(',', '['),
      quotes: filled('"'),
      anchors: filled('&a '),
      aliases: filled('- *a\n', 'a: &a x\nb:\n'),
      tags: filled('!a '),
      'empty lines': filled('\n'),
      comments: filled('#\n'),
      documents: filled('---\n'),
      'lines of one text': filled('b\n  ', 'a: '),
      escapes: filled('\\n', 'a: "', '"'),
      indents: Array.from({ length: 720 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
    };

    it.each(Object.entries(cases))('takes no long time: %s', (_name, text) => {
      const startedAt = performance.now();
      // Whole, and with no more tokens than there may be.
      for (const part of [text, text.slice(0, 131_000)]) {
        try {
          parseYaml(part);
        } catch (error) {
          expect(String(error)).toMatch(/body: malformed YAML: (?!.*YAML)/);
        }
      }
      // A tenth of that, alone on the machine.
      expect(performance.now() - startedAt).toBeLessThan(3000);
    });
  });
});
