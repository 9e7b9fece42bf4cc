import { describe, expect, it } from '@jest/globals';
import { batchLengths, formatBatch, parseBatch } from '../../src/storage/log-batches.js';
import { parseTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';

const tuple = (text: string): RelationTuple => {
  const key = parseTupleKey(text);
  if (key === undefined) throw new Error(`no tuple: ${text}`);
  return key;
};
const many = (type: string, count: number): readonly RelationTuple[] =>
  Array.from({ length: count }, (_, i) => tuple(`${type}:${i}#viewer@user:a`));

describe('tuples in batches', () => {
  it('are read as they were', () => {
    const keys = [
      'document:a@b.c#viewer@user:anne@example.com',
      'document:\\n\\t#viewer@group:\\#member',
      'document:1#viewer@user:*',
    ].map(tuple);
    expect(parseBatch(formatBatch(keys))).toEqual(keys);
  });

  it('refuse a line that is none', () => {
    expect(() => parseBatch('document:1#viewer@user:a\ndocument:2#viewer')).toThrow(TypeError);
  });

  it('are neighbours with objects of one type, two hundred at most', () => {
    const tuples = [...many('document', 450), ...many('folder', 3), ...many('group', 1)];
    expect(batchLengths(tuples)).toEqual([200, 200, 50, 3, 1]);
    expect(batchLengths([])).toEqual([]);
  });

  it('carry nothing but a key', () => {
    const [one, two, three, four, five] = many('document', 5) as [
      RelationTuple,
      RelationTuple,
      RelationTuple,
      RelationTuple,
      RelationTuple,
    ];
    const conditional = { ...three, condition: { name: 'in_office', context: {} } };
    expect(batchLengths([one, two, conditional, { ...four, expiresAt: 1 }, five])).toEqual([
      2, 1, 1, 1,
    ]);
  });
});
