import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { strictJson } from '../../src/identity/strict-json.js';

const read = (text: string): unknown => strictJson(Buffer.from(text));

describe('strict JSON', () => {
  it('is what JSON is when no member is named twice', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('is not what names a member twice, wherever that is', () => {
    const place = fc.letrec<{ text: string }>((tie) => ({
      text: fc.oneof(
        { maxDepth: 5 },
        fc.string().map((name) => `{${JSON.stringify(name)}:1,"x":":",${JSON.stringify(name)}:2}`),
        tie('text').map((text) => `[":",${text}]`),
        tie('text').map((text) => `{"a":"\\":","b":${text}}`),
      ),
    })).text;
    fc.assert(
      fc.property(place, (text) => {
        expect(read(text)).toBeUndefined();
      }),
    );
  });

  it.each([
    ['an escaped name', '{"ab":1,"\\u0061b":2}'],
    ['a member of all objects', '{"__proto__":1,"__proto__":2}'],
    ['a number too great', '{"a":1e400}'],
    ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['a comment', '{"a":1/* */}'],
    ['a byte order mark', '\ufeff{}'],
    ['nothing', ''],
  ])('is not %s', (_name, text) => {
    expect(read(text)).toBeUndefined();
  });

  it('is not what is no UTF-8', () => {
    expect(strictJson(Buffer.from('"\u00e9"', 'latin1'))).toBeUndefined();
  });

  it('is 32 levels deep at most', () => {
    expect(read(`${'['.repeat(32)}${']'.repeat(32)}`)).toBeDefined();
  });
});
