/**
 * The most steps that an expression can take, for values of given extents, computed before it is
 * evaluated: nothing interrupts an evaluation.
 *
 * A step is the evaluation of one node of the expression, some 15 ns; where evaluation fails
 * inside `all` or `exists`, which carry on, up to 1 µs for the error. Functions that take longer
 * are charged accordingly (`charge.ts`). A macro costs the extent of its range times the steps of
 * its body, and both branches of `&&`, `||` count, so the bound holds whatever is short-circuited.
 *
 * Most conditions have a bound that holds for any value (`role == "admin"` compares five
 * characters at most); the caller computes it once and needs no other.
 */
import { unreachable } from '../errors.js';
import { SCALAR, UNBOUNDED, join, listExtent, times } from './extent.js';
import type { Extent } from './extent.js';
import type { Term } from './term.js';

/** Binding the variable, keeping the result, and listing the keys if the range is a map. */
const STEPS_PER_TURN = 2;

export function stepsOf(term: Term, parameters: readonly Extent[]): number {
  const meter = new Meter(parameters);
  meter.measure(term);
  return Math.ceil(meter.steps);
}

class Meter {
  steps = 0;
  readonly #parameters: readonly Extent[];
  /** Of the variables of the macros around the term at hand. */
  readonly #variables: Extent[] = [];

  constructor(parameters: readonly Extent[]) {
    this.#parameters = parameters;
  }

  /** Adds the steps of the term and returns the extent of its value. */
  measure(term: Term): Extent {
    switch (term.kind) {
      case 'literal':
        return term.extent;
      case 'parameter':
        this.steps++;
        return this.#parameters[term.index] ?? UNBOUNDED;
      case 'variable':
        this.steps++;
        return this.#variables[term.slot] ?? UNBOUNDED;
      case 'operation':
        return this.#measureOperation(term);
      case 'choice':
        return this.#measureChoice(term);
      case 'loop':
        return this.#measureLoop(term);
      default:
        return unreachable(term);
    }
  }

  #measureOperation({ charge, operands }: Term & { readonly kind: 'operation' }): Extent {
    const { steps, result } = charge(...operands.map((operand) => this.measure(operand)));
    this.steps += steps;
    return result;
  }

  #measureChoice(term: Term & { readonly kind: 'choice' }): Extent {
    this.measure(term.test);
    const before = this.steps;
    const left = this.measure(term.then);
    const afterLeft = this.steps;
    this.steps = before;
    const right = this.measure(term.else);
    this.steps = Math.max(this.steps, afterLeft) + 1;
    return join(left, right);
  }

  #measureLoop({ macro, range, slot, body }: Term & { readonly kind: 'loop' }): Extent {
    const collection = this.measure(range);
    // A string or a number is no range: the evaluation fails before the first turn.
    const turns = collection.item === undefined ? 0 : collection.length;
    const element = collection.element ?? SCALAR;
    this.#variables[slot] = element;

    // Not by subtraction: the steps so far may be infinitely many.
    const before = this.steps;
    this.steps = STEPS_PER_TURN;
    let last = SCALAR;
    for (const term of body) last = this.measure(term);
    this.steps = before + 1 + times(turns, this.steps);

    switch (macro) {
      case 'all':
      case 'exists':
      case 'exists_one':
        return SCALAR;
      case 'filter':
        return listExtent(turns, element);
      case 'map':
        return listExtent(turns, last);
      default:
        return unreachable(macro);
    }
  }
}
