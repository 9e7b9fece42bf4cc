import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeFormText } from '../../src/identity/form-text.js';

const seed = Date.now() % 2 ** 31;

describe(`a text in a form (seed ${seed})`, () => {
  it('is what a browser encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const [, encoded = ''] = new URLSearchParams([['', text]]).toString().split('=');
        expect(decodeFormText(encoded)).toBe(text);
      }),
      { seed },
    );
  });

  it('is never more than one thing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        const decoded = decodeFormText(text);
        if (decoded === undefined) return;
        const again = new URLSearchParams(`a=${text.replaceAll('&', '%26')}`).get('a');
        expect(again).toBe(decoded);
      }),
      { seed },
    );
  });

  it.each(['%', '%4', '%zz', 'a b', 'ä', '\u0000', '%ff', '%c0%80', '%ed%a0%80', '\n'])(
    'is not %j',
    (text) => {
      expect(decodeFormText(text)).toBeUndefined();
    },
  );
});
