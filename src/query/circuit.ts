/**
 * The well-founded model of equations between sets, by the alternating fixpoint. The equations are
 * gates: `any`, `all` and `not` over other gates, and constants.
 *
 * Two sets of gates close in on each other. `sure` holds what is true whatever the undecided turn
 * out to be, `possible` what may be true. Each is the least fixpoint in which a `not` is read from
 * the other set and what is undefined or failed counts as false for `sure`, as true for `possible`.
 * From `sure` empty they are made in turn until `sure` stays. What is possible and not sure is
 * failed if a failure reaches it over undecided gates, else undefined.
 *
 * A fixpoint takes time linear in the wires: a gate counts the inputs that it still waits for. There
 * are as many as truths follow from one another over negations, and the budget pays for each.
 */
import type { Budget } from './budget.js';
import { FALSE, TRUE, UNDEFINED, failed } from './truth.js';
import type { EvaluationFailure, Verdict } from './truth.js';

export type Gate = number;

type GateSet = Uint8Array;

export class Circuit {
  /** By gate: how many of its inputs must be true for it to be; never, for constants and `not`. */
  readonly #needs: number[] = [];
  /** By gate: the `any` and `all` gates that it is an input of. */
  readonly #feeds: Gate[][] = [];
  readonly #constants: { readonly gate: Gate; readonly verdict: Verdict }[] = [];
  readonly #negations: { readonly gate: Gate; readonly of: Gate }[] = [];
  readonly #budget: Budget;
  #sure: GateSet = new Uint8Array(0);
  #possible: GateSet = new Uint8Array(0);
  readonly #failures = new Map<Gate, EvaluationFailure>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** `verdict` is settled. */
  constant(verdict: Verdict): Gate {
    const gate = this.#add(Infinity);
    if (verdict !== FALSE) this.#constants.push({ gate, verdict });
    return gate;
  }

  /** An `any` gate, so far of nothing: `feed` gives it inputs. */
  any(): Gate {
    return this.#add(1);
  }

  all(inputs: readonly Gate[]): Gate {
    const gate = this.#add(inputs.length);
    for (const input of inputs) this.feed(gate, input);
    return gate;
  }

  not(of: Gate): Gate {
    const gate = this.#add(Infinity);
    this.#negations.push({ gate, of });
    return gate;
  }

  feed(gate: Gate, input: Gate): void {
    this.#feeds[input]?.push(gate);
  }

  solve(): void {
    this.#sure = new Uint8Array(this.#needs.length);
    for (;;) {
      this.#possible = this.#leastFixpoint(this.#sure, true);
      const surer = this.#leastFixpoint(this.#possible, false);
      if (this.#negations.every(({ of }) => surer[of] === this.#sure[of])) {
        this.#sure = surer;
        break;
      }
      this.#sure = surer;
    }
    this.#spreadFailures();
  }

  /** After `solve`. */
  verdict(gate: Gate): Verdict {
    if (this.#sure[gate] === 1) return TRUE;
    if (this.#possible[gate] !== 1) return FALSE;
    const failure = this.#failures.get(gate);
    return failure === undefined ? UNDEFINED : failed(failure);
  }

  #add(needs: number): Gate {
    this.#needs.push(needs);
    this.#feeds.push([]);
    return this.#needs.length - 1;
  }

  #leastFixpoint(negated: GateSet, uncertain: boolean): GateSet {
    const waits = this.#needs.slice();
    const holds: GateSet = new Uint8Array(waits.length);
    const found: Gate[] = [];
    const raise = (gate: Gate): void => {
      if (holds[gate] === 1) return;
      holds[gate] = 1;
      found.push(gate);
    };
    for (const { gate, verdict } of this.#constants) {
      if (uncertain || verdict.kind === 'true') raise(gate);
    }
    for (const { gate, of } of this.#negations) if (negated[of] !== 1) raise(gate);
    this.#budget.step(this.#constants.length + this.#negations.length);
    for (let gate = found.pop(); gate !== undefined; gate = found.pop()) {
      const fed = this.#feeds[gate] ?? [];
      this.#budget.step(1 + fed.length);
      for (const next of fed) {
        const left = (waits[next] ?? 0) - 1;
        waits[next] = left;
        if (left <= 0) raise(next);
      }
    }
    return holds;
  }

  /** A way that was too deep first: whatever it reaches may be decided by a shorter one. */
  #spreadFailures(): void {
    const negationsOf = new Map<Gate, Gate[]>();
    for (const { gate, of } of this.#negations) {
      negationsOf.set(of, [...(negationsOf.get(of) ?? []), gate]);
    }
    const spread = (from: Gate, failure: EvaluationFailure): void => {
      const reached = [from];
      for (let gate = reached.pop(); gate !== undefined; gate = reached.pop()) {
        if (this.#failures.has(gate) || this.#isDecided(gate)) continue;
        this.#failures.set(gate, failure);
        const fed = this.#feeds[gate] ?? [];
        this.#budget.step(1 + fed.length);
        for (const next of fed) reached.push(next);
        for (const next of negationsOf.get(gate) ?? []) reached.push(next);
      }
    };
    for (const isTooDeep of [true, false]) {
      for (const { gate, verdict } of this.#constants) {
        if (verdict.kind !== 'failed') continue;
        if ((verdict.failure.kind === 'too_deep') === isTooDeep) spread(gate, verdict.failure);
      }
    }
  }

  #isDecided(gate: Gate): boolean {
    return this.#sure[gate] === this.#possible[gate];
  }
}
