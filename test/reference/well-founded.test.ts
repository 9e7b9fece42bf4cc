/**
 * The alternating fixpoint against the other definition of the well-founded model, by unfounded
 * sets, which is hopeless to compute for more than a few nodes and easy to believe:
 *
 *   A set of nodes is unfounded if each of them is false once all of them are taken for false
 *   wherever they stand unnegated. Starting from "all undecided", nodes whose formula is true
 *   become true and the nodes of unfounded sets become false, until nothing changes.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { solve } from './well-founded.js';
import type { Formula } from './well-founded.js';

/** Kleene's truth values: false, undecided, true. */
type Value = 0 | 0.5 | 1;

function value(formula: Formula, plain: readonly Value[], negated: readonly Value[]): number {
  const inner = (each: Formula): number => value(each, plain, negated);
  switch (formula.kind) {
    case 'fact':
      return { false: 0, undefined: 0.5, error: 0.5, true: 1 }[formula.truth];
    case 'subject':
      return 0;
    case 'node':
      return plain[formula.node] ?? 0;
    case 'any':
      return Math.max(0, ...formula.of.map(inner));
    case 'all':
      return Math.min(1, ...formula.of.map(inner));
    case 'butNot':
      return Math.min(inner(formula.base), 1 - (negated[formula.subtract] ?? 0));
  }
}

function byUnfoundedSets(equations: readonly Formula[]): readonly Value[] {
  let truths: readonly Value[] = equations.map(() => 0.5);
  for (;;) {
    const unfounded = new Set<number>();
    for (let bits = 1; bits < 2 ** equations.length; bits += 1) {
      const set = [...equations.keys()].filter((node) => (bits >> node) % 2 === 1);
      const without = truths.map((truth, node) => (set.includes(node) ? 0 : truth));
      const isUnfounded = set.every((node) => value(equations[node]!, without, truths) === 0);
      if (isUnfounded) set.forEach((node) => unfounded.add(node));
    }
    const next = equations.map((formula, node): Value => {
      if (value(formula, truths, truths) === 1) return 1;
      return unfounded.has(node) ? 0 : (truths[node] ?? 0.5);
    });
    if (next.every((truth, node) => truth === truths[node])) return truths;
    truths = next;
  }
}

const NODES = 5;
const node = fc.nat(NODES - 1);

const { formula } = fc.letrec<{ formula: Formula }>((tie) => ({
  formula: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ kind: fc.constant('node' as const), node }),
    fc.record({
      kind: fc.constant('fact' as const),
      truth: fc.constantFrom('true' as const, 'false' as const, 'error' as const),
    }),
    fc.record({
      kind: fc.constantFrom('any' as const, 'all' as const),
      of: fc.array(tie('formula'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('butNot' as const), base: tie('formula'), subtract: node }),
  ),
}));

describe('the well-founded model', () => {
  it('is the same by alternating fixpoints and by unfounded sets', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(formula, { minLength: NODES, maxLength: NODES }), (equations) => {
        const truths = solve(equations, { names: new Set(), given: undefined });
        truths.forEach((truth) => seen.add(truth));
        const decided = { true: 1, false: 0, undefined: 0.5, error: 0.5 } as const;
        expect(truths.map((truth) => decided[truth])).toEqual(byUnfoundedSets(equations));
      }),
      { numRuns: 2000 },
    );
    expect(seen).toEqual(new Set(['true', 'false', 'undefined', 'error']));
  });
});
