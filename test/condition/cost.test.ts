import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { stepsOf } from '../../src/condition/cost.js';
import { extentOf } from '../../src/condition/extent.js';
import { coerce } from '../../src/condition/coerce.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { declare, outcome } from './declare.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

function steps(
  expression: string,
  parameters: Readonly<Record<string, string>>,
  request: JsonObject,
): number {
  const condition = declare(expression, parameters);
  const extents = condition.parameters.map(({ name, type }) =>
    extentOf(coerce(type, request[name]!)),
  );
  return stepsOf(condition.term, extents);
}

/** Random conditions over the lists `k` and `l`, with macros nested up to three deep. */
const expressions: fc.Arbitrary<string> = boolean(3, ['7']);

function boolean(depth: number, numbers: readonly string[]): fc.Arbitrary<string> {
  const number = fc.constantFrom(...numbers);
  const equality = fc.tuple(number, number).map(([a, b]) => `${a} == ${b}`);
  if (depth === 0) return equality;
  const inner = boolean(depth - 1, numbers);
  const variable = `v${depth}`;
  const body = boolean(depth - 1, [...numbers, variable]);
  const range = list(depth - 1, numbers);
  return fc.oneof(
    equality,
    fc.tuple(number, range).map(([wanted, from]) => `${wanted} in ${from}`),
    fc.tuple(range, range).map(([a, b]) => `${a} == ${b}`),
    fc.tuple(inner, inner).map(([a, b]) => `(${a} || !(${b}))`),
    fc.tuple(inner, inner, inner).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc
      .tuple(range, fc.constantFrom('all', 'exists', 'exists_one'), body)
      .map(([from, macro, test]) => `${from}.${macro}(${variable}, ${test})`),
  );
}

function list(depth: number, numbers: readonly string[]): fc.Arbitrary<string> {
  const given = fc.constantFrom('k', 'l');
  if (depth === 0) return given;
  const inner = list(depth - 1, numbers);
  const variable = `w${depth}`;
  const body = boolean(depth - 1, [...numbers, variable]);
  return fc.oneof(
    given,
    fc.tuple(inner, inner).map(([a, b]) => `(${a} + ${b})`),
    fc.tuple(inner, body).map(([from, test]) => `${from}.filter(${variable}, ${test})`),
    inner.map((from) => `${from}.map(${variable}, ${variable} + 1)`),
  );
}

describe('the bound on the cost of a condition', () => {
  it('stops nested macros over a long list before they start', () => {
    const condition = declare('l.all(a, l.all(b, l.all(c, a + b + c >= 0)))', { l: 'list<int>' });
    const start = performance.now();
    expect(outcome(condition, { request: { l: upTo(1_000) } })).toEqual({
      kind: 'error',
      message: expect.stringMatching(/^condition 'c': it may take \d{10,} steps, and 10000 are/),
    });
    expect(performance.now() - start).toBeLessThan(200);
    expect(outcome(condition, { request: { l: upTo(5) } })).toEqual({ kind: 'true' });
  });

  it('lets one pass over the same list through', () => {
    const condition = declare('l.all(a, a >= 0)', { l: 'list<int>' });
    expect(outcome(condition, { request: { l: upTo(1_000) } })).toEqual({ kind: 'true' });
  });

  it('is exactly where it becomes an error', () => {
    const condition = declare('l.exists(a, a == 3)', { l: 'list<int>' });
    const request = { l: upTo(50) };
    const bound = steps('l.exists(a, a == 3)', { l: 'list<int>' }, request);
    expect(outcome(condition, { request, maxCost: bound })).toEqual({ kind: 'true' });
    expect(outcome(condition, { request, maxCost: bound - 1 })).toEqual({
      kind: 'error',
      message: `condition 'c': it may take ${bound} steps, and ${bound - 1} are allowed`,
    });
  });

  it.each([
    ['x < 100 && ip.in_cidr("10.0.0.0/8")', 10],
    ['now < granted + duration("1h") && now.getHours("Europe/Berlin") < 18', 50],
    ['s == "admin" || s in ["owner", "editor"]', 20],
    ['["a", "b"].exists(e, e == s)', 20],
    ['m.a.b.c == "a"', 10],
    ['s.startsWith("/docs/")', 10],
  ])('of %s holds for all values and is small', (expression, atMost) => {
    const { worstSteps } = declare(expression, {
      x: 'int',
      ip: 'ipaddress',
      now: 'timestamp',
      granted: 'timestamp',
      s: 'string',
      m: 'any',
    });
    expect(worstSteps).toBeGreaterThan(0);
    expect(worstSteps).toBeLessThanOrEqual(atMost);
  });

  it.each([
    ['l.all(e, e != s)', 300],
    ['s in l', 300],
    ['l.map(e, l).all(f, f.all(e, e != s))', 300 * 300],
    ['(l + l).all(e, (l + l).all(f, e != f))', 600 * 600],
    ['l.filter(e, e != s).all(e, l.all(f, e != f))', 300 * 300],
    ['l.map(e, e + s).exists(e, e == s)', 300],
    ['(true ? l : []).all(e, l.all(f, e != f))', 300 * 300],
    ['s == "" ? l.all(e, l.all(f, e != f)) : true', 300 * 300],
    ['s == "" ? true : l.all(e, l.all(f, e != f))', 300 * 300],
    ['[l, l].all(k, k.all(e, e != s))', 600],
    ['{"a": l}.a.all(e, l.all(f, e != f))', 300 * 300],
    ['m.all(k, m[k].all(e, e != s))', 200 * 100],
    ['m.all(k, k.contains(s))', 200],
    ['any.all(e, e.all(f, f != s))', 30 * 20],
    ['any == any', 30 * 20],
    ['long.contains(s + s)', (5_000 * 100) / 100],
    ['long.matches("(a?){50}a{50}$")', (5_000 * 100) / 4],
    ['long.matches(s)', (5_000 * 50) / 4],
    ['long + long == long + long', 1_000],
    ['size(long) == 1', 500],
    ['string(long) == long', 500],
  ])('of %s grows with the values', (expression, atLeast) => {
    const entries = upTo(200).map((n) => [`key${n}`, upTo(100).map(String)]);
    const request = {
      s: 'x'.repeat(50),
      l: upTo(300).map(String),
      m: Object.fromEntries(entries) as JsonObject,
      any: upTo(30).map(() => upTo(20)),
      long: 'a'.repeat(5_000),
    };
    const parameters = {
      s: 'string',
      l: 'list<string>',
      m: 'map<list<string>>',
      any: 'any',
      long: 'string',
    };
    const bound = steps(expression, parameters, request);
    expect(bound).toBeGreaterThanOrEqual(atLeast);
    expect(bound).toBeLessThan(40 * atLeast);
    expect(declare(expression, parameters).worstSteps).toBe(Infinity);
  });

  it('sees strings and lists double', () => {
    const doubling = (times: number): string =>
      `[s]${'.map(e, e + e)'.repeat(times)}.exists(e, e == "")`;
    const parameters = { s: 'string' };
    // five levels of lists are allowed; sums grow without them
    const sum = Array.from({ length: 60 }, () => 's').join(' + ');
    expect(steps(doubling(4), parameters, { s: 'x'.repeat(1_000) })).toBeGreaterThan(16_000 / 10);
    expect(steps(`(${sum}) == s`, parameters, { s: 'x'.repeat(1_000) })).toBeGreaterThan(6_000);
  });

  it('is never less for a longer list', () => {
    const expressions = ['l.all(a, a in l)', 'l.map(a, [a] + l).filter(b, b != l).size() == 1'];
    const lists = fc.array(fc.integer(), { maxLength: 30 });
    fc.assert(
      fc.property(fc.constantFrom(...expressions), lists, lists, (expression, l, more) => {
        const parameters = { l: 'list<int>' };
        const bound = steps(expression, parameters, { l });
        expect(steps(expression, parameters, { l: [...l, ...more] })).toBeGreaterThanOrEqual(bound);
      }),
    );
  });

  it('is at least the number of elements that evaluation looks at', () => {
    fc.assert(
      fc.property(expressions, fc.nat(12), fc.nat(12), (expression, ofL, ofK) => {
        const condition = declare(expression, { k: 'list<int>', l: 'list<int>' });
        const values = { k: upTo(ofK).map(BigInt), l: upTo(ofL).map(BigInt) };
        let looks = 0;
        const counted = (list: bigint[]): bigint[] =>
          new Proxy(list, {
            get(target, key, receiver) {
              if (typeof key === 'string' && /^\d+$/.test(key)) looks++;
              return Reflect.get(target, key, receiver) as unknown;
            },
          });
        const [k, l] = condition.parameters;
        condition.evaluate(
          new Map([
            [k!.variable, counted(values.k)],
            [l!.variable, counted(values.l)],
          ]),
        );
        const bound = stepsOf(condition.term, [extentOf(values.k), extentOf(values.l)]);
        expect(bound).toBeGreaterThanOrEqual(looks);
      }),
      { examples: [['(k + k).filter(w2, l == k) == k', 12, 12]] },
    );
  });

  it('counts nothing for the turns of an empty list', () => {
    expect(
      steps(
        'l.all(a, any.all(b, b.all(c, c == a)))',
        { l: 'list<int>', any: 'any' },
        {
          l: [],
          any: upTo(10),
        },
      ),
    ).toBeLessThan(10);
  });

  it('covers conditions that go on after thousands of errors', () => {
    const condition = declare('l.exists(k, m[k] == 1)', { l: 'list<string>', m: 'map<int>' });
    const start = performance.now();
    const request = { l: upTo(1_000).map(String), m: {} };
    expect(outcome(condition, { request })).toEqual({
      kind: 'error',
      message: "condition 'c': No such key: 0",
    });
    expect(performance.now() - start).toBeLessThan(500);
  });
});
