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
      expect(refusal(text)).toMatch(/^body: malformed YAML: /);
    }
  });
});
