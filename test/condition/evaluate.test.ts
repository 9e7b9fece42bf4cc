import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { declare, outcome } from './declare.js';

describe('contexts', () => {
  const condition = declare('x < 100', { x: 'int' });

  it('are taken from the tuple first, then from the request', () => {
    expect(outcome(condition, { request: { x: 1 } })).toEqual({ kind: 'true' });
    expect(outcome(condition, { tuple: { x: 1 } })).toEqual({ kind: 'true' });
    expect(outcome(condition, { tuple: { x: 200 }, request: { x: 1 } })).toEqual({ kind: 'false' });
    expect(outcome(condition, { tuple: { x: 1 }, request: { x: 200 } })).toEqual({ kind: 'true' });
  });

  it('hide a bad value of the request behind a good one of the tuple', () => {
    const given = { tuple: { x: 1 }, request: { x: 'many' } };
    expect(outcome(condition, given)).toEqual({ kind: 'true' });
  });

  it('of a request may hold more than the parameters', () => {
    expect(outcome(condition, { request: { x: 1, y: 'whatever' } })).toEqual({ kind: 'true' });
  });

  it('that lack parameters are told which, sorted', () => {
    const two = declare('b == "b" || a == "a"', { b: 'string', a: 'string', c: 'int' });
    expect(outcome(two)).toEqual({ kind: 'missing', parameters: ['a', 'b', 'c'] });
    const given = { request: { b: 'b' }, tuple: { c: 1 } };
    expect(outcome(two, given)).toEqual({ kind: 'missing', parameters: ['a'] });
  });

  it('lack a parameter even if the expression could do without', () => {
    const lazy = declare('b || x == 1', { b: 'bool', x: 'int' });
    expect(outcome(lazy, { request: { b: true } })).toEqual({
      kind: 'missing',
      parameters: ['x'],
    });
  });

  it('with a bad value are an error, whatever else is missing', () => {
    const two = declare('b == "b" || a == "a"', { a: 'string', b: 'string' });
    expect(outcome(two, { request: { b: 1 } })).toEqual({
      kind: 'error',
      message: "condition 'c': parameter 'b': expected a string, found 1",
    });
  });

  it('are not needed without parameters', () => {
    expect(outcome(declare('1 < 2'))).toEqual({ kind: 'true' });
  });

  it('are converted for each condition by its own types', () => {
    const request = { l: ['1', '2'] };
    expect(outcome(declare('"1" in l', { l: 'list<string>' }), { request }).kind).toBe('true');
    expect(outcome(declare('1 in l', { l: 'list<int>' }), { request }).kind).toBe('true');
    expect(outcome(declare('1u in l', { l: 'list<uint>' }), { request }).kind).toBe('true');
    const bad = declare('true in l', { l: 'list<bool>' });
    expect(outcome(bad, { request }).kind).toBe('error');
    expect(outcome(bad, { request }).kind).toBe('error');
  });
});

describe('an expression', () => {
  const request: JsonObject = {
    role: 'admin',
    n: 7,
    tags: ['a', 'b', 'bc'],
    limits: { read: 10, write: 0 },
    any: { list: [1, 'a', null], deep: { er: true }, n: 1 },
  };
  const parameters = {
    role: 'string',
    n: 'int',
    tags: 'list<string>',
    limits: 'map<int>',
    any: 'any',
  };

  it.each([
    ['"a" in tags && !("c" in tags)', true],
    ['role in ["admin", "owner"]', true],
    ['tags[0] == "a" && tags.size() == 3 && size(tags) == 3', true],
    ['tags == ["a", "b"] + ["bc"]', true],
    ['tags.all(t, t != role) && tags.exists(t, t == "b") && tags.exists_one(t, t == "b")', true],
    ['tags.exists_one(t, t.contains("b"))', false],
    ['tags.filter(t, t.startsWith("b")).map(t, t + "!") == ["b!", "bc!"]', true],
    ['tags.map(t, t != "b", size(t)) == [1, 2]', true],
    ['limits["read"] == 10 && limits.write == 0 && has(limits.read)', true],
    ['has(limits.execute)', false],
    ['"read" in limits && !("execute" in limits)', true],
    ['limits.all(k, limits[k] < n || k == "read")', true],
    ['limits == {"write": 0, "read": 10}', true],
    ['{"admin": 3, "owner": 9}[role] < n', true],
    ['any.list[0] == 1 && any.list[1] == "a" && any.list[2] == null', true],
    ['any.deep.er && any.n < n && has(any.deep.er) && !has(any.deep.est)', true],
    ['any.list == [1, "a", null] && type(any.list) == list && type(any.n) == double', true],
    ['n % 4 == 3 && n / 2 == 3 && -n < 0 && n * n - n == 42', true],
    ['n > 6.5 && double(n) / 2.0 == 3.5 && int(6.9) == 6 && uint(n) == 7u', true],
    ['int("-12") == -12 && double("0.1") == 0.1 && string(n) == "7" && bool("true")', true],
    ['size("a€𝄞") == 3', true],
    // an error does not matter where the other operand decides
    ['limits.execute == 1 || true', true],
    ['1 / 0 == 1 && false', false],
    ['tags.exists(t, limits[t] == 1 || t == "b")', true],
    ['n == 7 ? role == "admin" : limits.execute == 1', true],
  ])('%s is %p', (expression, expected) => {
    expect(outcome(declare(expression, parameters), { request }).kind).toBe(String(expected));
  });

  it.each([
    ['limits.execute == 1', 'No such key: execute'],
    ['limits[role] == 1', 'No such key: admin'],
    ['tags[3] == "a"', 'No such key: index out of bounds, index 3 >= size 3'],
    ['any.deep.est == 1', 'No such key: est'],
    ['any.list[1] < 3', 'no such overload: dyn<string> < int'],
    ['n / (n - n) == 1', 'division by zero'],
    ['n + 9223372036854775807 == 1', 'integer overflow: 9223372036854775814'],
    ['uint(n) - 8u == 1u', 'Unsigned integer overflow'],
    ['int(1e19) == 1', 'the integer is out of range'],
    ['int(role) == 1', 'expected an integer, found "admin"'],
    ['int("") == 0', 'expected an integer, found ""'],
    ['int("0x10") == 16', 'expected an integer, found "0x10"'],
    ['double("0x10") == 16.0', 'expected a number, found "0x10"'],
    ['any.n ? true : false', "Ternary condition must be bool, got 'double'"],
    ['tags.all(t, limits[t] == 1)', 'No such key: a'],
    ['int(any) == 1', "found no matching overload for 'int(map<"],
  ])('%s is an error: %s', (expression, message) => {
    const result = outcome(declare(expression, parameters), { request });
    expect(result).toEqual({ kind: 'error', message: expect.stringContaining(message) });
    expect(result).toEqual({ kind: 'error', message: expect.stringMatching(/^condition 'c': /) });
  });

  it.each([
    'double(s) > 0.5',
    'int(s) > 0',
    'uint(s) > 0u',
    'bool(s)',
    'timestamp(s) > t',
    'timestamp("2024-01-01T00:00:00." + s) > t',
    'duration(s) > duration("1s")',
    'ipaddress(s) == ip',
    'ip.in_cidr(s)',
    't.getHours(s) == 1',
    's.matches(s)',
    'm[s] == 1',
  ])('gives up on a very long text at once, and briefly: %s', (expression) => {
    const condition = declare(expression, {
      s: 'string',
      t: 'timestamp',
      ip: 'ipaddress',
      m: 'map<int>',
    });
    const long = `${'1'.repeat(200_000)}x`;
    const given = { s: long, t: '2024-01-01T00:00:00Z', ip: '::1', m: {} };
    const start = performance.now();
    const result = outcome(condition, { request: given, maxCost: Infinity });
    expect(performance.now() - start).toBeLessThan(200);
    expect(result.kind).toBe('error');
    expect(JSON.stringify(result).length).toBeLessThan(500);
  });

  it('may nest as deep as the limits allow', () => {
    const chain = declare(`b${' || b'.repeat(248)}`, { b: 'bool' });
    expect(outcome(chain, { request: { b: false } })).toEqual({ kind: 'false' });
    const negations = declare(`${'!'.repeat(248)}b`, { b: 'bool' });
    expect(outcome(negations, { request: { b: true } })).toEqual({ kind: 'true' });
  });

  it('gives the same answer again, after errors too', () => {
    const condition = declare('tags.all(t, limits[t] == 1)', parameters);
    const good = { ...request, limits: { a: 1, b: 1, bc: 1 } };
    for (let round = 0; round < 3; round++) {
      expect(outcome(condition, { request: good })).toEqual({ kind: 'true' });
      expect(outcome(condition, { request }).kind).toBe('error');
    }
  });

  it('leaves the values and the stack traces of others as they were', () => {
    const frozen = JSON.parse(JSON.stringify(request)) as JsonObject;
    const before = Error.stackTraceLimit;
    outcome(declare('tags.map(t, t) == tags && limits.execute == 1', parameters), { request });
    expect(request).toEqual(frozen);
    expect(Error.stackTraceLimit).toBe(before);
  });
});
