import { describe, expect, it } from '@jest/globals';
import { ChunkRows } from '../../src/storage/chunk-rows.js';
import { parseBatch, runsOf } from '../../src/storage/log-batches.js';
import { parseTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';

const tuple = (text: string): RelationTuple => {
  const key = parseTupleKey(text);
  if (key === undefined) throw new Error(`no tuple: ${text}`);
  return key;
};

const many = (type: string, count: number): readonly RelationTuple[] =>
  Array.from({ length: count }, (_, i) => tuple(`${type}:${i}#viewer@user:a`));

/** How many tuples come into each row, and their ordinals. */
const runs = (tuples: readonly RelationTuple[]): readonly (readonly number[])[] =>
  [...runsOf(ChunkRows.of(tuples).tuples)].map(({ rows, ordinal }) => [rows.length, ordinal]);

describe('tuples in batches', () => {
  it('are read as they were', () => {
    const keys = [
      'document:a@b.c#viewer@user:anne@example.com',
      'document:\\n\\t#viewer@group:\\#member',
      'document:1#viewer@user:*',
    ].map(tuple);
    const { tuples } = ChunkRows.of(keys);
    const read = parseBatch(tuples.map(({ key }) => key).join('\n'));
    expect(new Set(read)).toEqual(new Set(keys));
  });

  it('refuse a line that is none', () => {
    expect(() => parseBatch('document 1 viewer user a \ndocument 2 viewer')).toThrow(TypeError);
  });

  it('are neighbours with objects of one type, two hundred at most', () => {
    const tuples = [...many('document', 450), ...many('documents', 3), ...many('group', 1)];
    expect(runs(tuples)).toEqual([
      [200, 199],
      [200, 399],
      [50, 449],
      [3, 452],
      [1, 453],
    ]);
    expect(runs([])).toEqual([]);
  });

  it('carry nothing but a key', () => {
    const tuples = many('document', 5).map((plain, i) => {
      if (i === 2) return { ...plain, condition: { name: 'in_office', context: {} } };
      return i === 3 ? { ...plain, expiresAt: 1 } : plain;
    });
    expect(runs(tuples).map(([length]) => length)).toEqual([2, 1, 1, 1]);
  });
});
