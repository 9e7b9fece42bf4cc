import { describe, expect, it } from '@jest/globals';
import { contextProblem } from '../../src/condition/context.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { declare, outcome } from './declare.js';

const json = (text: string): JsonObject => JSON.parse(text) as JsonObject;

describe('names that mean something to JavaScript or to the library', () => {
  const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
  const libraryNames = ['optional', 'cel', 'google', 'type', 'int', 'list', 'map', 'size', 'dyn'];

  it.each([...names, ...libraryNames])('can be parameters: %s', (name) => {
    const condition = declare(`${name} == "a"`, { [name]: 'string' });
    expect(outcome(condition)).toEqual({ kind: 'missing', parameters: [name] });
    expect(outcome(condition, { request: { [name]: 'a' } })).toEqual({ kind: 'true' });
    expect(outcome(condition, { tuple: { [name]: 'b' }, request: { [name]: 'a' } })).toEqual({
      kind: 'false',
    });
  });

  it.each([...names, 'optional', 'cel', 'google', '__proto__x'])(
    'are unknown unless they are declared: %s',
    (name) => {
      expect(() => declare(`${name} == x`, { x: 'any' })).toThrow(`unknown name '${name}'`);
    },
  );

  it('include __proto__, which a context must give but no expression can mention', () => {
    const parameters = json('{"__proto__":"int","x":"int"}') as Record<string, string>;
    const condition = declare('x == 1', parameters);
    expect(outcome(condition, { request: json('{"x":1}') })).toEqual({
      kind: 'missing',
      parameters: ['__proto__'],
    });
    expect(outcome(condition, { request: json('{"x":1,"__proto__":2}') })).toEqual({
      kind: 'true',
    });
    expect(outcome(condition, { request: json('{"x":1,"__proto__":{}}') }).kind).toBe('error');
    expect(contextProblem(condition, json('{"__proto__":"a"}'))).toContain("'__proto__'");
    expect(() => declare('__proto__ == 1', parameters)).toThrow('Reserved identifier: __proto__');
  });

  it.each(['__proto__', 'constructor', 'toString'])('are keys like any other: %s', (key) => {
    const condition = declare('has(m.a) && k in m && m[k] == 1 && m.exists(e, e == k)', {
      k: 'string',
      m: 'map<int>',
    });
    const request = json(`{"k":"${key}","m":{"a":0,"${key}":1}}`);
    expect(outcome(condition, { request })).toEqual({ kind: 'true' });
  });

  it.each(['__proto__', 'constructor', 'toString', 'size', 'length'])(
    'are not found in values that do not hold them: %s',
    (key) => {
      for (const type of ['map<any>', 'any']) {
        const has = declare(`has(m.${key})`, { m: type });
        expect(outcome(has, { request: { m: {} } })).toEqual({ kind: 'false' });
        const access = declare(`m.${key} == 1`, { m: type });
        expect(outcome(access, { request: { m: {} } }).kind).toBe('error');
        const index = declare('m[k] == 1 || k in m', { m: type, k: 'string' });
        expect(outcome(index, { request: { m: {}, k: key } }).kind).toBe('error');
      }
      const access = declare(`a.${key} == 1`, { a: 'any' });
      for (const value of ['text', [1], 1.5, true, null]) {
        expect(outcome(access, { request: { a: value } }).kind).toBe('error');
      }
    },
  );

  it('can be variables of macros that hide parameters', () => {
    const condition = declare('constructor.all(constructor, constructor == 1) && type(x) == int', {
      constructor: 'list<int>',
      x: 'int',
    });
    const request = { constructor: [1, 1], x: 1 };
    expect(outcome(condition, { request })).toEqual({ kind: 'true' });
  });

  it('need not be CEL identifiers to be required', () => {
    const condition = declare('x == 1', { x: 'int', 'not an identifier': 'int' });
    expect(outcome(condition, { request: { x: 1 } })).toEqual({
      kind: 'missing',
      parameters: ['not an identifier'],
    });
  });
});
