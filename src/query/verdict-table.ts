/**
 * The verdicts of one evaluation, and the sets it is at. `evaluation.ts` tells what provisional
 * verdicts are and when they are forgotten or settled; this is where it is done.
 */
import type { Budget } from './budget.js';
import { FALSE, settled, withCut } from './truth.js';
import type { Verdict } from './truth.js';

export interface Known {
  readonly verdict: Verdict;
  readonly depth: number;
}

export class VerdictTable {
  readonly #known = new Map<number, Known>();
  /** Sets being evaluated, by their place on the path. */
  readonly #path = new Map<number, number>();
  /** Keys of `#known` whose verdict has a `cut`, in the order they were made. */
  readonly #provisional: number[] = [];
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get pathLength(): number {
    return this.#path.size;
  }

  known(key: number): Known | undefined {
    return this.#known.get(key);
  }

  /** On the path, or undefined. */
  place(key: number): number | undefined {
    return this.#path.get(key);
  }

  /** Keeps the verdict that `evaluate` comes to while the set is on the path. */
  fill(key: number, depth: number, evaluate: () => Verdict): Verdict {
    const place = this.#path.size;
    const firstUnder = this.#provisional.length;
    this.#path.set(key, place);
    const found = evaluate();
    this.#path.delete(key);
    if (found.cut < place) {
      if (found.kind === 'false') this.#lower(firstUnder, found.cut);
      else this.#forget(firstUnder);
      this.#known.set(key, { verdict: found, depth });
      this.#provisional.push(key);
      return found;
    }
    const verdict = settled(found);
    if (verdict === FALSE) this.#settle(firstUnder, place);
    else this.#forget(firstUnder);
    this.#known.set(key, { verdict, depth });
    return verdict;
  }

  /** What rests on a set that is false for now rests on whatever that one rests on. */
  #lower(firstUnder: number, cut: number): void {
    for (const key of this.#provisional.slice(firstUnder)) {
      this.#budget.step();
      const known = this.#known.get(key);
      if (known === undefined || known.verdict.cut <= cut) continue;
      this.#known.set(key, { ...known, verdict: withCut(known.verdict, cut) });
    }
  }

  #forget(firstUnder: number): void {
    for (const key of this.#provisional.splice(firstUnder)) this.#known.delete(key);
  }

  /**
   * What had taken the settled set for false took it rightly. A set that is false but rests on one
   * further up, which did not matter here, goes on being provisional; one that is undefined or
   * failed only for resting on the settled set may come to more now.
   */
  #settle(firstUnder: number, place: number): void {
    for (const key of this.#provisional.splice(firstUnder)) {
      const known = this.#known.get(key);
      if (known === undefined) continue;
      if (known.verdict.kind !== 'false') this.#known.delete(key);
      else if (known.verdict.cut < place) this.#provisional.push(key);
      else this.#known.set(key, { ...known, verdict: FALSE });
    }
  }
}
