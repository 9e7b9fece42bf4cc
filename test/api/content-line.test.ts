import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contentOf, contentOfText } from '../../src/api/openfga/content-line.js';
import { PembaError } from '../../src/errors.js';

const DEPTH = 20;

function outcomeOf(read: () => unknown): unknown {
  try {
    return { content: read() };
  } catch (error) {
    if (error instanceof PembaError) return { code: error.code, message: error.message };
    throw error;
  }
}

const byJson = (text: string): unknown => outcomeOf(() => contentOf(JSON.parse(text)));
const byText = (text: string): unknown => outcomeOf(() => contentOfText(text, DEPTH));

const name = fc.oneof(
  fc.constantFrom(
    'user:anne',
    'document:1',
    'group:eng#member',
    'user:*',
    'viewer',
    '',
    '*',
    'a:b:c',
  ),
  fc.string({ maxLength: 12, unit: 'grapheme' }),
  fc.string({ maxLength: 6 }).map((text) => `user:${text}`),
  fc.integer({ min: 45, max: 520 }).map((length) => `u:${'x'.repeat(length)}`),
  fc.integer({ min: 120, max: 260 }).map((length) => `u:${'😀'.repeat(length)}`),
);

describe('a line of an import', () => {
  it('is read alike whether it looks like most lines or is any JSON', () => {
    fc.assert(
      fc.property(name, name, name, fc.boolean(), (user, relation, object, isSpaced) => {
        const text = JSON.stringify({ user, relation, object }, null, isSpaced ? 1 : 0);
        expect(byText(text.replaceAll('\n', ' '))).toEqual(byJson(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('is read as JSON where it is not quite what most lines are', () => {
    const user = '"user":"user:anne"';
    const rest = '"relation":"viewer","object":"document:1"';
    for (const text of [
      `{${user},${rest},"expires_at":"2030-01-31T12:00:00Z"}`,
      `{${user},${rest},"user":"user:bob"}`,
      `{${rest},${user}}`,
      `{"user":"user:\\u0061nne",${rest}}`,
      `{"user":"user:anne\\"",${rest}}`,
      `{"user":null,${rest}}`,
    ]) {
      expect(byText(text)).toEqual(byJson(text));
    }
    expect(() => contentOfText(`{"user":"user:a\u0001",${rest}}`, DEPTH)).toThrow('malformed JSON');
    expect(() => contentOfText(`{${user},${rest}}x`, DEPTH)).toThrow('malformed JSON');
  });
});
