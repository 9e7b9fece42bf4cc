import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ChunkRows } from '../../src/storage/chunk-rows.js';
import { formatTupleKey, parseTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';

const tuple = (text: string): RelationTuple => {
  const key = parseTupleKey(text);
  if (key === undefined) throw new Error(`no tuple: ${text}`);
  return key;
};
const guarded = (text: string, n: number): RelationTuple => ({
  ...tuple(text),
  condition: { name: 'c', context: { n } },
});

const anyTuple = fc
  .tuple(
    fc.constantFrom('document', 'documents', 'd'),
    fc.integer({ min: 0, max: 12 }),
    fc.constantFrom('viewer', 'v'),
    fc.constantFrom('user:a', 'user:*', 'group:a#member', 'user:é\\!'),
    fc.boolean(),
  )
  .map(([type, id, relation, subject, isGuarded]) => {
    const text = `${type}:${id}#${relation}@${subject}`;
    return isGuarded ? guarded(text, id) : tuple(text);
  });

describe('the rows of a chunk', () => {
  it('have each key once, in order; of those with the same key the first counts', () => {
    fc.assert(
      fc.property(fc.array(anyTuple, { maxLength: 60 }), (tuples) => {
        const first = new Map<string, RelationTuple>();
        for (const each of tuples) {
          const key = formatTupleKey(each);
          if (!first.has(key)) first.set(key, each);
        }
        const rows = ChunkRows.of(tuples);
        const keys = rows.tuples.map(({ key }) => key);
        expect(keys).toEqual([...keys].sort());
        expect(rows.count).toBe(first.size);
        expect(rows.changes()).toHaveLength(first.size);
        const written = [...rows.changes()].map((change) =>
          change.operation === 'write' ? change.tuple : undefined,
        );
        expect(new Set(written)).toEqual(new Set(first.values()));
        // Whoever comes second sees the same.
        expect([...rows.changes()]).toHaveLength(first.size);
      }),
    );
  });

  it('know whether others have a key in common with them', () => {
    fc.assert(
      fc.property(
        fc.array(anyTuple, { maxLength: 20 }),
        fc.array(anyTuple, { maxLength: 20 }),
        (some, others) => {
          const keys = new Set(some.map(formatTupleKey));
          const expected = others.some((other) => keys.has(formatTupleKey(other)));
          expect(ChunkRows.of(some).overlap(ChunkRows.of(others))).toBe(expected);
          expect(ChunkRows.of(others).overlap(ChunkRows.of(some))).toBe(expected);
        },
      ),
    );
  });

  it('overlap in an entity as well', () => {
    const of = (id: string): ChunkRows =>
      ChunkRows.of(
        [tuple(`document:${id}#viewer@user:a`)],
        [{ entity: { type: 'user', id: 'a' }, attributes: { level: 1 } }],
      );
    expect(of('1').overlap(of('2'))).toBe(true);
    expect(of('1').overlap(ChunkRows.of([tuple('document:2#viewer@user:a')]))).toBe(false);
  });

  it('give values back as JSON knows them', () => {
    const { tuple: written } = [
      ...ChunkRows.of([guarded('document:1#viewer@user:a', -0)]).changes(),
    ][0] as {
      readonly tuple: RelationTuple;
    };
    expect(Object.is(written.condition?.context['n'], 0)).toBe(true);
  });
});
