import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FactsTable } from '../../src/graph/facts-table.js';
import type { EdgeFacts } from '../../src/graph/reader.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { Random } from '../reference/random.js';
import { SEED } from './seed.js';

type Key = readonly [object: number, kind: number, subject: number];
type Step = { readonly key: Key; readonly facts: EdgeFacts | undefined };

const textOf = (facts: EdgeFacts | undefined): string | undefined => JSON.stringify(facts);

/** Takes the steps beside a Map, and says where the table differs from it. */
function differences(table: FactsTable, steps: readonly Step[]): string[] {
  const model = new Map<string, string | undefined>();
  const wrong: string[] = [];
  for (const [index, { key, facts }] of steps.entries()) {
    if (textOf(table.get(...key)) !== model.get(key.join())) wrong.push(`before step ${index}`);
    if (facts === undefined) {
      table.delete(...key);
      model.delete(key.join());
    } else {
      table.set(...key, facts);
      model.set(key.join(), textOf(facts));
    }
    if (textOf(table.get(...key)) !== model.get(key.join())) wrong.push(`after step ${index}`);
    if (table.size !== model.size) wrong.push(`size after step ${index}`);
  }
  for (const { key } of steps) {
    if (textOf(table.get(...key)) !== model.get(key.join()))
      wrong.push(`at the end: ${key.join()}`);
  }
  return wrong;
}

const NAMES = ['in_hours', 'ünïcode', '__proto__', 'constructor'];
const MEMBERS = ['a', '__proto__', 'constructor', 'ключ', '漢字', '😀', '', '\ud800'];

/** As JSON from outside makes them: `__proto__` is a member like others. */
const context = fc
  .dictionary(fc.constantFrom(...MEMBERS), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  .map((members) => JSON.parse(JSON.stringify(members)) as JsonObject);
const condition = fc.record({ name: fc.constantFrom(...NAMES), context });
const expiresAt = fc.oneof(fc.constantFrom(0, 1, 8.64e15), fc.integer({ min: 0, max: 2 ** 45 }));
const facts: fc.Arbitrary<EdgeFacts> = fc.oneof(
  fc.record({ condition }),
  fc.record({ expiresAt }),
  fc.record({ condition, expiresAt }),
);
const small = fc.integer({ min: 0, max: 4 });
const step: fc.Arbitrary<Step> = fc.record({
  key: fc.tuple(small, fc.integer({ min: 0, max: 1 }), small),
  facts: fc.option(facts, { nil: undefined, freq: 2 }),
});

const withContext = (value: JsonObject): EdgeFacts => ({
  condition: { name: 'c', context: value },
});

describe(`a facts table (PEMBA_SEED=${SEED})`, () => {
  it('holds what a Map would', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        expect(differences(new FactsTable(0), steps)).toEqual([]);
      }),
      { seed: SEED, numRuns: 80 },
    );
  });

  it('holds it through growth, deletions and reuse of what was deleted', () => {
    const random = new Random(SEED);
    const steps = Array.from({ length: 30_000 }, (_, index): Step => {
      const key = [random.between(0, 400), random.between(0, 3), random.between(0, 4)] as const;
      // First it fills, then it empties, then it stays as it is.
      const deleted = index < 10_000 ? 0.1 : index < 20_000 ? 0.8 : 0.5;
      if (random.chance(deleted)) return { key, facts: undefined };
      const at = random.between(0, 999);
      return { key, facts: random.chance(0.5) ? withContext({ at }) : { expiresAt: at } };
    });
    expect(differences(new FactsTable(0), steps)).toEqual([]);
  });

  it('does not grow when edges come and go', () => {
    const table = new FactsTable(0);
    const { bytes } = table;
    for (let i = 0; i < 10_000; i++) {
      table.set(i, 0, i, { expiresAt: i });
      table.delete(i, 0, i);
    }
    expect([table.size, table.bytes]).toEqual([0, bytes]);
  });

  it('has nothing of nodes that are none', () => {
    const table = new FactsTable(0);
    table.set(0, 0, 0, { expiresAt: 1 });
    table.set(1, 0, 0, { expiresAt: 1 });
    table.delete(1, 0, 0);
    expect([-1, -2, 7].map((node) => table.get(node, 0, 0))).toEqual(Array(3).fill(undefined));
  });

  it('forgets a condition that is overwritten by an expiry, and the reverse', () => {
    const table = new FactsTable(0);
    table.set(1, 2, 3, { ...withContext({ a: 1 }), expiresAt: 5 });
    table.set(1, 2, 3, { expiresAt: 6 });
    expect(table.get(1, 2, 3)).toEqual({ expiresAt: 6 });
    table.set(1, 2, 3, withContext({ a: 2 }));
    expect(table.get(1, 2, 3)).toEqual(withContext({ a: 2 }));
    expect(table.size).toBe(1);
  });

  it('keeps equal contexts once, and unlike conditions of one context apart', () => {
    const table = new FactsTable(0);
    const large = { text: '語'.repeat(1000) };
    table.set(0, 0, 0, withContext(large));
    const before = table.bytes;
    for (let i = 1; i <= 1000; i++) table.set(i, 0, 0, withContext({ ...large }));
    // A slot is 24 bytes, and at least three of ten are taken.
    expect(table.bytes - before).toBeLessThan(1000 * 24 * 4);
    table.set(0, 1, 0, { condition: { name: 'other', context: large } });
    expect(table.get(0, 1, 0)?.condition?.name).toBe('other');
    expect(table.get(0, 0, 0)?.condition?.name).toBe('c');
  });

  it('reads more contexts than it keeps parsed', () => {
    const table = new FactsTable(0);
    const contexts = Array.from({ length: 9000 }, (_, i) => ({ i, name: `n-${i}` }));
    for (const [i, value] of contexts.entries()) table.set(i, 0, i, withContext(value));
    for (let round = 0; round < 2; round++) {
      const read = contexts.map((_, i) => table.get(i, 0, i)?.condition?.context);
      expect(JSON.stringify(read)).toBe(JSON.stringify(contexts));
    }
  });

  it('gives `__proto__` back as a member', () => {
    const table = new FactsTable(0);
    const hostile = JSON.parse('{"__proto__":{"admin":true}}') as JsonObject;
    table.set(0, 0, 0, withContext(hostile));
    const read = table.get(0, 0, 0)?.condition?.context ?? {};
    expect(Object.keys(read)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(read['admin']).toBeUndefined();
  });
});
