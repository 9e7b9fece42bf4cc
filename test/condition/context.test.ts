import { describe, expect, it } from '@jest/globals';
import { contextProblem } from '../../src/condition/context.js';
import { declare } from './declare.js';

describe('a context to be stored on a tuple', () => {
  const condition = declare('x < 100 && ip.in_cidr(cidr)', {
    x: 'int',
    ip: 'ipaddress',
    cidr: 'string',
  });

  it.each([{}, { x: 1 }, { x: '1', cidr: '10.0.0.0/8' }, { x: 1, ip: '::1', cidr: '' }])(
    'may be partial: %j',
    (context) => {
      expect(contextProblem(condition, context)).toBeUndefined();
    },
  );

  it.each([
    [{ y: 1 }, "condition 'c' has no parameter 'y'"],
    [{ x: 1, constructor: 1 }, "condition 'c' has no parameter 'constructor'"],
    [{ x: 'a' }, "condition 'c': parameter 'x': expected a 64-bit integer, found \"a\""],
    [{ x: 1, ip: null }, "condition 'c': parameter 'ip': expected an IP address, found null"],
  ])('may not be %j', (context, problem) => {
    expect(contextProblem(condition, context)).toBe(problem);
  });
});
