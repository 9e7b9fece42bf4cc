/**
 * Denials in random worlds: there is one where a check is not true, its reason is right in a world
 * whose conditions are all true, and what it says is missing would do. `PEMBA_SEED=<seed>` repeats a
 * run.
 */
import { describe, expect, it } from '@jest/globals';

import { PembaError } from '../../src/errors.js';
import { check } from '../../src/query/check.js';
import { explainDenial } from '../../src/query/denial.js';
import type { Denial, Explanation } from '../../src/query/denial.js';
import { reasonOf } from '../../src/query/reason.js';
import type { Model } from '../../src/schema/model.js';
import { compilePlan } from '../../src/schema/plan.js';
import { isOfTuple } from '../../src/tuple/attributes.js';
import type { RelationTuple, TupleKey } from '../../src/tuple/tuple.js';
import { printModel } from '../reference/print.js';
import type { Negation } from '../reference/models.js';
import { randomQueries } from '../reference/queries.js';
import type { Check } from '../reference/queries.js';
import { applyTo, randomWorld } from '../reference/worlds.js';
import type { GeneratedWorld } from '../reference/worlds.js';
import { SmallStore, key } from './small-store.js';

const SEED_MAX = 2 ** 31;
const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * SEED_MAX));

type Verdict = 'true' | 'false' | 'missing' | 'error';

function outcome(ask: () => boolean): Verdict {
  try {
    return ask() ? 'true' : 'false';
  } catch (error) {
    if (!(error instanceof PembaError && error.code === 'condition_failed')) throw error;
    return 'missing_parameters' in error.facts ? 'missing' : 'error';
  }
}

/** The same model, with conditions that need nothing and hold. */
const withTrueConditions = (model: Model): Model => ({
  ...model,
  conditions: new Map(
    [...model.conditions.keys()].map((name) => [
      name,
      { name, expression: 'true', parameters: {} },
    ]),
  ),
});

function leaves(denial: Denial): readonly Denial[] {
  const isBranch = denial.because === 'all_ways_fail' || denial.because === 'one_operand_fails';
  return isBranch ? denial.ways.flatMap(leaves) : [denial];
}

/** Whatever the worlds turn out to be: the counts of the rarest properties vary much. */
const LEAST = 0;

/** How often each property was put to the test. */
const NONE = {
  denied: 0,
  no_path: 0,
  condition_false: 0,
  missing_parameters: 0,
  added: 0,
  excluded: 0,
};

class Trial {
  readonly counts = { ...NONE };
  readonly #world: GeneratedWorld;
  readonly #store: SmallStore;
  readonly #unconditional: SmallStore;
  readonly #stored = new Map<string, RelationTuple>();

  constructor(world: GeneratedWorld) {
    this.#world = world;
    this.#store = new SmallStore(compilePlan(world.model), [], world.now);
    const plan = compilePlan(withTrueConditions(world.model));
    this.#unconditional = new SmallStore(plan, [], world.now);
  }

  run(): void {
    for (const [index, changes] of this.#world.steps.entries()) {
      const step = changes.filter(isOfTuple);
      this.#store.apply(step);
      this.#unconditional.apply(step);
      applyTo(this.#stored, step);
      const tuples = [...this.#stored.values()];
      const truthOf = (question: Check): 'true' | 'false' =>
        this.#verdict(this.#store, question) === 'true' ? 'true' : 'false';
      for (const each of randomQueries(this.#world, tuples, this.#world.seed + index, truthOf)) {
        if (each.kind === 'check') this.#ask(each);
      }
    }
  }

  #verdict(store: SmallStore, question: Check, asked: TupleKey = question): Verdict {
    return outcome(() => check(store.scope(question.at), asked));
  }

  #ask(question: Check): void {
    let explanation: Explanation | undefined;
    const explained = outcome(() => {
      explanation = explainDenial(this.#store.scope(question.at), question);
      return explanation === undefined;
    });
    const verdict = this.#verdict(this.#store, question);
    const wanted = verdict === 'missing' ? 'false' : verdict;
    this.#expect(question, explanation, 'denies', explained, wanted);
    if (explanation === undefined) return;
    const { reason, denial } = explanation;
    const short = reasonOf(this.#store.scope(question.at), question);
    this.#expect(question, explanation, 'in short', short?.reason, reason);
    this.counts.denied++;
    this.counts[reason]++;
    const isMissing = reason === 'missing_parameters';
    this.#expect(question, explanation, 'misses', isMissing, verdict === 'missing');
    if (!isMissing) {
      const would = this.#verdict(this.#unconditional, question) === 'true';
      this.#expect(question, explanation, 'would hold', would, reason === 'condition_false');
    }
    this.#remedies(question, explanation);
    this.#exclusions(question, explanation, denial);
  }

  /** In a monotone set whatever is said to be missing is enough, each by itself. */
  #remedies(question: Check, explanation: Explanation): void {
    const { plan, monotone } = this.#store.binding;
    const relation = plan.relation(question.object.type, question.relation);
    if (relation === undefined || !monotone.isMonotone(relation.index)) return;
    const { at } = question;
    for (const leaf of leaves(explanation.denial)) {
      if (leaf.because !== 'no_tuple') continue;
      for (const text of leaf.absent.filter((each) => !/[…\s]/.test(each))) {
        this.counts.added++;
        const contextualTuples = [...at.contextualTuples, key(text)];
        const verdict = outcome(() =>
          check(this.#store.scope({ ...at, contextualTuples }), question),
        );
        this.#expect(question, explanation, `with ${text}`, verdict, 'true');
      }
    }
  }

  #exclusions(question: Check, explanation: Explanation, denial: Denial): void {
    const { subject } = question;
    for (const leaf of leaves(denial)) {
      if (leaf.because !== 'excluded' || leaf.from === undefined) continue;
      this.counts.excluded++;
      const verdict = this.#verdict(this.#store, question, { ...leaf.from, subject });
      this.#expect(question, explanation, 'is in what excludes it', verdict, 'true');
    }
  }

  #expect(
    question: Check,
    explanation: Explanation | undefined,
    what: string,
    actual: unknown,
    wanted: unknown,
  ): void {
    if (actual === wanted) return;
    throw new Error(
      [
        `World ${this.#world.seed}, negation ${this.#world.negation}`,
        printModel(this.#world.model),
        ...[...this.#stored.values()].map((each) => JSON.stringify(each)),
        `asked: ${JSON.stringify(question)}`,
        `explained: ${JSON.stringify(explanation, undefined, 1)}`,
        `${what}: ${String(actual)} instead of ${String(wanted)}`,
      ].join('\n'),
    );
  }
}

const RUNS: readonly (readonly [Negation, number])[] = [
  ['stratified', 20],
  ['free', 20],
];

describe(`a denial (PEMBA_SEED=${seed})`, () => {
  it.each(RUNS)('is right in worlds with negation %s', (negation, worlds) => {
    const total = { ...NONE };
    for (let index = 0; index < worlds; index++) {
      const trial = new Trial(randomWorld(seed + index, negation));
      trial.run();
      for (const name of Object.keys(NONE) as (keyof typeof NONE)[]) {
        total[name] += trial.counts[name];
      }
    }
    // Nothing holds that was not put to the test.
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(LEAST);
  });
});
