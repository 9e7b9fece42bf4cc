import { PembaError } from '../errors.js';

export interface QueryLimits {
  /** Hops through usersets and parents; computed usersets are free, as in OpenFGA. */
  readonly maxDepth: number;
  /** Nodes entered plus edges looked at, over the whole query. */
  readonly maxSteps: number;
  /** For one query; overrun by what happens between two looks at the clock. */
  readonly maxMs: number;
  /** Of one evaluation of a condition, in the unit that `condition/cost.ts` defines. */
  readonly maxConditionCost: number;
  /** Nodes of an expanded userset tree. */
  readonly maxTreeNodes: number;
}

/** The clock is looked at every 1,024 steps: some tens of microseconds apart. */
const CLOCK_SHIFT = 10;

/** What one query may still spend. Overspending throws; it never turns into an answer. */
export class Budget {
  readonly limits: QueryLimits;
  readonly #clock: () => number;
  readonly #deadline: number;
  #steps = 0;

  /** `clock` is monotonic, in milliseconds. */
  constructor(limits: QueryLimits, clock: () => number) {
    this.limits = limits;
    this.#clock = clock;
    this.#deadline = clock() + limits.maxMs;
  }

  get steps(): number {
    return this.#steps;
  }

  /** `count` is more than 1 for what costs as much as so many steps. */
  step(count = 1): void {
    const before = this.#steps;
    this.#steps += count;
    if (this.#steps > this.limits.maxSteps) {
      throw new PembaError(
        'query_too_large',
        `the query needed more than ${this.limits.maxSteps} steps through the graph`,
        { facts: { maxSteps: this.limits.maxSteps } },
      );
    }
    const isTime = before >> CLOCK_SHIFT !== this.#steps >> CLOCK_SHIFT;
    if (isTime && this.expired()) {
      throw new PembaError('query_deadline', `the query took longer than ${this.limits.maxMs} ms`, {
        facts: { maxMs: this.limits.maxMs },
      });
    }
  }

  expired(): boolean {
    return this.#clock() > this.#deadline;
  }
}
