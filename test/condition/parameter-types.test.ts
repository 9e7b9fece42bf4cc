import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { coerce } from '../../src/condition/coerce.js';
import { parseExactDouble } from '../../src/condition/decimal.js';
import type { JsonValue } from '../../src/tuple/tuple.js';
import { declare, outcome, parameterType } from './declare.js';

/** An expression that is true of every value in the row. */
interface Row {
  readonly type: string;
  readonly holds: string;
  readonly good: readonly JsonValue[];
  readonly bad: readonly JsonValue[];
}

const rows: readonly Row[] = [
  { type: 'bool', holds: 'x == true', good: [true], bad: ['true', 1, null, []] },
  { type: 'string', holds: 'x == "10"', good: ['10'], bad: [10, true, null, ['10'], {}] },
  {
    type: 'int',
    holds: 'x == 10',
    good: [10, '10', '+10', '10.0', '1e1', '100e-1', '010'],
    bad: [10.5, '10.5', '1e-1', '', ' 10', '0x0a', 'ten', '.', 'e1', true, null, [10], 1e300],
  },
  {
    type: 'int',
    holds: 'x == -9223372036854775808',
    good: ['-9223372036854775808', -(2 ** 63)],
    bad: ['-9223372036854775809', '9223372036854775808', 2 ** 63, '1e400', '1e99999', '1e9999999'],
  },
  { type: 'int', holds: 'x == 0', good: [0, -0, '-0', '0e99999', '0e-99999'], bad: ['1e-99999'] },
  {
    type: 'uint',
    holds: 'x == 18446744073709551615u',
    good: ['18446744073709551615', '1.8446744073709551615e19'],
    bad: ['18446744073709551616', -1, '-1', 0.5, '0.5', true, null],
  },
  {
    type: 'double',
    holds: 'x == 0.5',
    good: [0.5, '0.5', '.5', '5e-1', '0.50000000000000000000000000000000000000000000'],
    bad: [
      '0.1',
      '1.79769313486231570814527423731704356798070e+309',
      '1e-400',
      '0.50000000000000000000000000000000000000000001',
      'NaN',
      'Infinity',
      '',
      true,
      null,
    ],
  },
  { type: 'double', holds: 'x == 0.1', good: [0.1], bad: [] },
  {
    type: 'double',
    holds: 'x > 1.7e308',
    good: [Number.MAX_VALUE, BigInt(Number.MAX_VALUE).toString()],
    bad: [],
  },
  {
    type: 'duration',
    holds: 'x == duration("1h30m")',
    good: ['1h30m', '90m', '1.5h', '+5400s', '5400000ms', '5400000000us', '5400000000000ns'],
    bad: ['', '1', 'h', '1h 30m', '1d', '1h30', '.s', '--1h', '300000000h', 5400, null],
  },
  {
    type: 'duration',
    holds: 'x == duration("-1500ms") && x < duration("0s")',
    good: ['-1.5s', '-1s500ms', '-1500000µs', '-1500000μs'],
    bad: [`${'0'.repeat(200)}s`],
  },
  {
    type: 'timestamp',
    holds: 'x == timestamp("2024-02-29T12:00:00Z")',
    good: [
      '2024-02-29T12:00:00Z',
      '2024-02-29T12:00:00.000000000Z',
      '2024-02-29T14:00:00+02:00',
      '2024-02-29T06:30:00-05:30',
    ],
    bad: [
      '2023-02-29T12:00:00Z',
      '2024-02-30T12:00:00Z',
      '2024-13-01T12:00:00Z',
      '2024-00-01T12:00:00Z',
      '2024-04-31T12:00:00Z',
      '2024-02-29T24:00:00Z',
      '2024-02-29T12:00:60Z',
      '2024-02-29T12:00:00',
      '2024-02-29 12:00:00Z',
      '2024-02-29',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59-01:00',
      1709208000,
      null,
    ],
  },
  {
    type: 'ipaddress',
    holds: 'x == ipaddress("10.0.0.1")',
    good: ['10.0.0.1', '::ffff:10.0.0.1', '::FFFF:a00:1', '0:0:0:0:0:ffff:10.0.0.1'],
    bad: ['10.0.0', '10.0.0.256', '10.0.0.01', '10.0.0.1/8', 'localhost', '', 167772161, null],
  },
  {
    type: 'ipaddress',
    holds: 'x == ipaddress("2001:db8::1")',
    good: ['2001:db8::1', '2001:0DB8:0:0:0:0:0:1', '2001:db8:0::0:1', '2001:db8::0.0.0.1'],
    bad: [
      '2001:db8::1::',
      ':2001:db8::1',
      '2001:db8:1',
      '1:2:3:4:5:6:7:8:9',
      'fe80::1%eth0',
      '::12345',
    ],
  },
  {
    type: 'any',
    holds: 'dyn(x) == x',
    good: [null, true, 1.5, 'a', [1, ['b']], { a: {} }],
    bad: [],
  },
  { type: 'list<int>', holds: 'x == [1, 2]', good: [[1, '2']], bad: [[1, 'a'], {}, '12', null, 1] },
  { type: 'list<any>', holds: 'size(x) == 2', good: [[1, 'a']], bad: [{ a: 1, b: 2 }] },
  { type: 'list<uint>', holds: '2u in x', good: [[1, 2]], bad: [[-1]] },
  {
    type: 'map<int>',
    holds: 'x["a"] == 1',
    good: [{ a: 1, b: '2' }],
    bad: [{ a: 'b' }, [], null, 'a'],
  },
  {
    type: 'map<list<string>>',
    holds: '"b" in x.a',
    good: [{ a: ['b'] }],
    bad: [{ a: 'b' }, { a: [1] }],
  },
];

describe.each(rows)('a parameter of type $type, where $holds', ({ type, holds, good, bad }) => {
  const condition = declare(holds, { x: type });

  it.each(good.map((value) => [JSON.stringify(value), value] as const))('takes %s', (_, value) => {
    expect(outcome(condition, { request: { x: value } })).toEqual({ kind: 'true' });
  });

  if (bad.length === 0) return;
  it.each(bad.map((value) => [JSON.stringify(value), value] as const))('refuses %s', (_, value) => {
    const result = outcome(condition, { request: { x: value } });
    expect(result).toEqual({
      kind: 'error',
      message: expect.stringMatching(/^condition 'c': parameter 'x': /),
    });
  });
});

describe('coercion', () => {
  it('keeps every 64-bit integer that is written as a string', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(coerce({ kind: 'int' }, value.toString())).toBe(value);
      }),
    );
  });

  it('keeps every double that is written out in full, and none that is a digit off', () => {
    const dyadic = fc
      .tuple(fc.maxSafeInteger(), fc.integer({ min: 0, max: 40 }))
      .map(([mantissa, shift]) => mantissa / 2 ** shift);
    fc.assert(
      fc.property(dyadic, (value) => {
        const text = value.toFixed(60);
        expect(parseExactDouble(text)).toBe(value);
        expect(parseExactDouble(`${text}1`)).toBeUndefined();
      }),
    );
  });

  it('gives `any` the structure of the JSON, maps as Maps', () => {
    const asJson = (value: unknown): unknown => {
      if (value instanceof Map) {
        return Object.fromEntries([...value].map(([key, item]) => [key, asJson(item)]));
      }
      return Array.isArray(value) ? value.map(asJson) : value;
    };
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(asJson(coerce({ kind: 'any' }, value as JsonValue))).toEqual(value);
      }),
    );
  });

  it('refuses `any` that is nested beyond all use', () => {
    const nested = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`) as JsonValue;
    expect(() => coerce(parameterType('any'), nested)).toThrow('deeper than 6 levels');
  });

  it('quotes no more than the beginning of a bad value', () => {
    const result = outcome(declare('x == 1', { x: 'int' }), { request: { x: 'y'.repeat(9999) } });
    expect(JSON.stringify(result).length).toBeLessThan(200);
  });
});
