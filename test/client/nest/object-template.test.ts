import { BadRequestException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fill, parseTemplate } from '../../../src/client/nest/object-template.js';
import { formatObject, parseObject } from '../../../src/tuple/tuple.js';

const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const filled = (template: string, body: object, subject = 'user:corp/anne'): string =>
  formatObject(fill(parseTemplate(template), { headers: {}, body }, subject));

/** Undefined for what is refused. */
function filledOrRefused(template: string, body: object): string | undefined {
  try {
    return filled(template, body);
  } catch (error) {
    if (error instanceof BadRequestException) return undefined;
    throw error;
  }
}

describe('the template of an object', () => {
  it.each([
    ['shop:main', 'shop:main'],
    ['order:{body.a}', 'order:1'],
    ['order:no-{body.a}', 'order:no-1'],
    ['order:{body.a}/{body.b.c}', 'order:1/x@y'],
    ['{subject}', 'user:corp/anne'],
    ['inbox:{subject.id}', 'inbox:corp/anne'],
    ['inbox:{body.a}.{subject.id}', 'inbox:1.corp/anne'],
  ])('%s comes to %s', (template, object) => {
    expect(filled(template, { a: 1, b: { c: 'x@y' } })).toBe(object);
  });

  it.each([
    '',
    'order',
    'order:',
    ':{params.id}',
    'order:{params.id',
    'order:params.id}',
    'order:{{params.id}}',
    'order:{}',
    'order:{id}',
    'order:{params}',
    'order:{params.}',
    'order:{params.a.b}',
    'order:{query.a.b}',
    'order:{body}',
    'order:{body.a..b}',
    'order:{cookies.id}',
    'order:{ params.id }',
    'order:{params.a}{params.b}',
    'order:{subject}',
    'order:{subject.type}',
    'order:a:{params.id}',
    'order:{params.id}#viewer',
    'order:*',
    'order:a b',
    '{params.type}:1',
    '{params.object}',
    '{subject}/1',
    'or der:{params.id}',
    'order#viewer:{params.id}',
  ])('%j is none', (template) => {
    expect(() => parseTemplate(template)).toThrow(TypeError);
  });

  it('takes what is there, and nothing that is inherited', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'constructor.name']) {
      expect(filledOrRefused(`order:{body.${name}}`, {})).toBeUndefined();
    }
    expect(
      filledOrRefused('order:{body.id}', Object.create({ id: '1' }) as object),
    ).toBeUndefined();
    expect(filledOrRefused('order:{body.list.length}', { list: [1] })).toBeUndefined();
    expect(filledOrRefused('order:{body.list.0}', { list: ['1'] })).toBeUndefined();
  });

  it('refuses the type of whoever is known by a token alone', () => {
    expect(() => fill(parseTemplate('{subject}'), { headers: {} }, undefined)).toThrow('Forbidden');
  });

  it(`never becomes another object than it says (seed ${seed})`, () => {
    const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.anything());
    fc.assert(
      fc.property(value, (a) => {
        const object = filledOrRefused('order:{body.a}', { a });
        if (object === undefined) return;
        expect(object).toBe(`order:${String(a)}`);
        expect(parseObject(object)).toEqual({ type: 'order', id: String(a) });
        expect(object).not.toMatch(/[*#\s]|:.*:/);
      }),
      { seed, numRuns: 2000 },
    );
  });

  it(`never makes one object of different values (seed ${seed})`, () => {
    const text = fc.string({ unit: fc.constantFrom('1', '-', '/', '.'), maxLength: 5 });
    const values = fc.record({ a: text, b: text });
    for (const template of [
      'o:{body.a}-{body.b}',
      'o:{body.a}--{body.b}',
      'o:x{body.a}-/{body.b}',
    ]) {
      fc.assert(
        fc.property(values, values, (one, other) => {
          const object = filledOrRefused(template, one);
          if (object === undefined || object !== filledOrRefused(template, other)) return;
          expect(other).toEqual(one);
        }),
        { seed, numRuns: 3000 },
      );
    }
  });
});
