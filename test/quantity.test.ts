import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, parseDuration, parseSize } from '../src/quantity.js';

describe('a quantity', () => {
  it.each([
    ['1B', 1],
    ['3KB', 3072],
    ['512MB', 536_870_912],
    ['1GB', 1_073_741_824],
    ['2TB', 2_199_023_255_552],
  ])('%s is a size', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    [0, '0ms'],
    [1, '1ms'],
    [1500, '1500ms'],
    [5_400_000, '90m'],
    [7_200_000, '2h'],
    [86_400_000, '1d'],
  ])('%d ms are written in the largest unit that needs no fraction', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('is read as it is written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 1000, 60_000), (count, factor) => {
        const ms = count * factor;
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it.each(['', '1', 'MB', 's', '1 s', ' 1s', '1s ', '1s1', '+1s', '-1s', '1e3s', '0x1s', '1.0s'])(
    '%j is none',
    (text) => {
      expect([parseDuration(text), parseSize(text)]).toEqual([NaN, NaN]);
    },
  );

  it.each(['1S', '1M', '1sec', '1MS', '1toString'])('%j is no duration', (text) => {
    expect(parseDuration(text)).toBeNaN();
  });

  it.each(['1b', '1mb', '1Gb', '1MiB', '1constructor'])('%j is no size', (text) => {
    expect(parseSize(text)).toBeNaN();
  });
});
