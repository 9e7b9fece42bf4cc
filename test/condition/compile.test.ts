import { describe, expect, it } from '@jest/globals';
import { compileCondition, ConditionProblem } from '../../src/condition/compile.js';
import { PembaError } from '../../src/errors.js';
import type { ParameterType } from '../../src/condition/parameter.js';
import { declare } from './declare.js';

const parameters = {
  x: 'int',
  u: 'uint',
  b: 'bool',
  s: 'string',
  t: 'timestamp',
  ip: 'ipaddress',
  l: 'list<string>',
  m: 'map<int>',
  any: 'any',
};

function problemOf(expression: string): ConditionProblem {
  try {
    declare(expression, parameters);
  } catch (error) {
    if (error instanceof ConditionProblem) return error;
    throw error;
  }
  throw new Error(`compiles: ${expression}`);
}

describe('a condition that cannot be in a model', () => {
  it.each([
    // syntax
    ['', 1, 1, 'EOF'],
    ['x <', 1, 4, 'EOF'],
    ['x < 100 &&\n  (b ||\n\n    )', 4, 5, 'RPAREN'],
    ['b // a comment\n& b', 2, 1, 'Unexpected character: &'],
    ['s == "a\n"', 1, 8, 'Newlines not allowed'],
    ['while == 1', 1, 1, 'Reserved identifier: while'],
    // names
    ['x < 100 && y', 1, 12, "unknown name 'y'"],
    ['x < 100 &&\n\ty', 2, 2, "unknown name 'y'"],
    ['"€𝄞" == s && y', 1, 15, "unknown name 'y'"],
    ['l.all(v, v == w)', 1, 15, "unknown name 'w'"],
    ['l.all(v, v == "a") && v == "a"', 1, 23, "unknown name 'v'"],
    ['b && f(x)', 1, 6, "unknown function 'f' of 1 argument"],
    ['size(l, 1) == 1', 1, 1, "unknown function 'size' of 2 arguments"],
    ['b && s.reverse() == s', 1, 6, "unknown method 'reverse' of 0 arguments"],
    // the library's, not CEL's
    ['s.split("a").size() == 1', 1, 1, "unknown method 'split'"],
    ['l.join() == s', 1, 1, "unknown method 'join'"],
    ['cel.bind(v, x, v == 1)', 1, 1, "unknown method 'bind'"],
    ['optional.of(x).hasValue()', 1, 1, "unknown method 'hasValue'"],
    ['b"a" == b"a"', 1, 1, 'bytes are not supported'],
    ['google.protobuf == google.protobuf', 1, 1, "unknown name 'google'"],
    // types
    ['b &&\n  x < "a"', 2, 3, 'no such overload: int < string'],
    ['x == u', 1, 1, 'no such overload: int == uint'],
    ['b && x', 1, 1, "requires bool operands, got 'int'"],
    ['ip == "10.0.0.1"', 1, 1, 'no such overload: ipaddress == string'],
    ['ip.in_cidr(x)', 1, 1, "found no matching overload for 'ipaddress.in_cidr(int)'"],
    ['x.matches("a")', 1, 1, "found no matching overload for 'int.matches(string)'"],
    ['timestamp(b) < t', 1, 1, "found no matching overload for 'timestamp(bool)'"],
    ['x in l', 1, 1, 'no such overload: int in list<string>'],
    ['s.foo == 1', 1, 3, "Cannot index type 'string'"],
    ['l["a"] == s', 1, 1, 'List index must be int'],
    ['[].all(v, v > 0)', 1, 1, 'overlaps'],
    // what it yields
    ['x + 1', 1, 1, 'has to be a bool, it is of type int'],
    ['any', 1, 1, 'has to be a bool, it is of type dyn'],
    ['b ? x : 1', 1, 1, 'has to be a bool, it is of type int'],
    // literals
    ['x < 9223372036854775808', 1, 5, '9223372036854775808 does not fit into 64 bits'],
    ['u < 18446744073709551616u', 1, 5, 'Invalid integer'],
    ['t < timestamp("2024-02-30T00:00:00Z")', 1, 15, 'expected an RFC 3339 timestamp'],
    ['t < t + duration("1 day")', 1, 18, 'expected a duration'],
    ['ip ==\n ipaddress("10.0.0.256")', 2, 12, 'expected an IP address'],
    ['{x: 1}[x] == 1', 1, 2, 'the key of a map has to be a literal string'],
    ['{"a": 1, "a": 2}[s] == 1', 1, 10, "the key 'a' is repeated"],
    ['{"constructor": 1}[s] == 1', 1, 2, "cannot be written with the key 'constructor'"],
    // size
    ['[[[[[[x]]]]]] == [[[[[[1]]]]]]', 1, 6, 'nest deeper than 5 levels'],
    ['l.map(v, l.map(v, l.map(v, l.map(v, l.map(v, [v]))))) == []', 1, 46, 'nest deeper than 5'],
    [`${'('.repeat(200)}b${')'.repeat(200)}`, 1, 101, 'Exceeded maxDepth (100)'],
    [`b${' || b'.repeat(300)}`, 1, 1, 'nests deeper than 250 levels'],
    [`${'!'.repeat(300)}b`, 1, 251, 'nests deeper than 250 levels'],
    [`b || s == "${'a'.repeat(2_100)}"`, 1, 2_049, 'longer than 2048 characters'],
  ])('%j is refused at %i:%i: %s', (expression, line, column, message) => {
    const problem = problemOf(expression);
    expect(problem.message).toContain(message);
    expect({ line: problem.line, column: problem.column }).toEqual({ line, column });
  });

  it('is reported as an error of the model, in text that prints', () => {
    const problem = problemOf('x.matches("a")');
    expect(problem).toBeInstanceOf(PembaError);
    expect(problem.code).toBe('invalid_model');
    expect(problem.message).toMatch(/^[\x20-\x7e]+$/);
  });

  it('may be so for the type of a parameter', () => {
    let deep: ParameterType = { kind: 'int' };
    for (let depth = 0; depth < 10_000; depth++) deep = { kind: 'list', of: deep };
    const definition = { name: 'c', expression: 'x == x', parameters: { x: deep } };
    expect(() => compileCondition(definition)).toThrow("the type of 'x' nests deeper than 5");
  });

  it.each([`${'!'.repeat(2_047)}b`, `${'-'.repeat(2_040)}x == 1`, '['.repeat(2_048)])(
    'does not overflow the stack, however it nests',
    (expression) => {
      expect(problemOf(expression)).toBeInstanceOf(ConditionProblem);
    },
  );
});

describe('a condition in a model', () => {
  it.each([
    'true',
    'b',
    '!b || x != -9223372036854775808',
    'x < 100 &&\n  ip.in_cidr("10.0.0.0/8") // only from inside\n',
    'l.all(v, l.exists(w, v != w)) || l.exists_one(x, x == "a")',
    'l.map(v, v.size() > 1, v + s).filter(v, v.startsWith(s)).size() == 2',
    'm.exists(k, m[k] > x) && has(m.a) && "a" in m && m.a == m["a"]',
    'any.a.b[0] == 1 && type(any) == map && any == [1, "a", null]',
    '(b ? [1.5] : [double(x)]) == [0.5]',
    's in ["a", "b"] && s.contains("a") && s.endsWith("b") && bool(s) && string(x) == s',
    'uint(x) == u && int(u) == x && int("-12") == x && double("1e3") > 0.5',
    `b${' || b'.repeat(248)}`,
  ])('%j compiles', (expression) => {
    expect(declare(expression, parameters).name).toBe('c');
  });
});
