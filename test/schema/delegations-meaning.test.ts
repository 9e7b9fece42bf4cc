/**
 * Implications against the evaluator: in random worlds, whatever a user has only because a service
 * acts for her follows from an implication, or from what is told as hidden.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OverlayGraph } from '../../src/graph/overlay.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { Binding } from '../../src/query/binding.js';
import { Budget } from '../../src/query/budget.js';
import { check } from '../../src/query/check.js';
import { delegationProblems } from '../../src/schema/delegation-problems.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { implicationsOf } from '../../src/schema/implications.js';
import { compilePlan } from '../../src/schema/plan.js';
import type { Plan } from '../../src/schema/plan.js';
import { Reach } from '../../src/schema/reach.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { tuple } from '../support/storage.js';

const RULES = ['r0', 'r1', 'r2', 'r3'];

/** A rule may speak of those before it, and of all of another item. */
const ruleOf = (index: number): fc.Arbitrary<string> => {
  const leaf = fc.constantFrom(
    ...['staff', 'blocked', 'acting_for from seller', 'acting_for from seller'],
    ...RULES.slice(0, index),
    ...RULES.map((name) => `${name} from parent`),
  );
  const { node } = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc
        .tuple(tie('node'), fc.constantFrom('or', 'and', 'but not'), tie('node'))
        .map(([left, operator, right]) => `((${left}) ${operator} (${right}))`),
    ),
  }));
  // Somebody can have each, or the model would not be valid.
  return node.map((text) => `staff or (${text})`);
};

const modelOf = (rules: readonly string[]): Plan =>
  compilePlan(
    modelFromDsl(`model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type item
  relations
    define parent: [item]
    define seller: [service]
    define staff: [user]
    define blocked: [user]
${rules.map((rule, i) => `    define ${RULES[i]!}: ${rule}`).join('\n')}
`).model,
  );

const ITEMS = ['item:1', 'item:2', 'item:3'];
const ACTS = tuple('service:orders#acting_for@user:anne');
const world = fc.subarray(
  ITEMS.flatMap((item) => [
    `${item}#seller@service:orders`,
    `${item}#staff@user:anne`,
    `${item}#blocked@user:anne`,
    ...ITEMS.map((other) => `${item}#parent@${other}`),
  ]),
);

/** `item:1#r0` for all that the user has. */
function rightsOf(
  plan: Plan,
  tuples: readonly string[],
  acting: readonly RelationTuple[],
): ReadonlySet<string> {
  const graph = new ResidentGraph(asRevision(0));
  for (const text of tuples) graph.load(tuple(text));
  const limits = { maxDepth: 25, maxSteps: 1e6, maxMs: 1e6, maxConditionCost: 1, maxTreeNodes: 1 };
  const scope = {
    binding: new Binding(plan, graph.kinds),
    graph: new OverlayGraph(graph, graph.kinds, acting),
    context: {},
    now: 0,
  };
  const asked = ITEMS.flatMap((item) => RULES.map((rule) => `${item}#${rule}`));
  return new Set(
    asked.filter((set) =>
      check({ ...scope, budget: new Budget(limits, () => 0) }, tuple(`${set}@user:anne`)),
    ),
  );
}

describe('what follows from acting for a user', () => {
  it('follows from an implication, or is told as hidden', () => {
    let gained = 0;
    fc.assert(
      fc.property(fc.tuple(...RULES.map((_, i) => ruleOf(i))), world, (rules, tuples) => {
        const plan = modelOf(rules);
        const reach = new Reach(plan);
        const problems = delegationProblems(plan, reach);
        if (problems.some(({ kind }) => kind === 'hidden')) return;
        const before = rightsOf(plan, tuples, []);
        const { list } = implicationsOf(plan.model);
        for (const right of rightsOf(plan, tuples, [ACTS])) {
          if (before.has(right)) continue;
          gained += 1;
          const target = plan.relation('item', right.split('#')[1]!)!.index;
          const sources = list.filter(
            ({ type, relation }) => reach.reachedFrom(type, relation)[target] === 1,
          );
          expect([right, sources]).not.toEqual([right, []]);
        }
      }),
      { numRuns: 250 },
    );
    expect(gained).toBeGreaterThan(20);
  });
});
