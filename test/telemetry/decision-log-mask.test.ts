import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Mask } from '../../src/telemetry/decision-log/mask.js';

const apply = (pointers: readonly string[], value: object): unknown =>
  new Mask(pointers).apply(value);

describe('a mask', () => {
  const input = { subject: { type: 'user', id: 'anne' }, context: { ip: '::1', device: 'd' } };

  it('erases what its pointers name, and says so', () => {
    expect(apply(['/input/subject/id', '/input/context/ip'], { input })).toEqual({
      value: { input: { subject: { type: 'user' }, context: { device: 'd' } } },
      erased: ['/input/subject/id', '/input/context/ip'],
    });
  });

  it('erases a whole part', () => {
    expect(apply(['/result'], { input, result: { allowed: true } })).toEqual({
      value: { input },
      erased: ['/result'],
    });
  });

  it('takes * for any member and any index, and names none of them', () => {
    const value = { input: { context: { secret: 1 }, tuples: [{ a: 1, b: 2 }, { a: 3 }] } };
    expect(apply(['/input/context/*', '/input/tuples/*/a'], value)).toEqual({
      value: { input: { context: {}, tuples: [{ b: 2 }, {}] } },
      erased: ['/input/context/*', '/input/tuples/*/a'],
    });
  });

  it('counts indices as they were', () => {
    expect(apply(['/input/0', '/input/1'], { input: ['a', 'b', 'c'] })).toMatchObject({
      value: { input: ['c'] },
    });
  });

  it('reads escapes as RFC 6901 does', () => {
    const value = { input: { 'a/b': 1, 'c~d': 2, '~1': 3, e: 4 } };
    expect(apply(['/input/a~1b', '/input/c~0d', '/input/~01'], value)).toMatchObject({
      value: { input: { e: 4 } },
    });
  });

  it('is silent where it meets nothing', () => {
    expect(
      apply(['/input/none', '/input/subject/id/deeper', '/input/subject/0'], { input }),
    ).toEqual({ value: { input }, erased: [] });
  });

  it.each(['__proto__', 'constructor', 'toString', '__proto__/polluted', 'constructor/prototype'])(
    'takes %s for a name like any other',
    (name) => {
      expect(apply([`/input/${name}`], { input })).toEqual({ value: { input }, erased: [] });
      const own = {
        input: JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":2}}'),
      };
      const { value } = new Mask([`/input/${name}`]).apply(own);
      expect(JSON.stringify(value)).not.toContain(`"${name.split('/').at(-1) ?? ''}"`);
      expect(Object.getPrototypeOf(value.input)).toBe(Object.prototype);
      expect(Reflect.get({}, 'polluted')).toBeUndefined();
    },
  );

  it('keeps a member named __proto__ that it is not asked to erase', () => {
    const own = { input: JSON.parse('{"__proto__":{"kept":1},"gone":2}') };
    expect(JSON.stringify(new Mask(['/input/gone']).apply(own).value)).toBe(
      '{"input":{"__proto__":{"kept":1}}}',
    );
  });

  it('removes one member, and changes nothing else nor the original', () => {
    const name = fc.string({ maxLength: 4 }).filter((text) => text !== '*' && !text.includes(','));
    const path = fc.array(name, { minLength: 1, maxLength: 4 });
    const leaf = fc.dictionary(name, fc.oneof(fc.string(), fc.dictionary(name, fc.integer())));
    fc.assert(
      fc.property(path, leaf, (names, beside) => {
        const last = names.length - 1;
        const build = (withIt: boolean): object =>
          names.reduceRight<object>((inner, member, i) => {
            const others = Object.entries(beside).filter(([other]) => other !== member);
            const own: [string, unknown][] = i === last && !withIt ? [] : [[member, inner]];
            return Object.fromEntries([...others, ...own]);
          }, {});
        const original = { input: build(true) };
        const copy = structuredClone(original);
        const escaped = names.map((one) => one.replaceAll('~', '~0').replaceAll('/', '~1'));
        const { value } = new Mask([`/input/${escaped.join('/')}`]).apply(original);
        expect(value).toEqual({ input: build(false) });
        expect(original).toEqual(copy);
      }),
    );
  });
});
