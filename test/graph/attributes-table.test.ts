/** The attributes of nodes against a Map. The seed stands in the name. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AttributesTable } from '../../src/graph/attributes-table.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { SEED } from './seed.js';

const values: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer(), fc.constant(null)),
  { maxKeys: 4 },
);

const changes = fc.array(
  fc.record({ node: fc.nat(60), attributes: fc.option(values, { nil: undefined }) }),
  { maxLength: 300 },
);

const large = (size: number): JsonObject => ({ text: 'x'.repeat(size) });

describe(`a table of attributes (PEMBA_SEED=${SEED})`, () => {
  it('holds what a map holds', () => {
    const property = fc.property(changes, (history) => {
      const table = new AttributesTable();
      const expected = new Map<number, JsonObject>();
      for (const { node, attributes } of history) {
        if (attributes === undefined) {
          table.delete(node);
          expected.delete(node);
        } else {
          table.set(node, attributes);
          expected.set(node, JSON.parse(JSON.stringify(attributes)) as JsonObject);
        }
        expect(table.get(node)).toEqual(expected.get(node));
      }
      const found = new Map<number, JsonObject | undefined>();
      table.some((node) => {
        found.set(node, table.get(node));
        return false;
      });
      expect(found).toEqual(expected);
      expect(table.size).toBe(expected.size);
    });
    fc.assert(property, { seed: SEED, numRuns: 200 });
  });

  it('gives the same object until it is another', () => {
    const table = new AttributesTable();
    table.set(7, { a: 1 });
    const first = table.get(7);
    expect(table.get(7)).toBe(first);
    table.set(7, { a: 1 });
    expect(table.get(7)).toEqual(first);
    expect(table.get(7)).not.toBe(first);
  });

  it('visits until it is told to stop', () => {
    const table = new AttributesTable();
    for (let node = 0; node < 100; node++) table.set(node, {});
    const seen: number[] = [];
    expect(table.some((node) => seen.push(node) === 3)).toBe(true);
    expect(seen).toHaveLength(3);
  });

  it('does not grow by being written over', () => {
    const table = new AttributesTable();
    for (let node = 0; node < 100; node++) table.set(node, large(200));
    const { bytes } = table;
    for (let round = 0; round < 100; round++) {
      for (let node = 0; node < 100; node++) table.set(node, large(200 + (round % 7)));
    }
    expect(table.bytes).toBeLessThan(3 * bytes);
    expect(table.get(99)).toEqual(large(200 + (99 % 7)));
    for (let node = 0; node < 100; node++) table.delete(node);
    expect(table.size).toBe(0);
    expect(table.bytes).toBeLessThan(bytes);
  });
});
