import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventStreamReader } from '../../src/client/verifier/event-stream.js';
import type { StreamEvent } from '../../src/client/verifier/event-stream.js';
import { SEED } from '../graph/seed.js';

const read = (...pieces: readonly string[]): readonly StreamEvent[] => {
  const reader = new EventStreamReader();
  return pieces.flatMap((piece) => reader.push(piece));
};

describe('server-sent events', () => {
  it.each<[string, string, readonly StreamEvent[]]>([
    ['an event', 'id: 1\nevent: a\ndata: x\n\n', [{ id: '1', name: 'a', data: 'x' }]],
    ['no name', 'data: x\n\n', [{ id: undefined, name: 'message', data: 'x' }]],
    ['no space', 'data:x\n\n', [{ id: undefined, name: 'message', data: 'x' }]],
    ['two lines', 'data: x\ndata: y\n\n', [{ id: undefined, name: 'message', data: 'x\ny' }]],
    ['a comment', ': hello\n\n', []],
    ['an event that has not ended', 'data: x\n', []],
    ['an unknown field', 'retry: 5\n\n', []],
    [
      'an id that stays, a name that does not',
      'id: 1\nevent: a\ndata: x\n\ndata: y\n\n',
      [
        { id: '1', name: 'a', data: 'x' },
        { id: '1', name: 'message', data: 'y' },
      ],
    ],
  ])('%s', (_, text, events) => {
    expect(read(text)).toEqual(events);
    expect(read(text.replaceAll('\n', '\r\n'))).toEqual(events);
  });

  it(`are the same however they are cut (seed ${SEED})`, () => {
    const line = fc.constantFrom('id: 1', 'event: a', 'data: x', 'data: é', ': c', '', '', 'data');
    const end = fc.constantFrom('\n', '\r\n');
    const text = fc
      .array(fc.tuple(line, end), { maxLength: 20 })
      .map((lines) => lines.flat().join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200)), (whole, places) => {
        const cuts = [0, ...places.map((p) => p % (whole.length + 1)).sort((a, b) => a - b)];
        const pieces = cuts.map((from, i) => whole.slice(from, cuts[i + 1] ?? whole.length));
        expect(read(...pieces)).toEqual(read(whole));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('that never end are not collected for ever', () => {
    expect(() => read('data: '.padEnd(70_000, 'x'))).toThrow('too long');
    const reader = new EventStreamReader();
    const piece = `data: ${'x'.repeat(30_000)}\n`;
    expect(() => [piece, piece, piece].map((text) => reader.push(text))).toThrow('too long');
  });
});
