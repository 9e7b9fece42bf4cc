/**
 * Proofs in random worlds: there is one where a check is true and nowhere else, it needs no other
 * tuple than its own, and it holds for as long as it says. `PEMBA_SEED=<seed>` repeats a run.
 */
import { describe, expect, it } from '@jest/globals';

import { PembaError } from '../../src/errors.js';
import { check } from '../../src/query/check.js';
import { prove } from '../../src/query/explain.js';
import type { Proof } from '../../src/query/explain.js';
import { Question } from '../../src/query/question.js';
import { flowKind } from '../../src/schema/flows.js';
import { compilePlan } from '../../src/schema/plan.js';
import { isOfTuple } from '../../src/tuple/attributes.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple, TupleChange, TupleKey } from '../../src/tuple/tuple.js';
import { printModel } from '../reference/print.js';
import type { Negation } from '../reference/models.js';
import { randomQueries } from '../reference/queries.js';
import type { Check } from '../reference/queries.js';
import { applyTo, randomWorld } from '../reference/worlds.js';
import type { GeneratedWorld } from '../reference/worlds.js';
import { SmallStore } from './small-store.js';

const SEED_MAX = 2 ** 31;
const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * SEED_MAX));

type Verdict = 'true' | 'false' | 'error' | 'too deep';

function outcome(ask: () => boolean): Verdict {
  try {
    return ask() ? 'true' : 'false';
  } catch (error) {
    if (error instanceof PembaError && error.code === 'condition_failed') return 'error';
    if (error instanceof PembaError && error.code === 'query_too_deep') return 'too deep';
    throw error;
  }
}

interface Proven {
  readonly question: Check;
  readonly proof: Proof;
}

/** Most derivations in small worlds are no deeper. */
const DEPTHS = 4;

/** Whatever the worlds turn out to be: the counts of the rarest properties vary much. */
const LEAST = 0;

/** How often each property was put to the test. */
const NONE = { asked: 0, proven: 0, alone: 0, outside: 0, untouched: 0, shallow: 0 };

class Trial {
  readonly counts = { ...NONE };
  readonly #world: GeneratedWorld;
  readonly #store: SmallStore;
  readonly #stored = new Map<string, RelationTuple>();

  constructor(world: GeneratedWorld) {
    this.#world = world;
    this.#store = new SmallStore(compilePlan(world.model), [], world.now);
  }

  run(): void {
    let proven: readonly Proven[] = [];
    for (const [index, changes] of this.#world.steps.entries()) {
      const step = changes.filter(isOfTuple);
      const before = new Map(this.#stored);
      this.#store.apply(step);
      applyTo(this.#stored, step);
      for (const each of proven) this.#stays(each, step, before);
      const questions = randomQueries(
        this.#world,
        [...this.#stored.values()],
        this.#world.seed + index,
        (question) =>
          this.#verdict(this.#store, question, question) === 'true' ? 'true' : 'false',
      );
      proven = questions.flatMap((each) => (each.kind === 'check' ? this.#ask(each) : []));
    }
  }

  #verdict(store: SmallStore, { at }: Check, asked: TupleKey): Verdict {
    return outcome(() => check(store.scope(at), asked));
  }

  #ask(question: Check): readonly Proven[] {
    this.counts.asked++;
    let proof: Proof | undefined;
    const proved = outcome(() => {
      proof = prove(this.#store.scope(question.at), question);
      return proof !== undefined;
    });
    this.#expect(
      question,
      proof,
      'is there',
      proved,
      this.#verdict(this.#store, question, question),
    );
    if (proof === undefined) return [];
    this.counts.proven++;
    this.#isOfStored(question, proof);
    this.#grantsAlone(question, proof);
    this.#agreesAtEveryDepth(question, proof);
    return [{ question, proof }];
  }

  #isOfStored(question: Check, proof: Proof): void {
    const contextual = new Set(question.at.contextualTuples.map(formatTupleKey));
    const names = proof.tuples.map(formatTupleKey);
    const stored = names.map((name) => this.#stored.get(name));
    const isStored = stored.every((each) => each !== undefined);
    const isContextual = names.some((name) => contextual.has(name));
    this.#expect(question, proof, 'is stored', isStored && !isContextual, true);
    this.#expect(question, proof, 'names each once', new Set(names).size, names.length);
    const expiries = stored.flatMap((each) => each?.expiresAt ?? []);
    const first = expiries.length === 0 ? undefined : Math.min(...expiries);
    this.#expect(question, proof, 'expires', proof.expiresAt, first);
  }

  #grantsAlone(question: Check, proof: Proof): void {
    const tuples = proof.tuples.flatMap((each) => this.#stored.get(formatTupleKey(each)) ?? []);
    const alone = new SmallStore(this.#store.binding.plan, tuples, this.#world.now);
    // By the verdict: a check says no to what hangs on its own negation, and that is not out of it.
    const isIn = (store: SmallStore): boolean =>
      proof.absences.some((each) => {
        const asked = { ...each, subject: question.subject };
        return new Question(store.scope(question.at), asked).verdict().kind !== 'false';
      });
    this.#expect(question, proof, 'is broken now', isIn(this.#store), false);
    if (isIn(alone)) return;
    if (proof.absences.length > 0) this.counts.outside++;
    this.counts.alone++;
    this.#expect(question, proof, 'grants alone', this.#verdict(alone, question, question), 'true');
  }

  #agreesAtEveryDepth(question: Check, proof: Proof): void {
    for (let maxDepth = 1; maxDepth <= DEPTHS; maxDepth++) {
      const at = { ...question.at, limits: { maxDepth } };
      const checked = outcome(() => check(this.#store.scope(at), question));
      if (checked === 'true') this.counts.shallow++;
      const proved = outcome(() => prove(this.#store.scope(at), question) !== undefined);
      this.#expect(question, proof, `is there at depth ${maxDepth}`, proved, checked);
    }
  }

  #stays(
    { question, proof }: Proven,
    step: readonly TupleChange[],
    before: ReadonlyMap<string, RelationTuple>,
  ): void {
    const own = new Set(proof.tuples.map(formatTupleKey));
    const { added, removed } = proof.brokenBy;
    const isTouched = step.some((change) => {
      const name = formatTupleKey(change.tuple);
      const kind = flowKind(change.tuple.object.type, change.tuple.relation);
      const takes = change.operation === 'delete' || before.has(name);
      const gives = change.operation === 'write';
      return (takes && (own.has(name) || removed.has(kind))) || (gives && added.has(kind));
    });
    if (isTouched) return;
    this.counts.untouched++;
    const verdict = this.#verdict(this.#store, question, question);
    this.#expect(question, proof, 'stays, untouched', verdict, 'true');
  }

  #expect(
    question: Check,
    proof: Proof | undefined,
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
        `proof: ${JSON.stringify(proof)}`,
        `${what}: ${String(actual)} instead of ${String(wanted)}`,
      ].join('\n'),
    );
  }
}

const RUNS: readonly (readonly [Negation, number])[] = [
  ['stratified', 25],
  ['free', 25],
];

describe(`a proof (PEMBA_SEED=${seed})`, () => {
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
