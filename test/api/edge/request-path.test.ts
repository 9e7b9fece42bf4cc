/** Whatever path is let through, nobody reads another one out of it. */
import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hostOf, segmentsOf } from '../../../src/api/edge/request-path.js';

/** What addresses are made of, and what they are attacked with. */
const piece = fc.oneof(
  fc.constantFrom('/', '//', '.', '..', ';', '\\', '?', '#', '%', '*', ':', '@', '&', '='),
  fc.constantFrom('%2f', '%2E', '%5c', '%25', '%3B', '%00', '%0a', '%c3%a4', '%ff', '%41', '%20'),
  fc.constantFrom('a', 'B', 'order', '~', '-', '_', '!', "'", '(', ')', '+', ',', '$', '|', ' '),
  fc.string({ maxLength: 3 }),
);
const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

const accepted = (check: (path: string, segments: readonly string[]) => void): void => {
  let count = 0;
  fc.assert(
    fc.property(target, (text) => {
      const segments = segmentsOf(text);
      if (segments === undefined) return;
      count++;
      check(text.split('?', 1)[0] ?? '', segments);
    }),
    { numRuns: 5000 },
  );
  expect(count).toBeGreaterThan(200);
};

describe('a path that is let through', () => {
  it('is the same to a browser’s reading of addresses', () => {
    accepted((path, segments) => {
      const { pathname } = new URL(path, 'http://shop.example');
      expect(pathname.slice(1).split('/').map(decodeURIComponent)).toEqual(segments);
    });
  });

  it('is the same to who resolves it as a file’s, before or after decoding', () => {
    accepted((path, segments) => {
      expect(posix.normalize(path)).toBe(path);
      const whole = decodeURIComponent(path);
      expect(posix.normalize(whole)).toBe(whole);
      expect(whole.slice(1).split('/')).toEqual(segments);
    });
  });

  it('is the same to who decodes it twice', () => {
    accepted((path) => {
      const once = decodeURIComponent(path);
      expect(decodeURIComponent(once)).toBe(once);
    });
  });
});

describe('a host', () => {
  it.each([
    ['Shop.Example:8443', 'shop.example'],
    ['[::1]:80', '[::1]'],
    ['localhost', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
    ['a.', undefined],
    ['', undefined],
    ['a:b', undefined],
    ['a:80:80', undefined],
    ['user@a', undefined],
    ['a/b', undefined],
    ['\u0131', undefined],
  ])('%j is read as %j', (text, host) => {
    expect(hostOf(text)).toBe(host);
  });
});
