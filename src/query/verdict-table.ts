/**
 * The verdicts of one evaluation, and the sets it is at. `evaluation.ts` tells what provisional
 * verdicts are and when they are forgotten or settled; this is where it is done.
 */
import type { Node } from '../graph/reader.js';
import type { RelationIndex } from '../schema/plan.js';
import type { Budget } from './budget.js';
import { FALSE, SETTLED, settled, withCut } from './truth.js';
import type { Verdict } from './truth.js';

interface Known {
  readonly verdict: Verdict;
  readonly depth: number;
}

export class VerdictTable {
  readonly #known = new Map<number, Known>();
  /** Sets being evaluated, by their place on the path. */
  readonly #path = new Map<number, number>();
  /** Keys of `#known` whose verdict has a `cut`, or had one, in the order they were made. */
  readonly #provisional: number[] = [];
  readonly #budget: Budget;
  readonly #relationCount: number;

  constructor(budget: Budget, relationCount: number) {
    this.#budget = budget;
    this.#relationCount = relationCount;
  }

  get pathLength(): number {
    return this.#path.size;
  }

  key(object: Node, relation: RelationIndex): number {
    return object * this.#relationCount + relation;
  }

  /** The set's verdict, unless it was given up as too deep and is now met on a shorter way. */
  known(key: number, depth: number): Verdict | undefined {
    const known = this.#known.get(key);
    return known === undefined || couldGoDeeper(known, depth) ? undefined : known.verdict;
  }

  settled(key: number, depth: number): Verdict | undefined {
    const verdict = this.known(key, depth);
    return verdict?.cut === SETTLED ? verdict : undefined;
  }

  /** On the path, or undefined. */
  place(key: number): number | undefined {
    return this.#path.get(key);
  }

  /** Keeps a settled verdict, also of a set on the path. */
  keep(key: number, verdict: Verdict, depth: number): void {
    this.#known.set(key, { verdict, depth });
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
      const known = this.#provisionally(key);
      if (known === undefined || known.verdict.cut <= cut) continue;
      this.#known.set(key, { ...known, verdict: withCut(known.verdict, cut) });
    }
  }

  #forget(firstUnder: number): void {
    for (const key of this.#provisional.splice(firstUnder)) {
      if (this.#provisionally(key) !== undefined) this.#known.delete(key);
    }
  }

  /**
   * What had taken the settled set for false took it rightly. A set that is false but rests on one
   * further up, which did not matter here, goes on being provisional; one that failed while resting
   * on the settled set is made again.
   */
  #settle(firstUnder: number, place: number): void {
    for (const key of this.#provisional.splice(firstUnder)) {
      const known = this.#provisionally(key);
      if (known === undefined) continue;
      if (known.verdict.kind !== 'false') this.#known.delete(key);
      else if (known.verdict.cut < place) this.#provisional.push(key);
      else this.#known.set(key, { ...known, verdict: FALSE });
    }
  }

  /** The grounding may have settled what was provisional. */
  #provisionally(key: number): Known | undefined {
    const known = this.#known.get(key);
    return known?.verdict.cut === SETTLED ? undefined : known;
  }
}

/** A set that was given up as too deep may be within reach by a shorter way. */
function couldGoDeeper({ verdict, depth }: Known, depthNow: number): boolean {
  return verdict.kind === 'failed' && verdict.failure.kind === 'too_deep' && depthNow < depth;
}
