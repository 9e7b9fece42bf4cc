/**
 * The well-founded model of a system of equations `node = formula`, by the alternating fixpoint.
 *
 * Four truths. `true` and `false` are settled. `error` is a fact that could not be established (a
 * condition without its parameters): it might be either, so it decides nothing. `undefined` is a
 * node whose truth hangs on its own negation (`p = q but not p`); likewise it decides nothing.
 * Where both would do, `error` wins.
 *
 *   any      true if one is; else error if one is; else undefined if one is; else false
 *   all      false if one is; else error if one is; else undefined if one is; else true
 *   but not  all of the base and the negated subtract; error and undefined are their own negation
 *
 * Nodes that support only one another, without a negation between, are false (least fixpoint).
 *
 * The computation keeps two sets: `sure`, nodes that are true whatever the undecided turn out to
 * be, and `possible`, nodes that may be. Each is the least fixpoint of the equations with negated
 * nodes read from the other set, and errors read as false for `sure`, as true for `possible`. From
 * `sure` empty they close in on each other until `sure` stays. What is possible but not sure is
 * undecided: `error` if an error reaches it, else `undefined`.
 *
 * A subtract is always a node of its own, never a formula in place, so that `a but not (b but not
 * c)` means what it means when the parenthesis is given a name.
 */
export type Truth = 'true' | 'false' | 'undefined' | 'error';

export type Formula =
  | { readonly kind: 'fact'; readonly truth: Truth }
  /** True for the subjects that answer to this text. */
  | { readonly kind: 'subject'; readonly text: string }
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'any' | 'all'; readonly of: readonly Formula[] }
  | { readonly kind: 'butNot'; readonly base: Formula; readonly subtract: number };

export interface Question {
  /** The texts that the subject answers to. */
  readonly names: ReadonlySet<string>;
  /** A node that is true by itself. */
  readonly given: number | undefined;
}

/** The truth of every node; node `i` is defined by `equations[i]`. */
export function solve(equations: readonly Formula[], question: Question): readonly Truth[] {
  let sure: readonly boolean[] = equations.map(() => false);
  for (;;) {
    const possible = leastFixpoint(equations, question, { negated: sure, error: true });
    const surer = leastFixpoint(equations, question, { negated: possible, error: false });
    if (surer.every((value, node) => value === sure[node])) {
      return separateErrors(equations, question, sure, possible);
    }
    sure = surer;
  }
}

interface Reading {
  /** Where negated nodes are looked up. */
  readonly negated: readonly boolean[];
  /** What an error (or an undefined fact) counts as. */
  readonly error: boolean;
}

function leastFixpoint(
  equations: readonly Formula[],
  question: Question,
  reading: Reading,
): readonly boolean[] {
  const holds = equations.map((_, node) => node === question.given);
  let grew = true;
  while (grew) {
    grew = false;
    equations.forEach((formula, node) => {
      if (holds[node] === true || !follows(formula, holds, question, reading)) return;
      holds[node] = true;
      grew = true;
    });
  }
  return holds;
}

function follows(
  formula: Formula,
  holds: readonly boolean[],
  question: Question,
  reading: Reading,
): boolean {
  switch (formula.kind) {
    case 'fact':
      return formula.truth === 'true' || (formula.truth !== 'false' && reading.error);
    case 'subject':
      return question.names.has(formula.text);
    case 'node':
      return holds[formula.node] === true;
    case 'any':
      return formula.of.some((each) => follows(each, holds, question, reading));
    case 'all':
      return formula.of.every((each) => follows(each, holds, question, reading));
    case 'butNot':
      return (
        reading.negated[formula.subtract] !== true &&
        follows(formula.base, holds, question, reading)
      );
  }
}

/** Of the undecided nodes, those that an error reaches are errors. */
function separateErrors(
  equations: readonly Formula[],
  question: Question,
  sure: readonly boolean[],
  possible: readonly boolean[],
): readonly Truth[] {
  const truths = equations.map((_, node): Truth => {
    if (sure[node] === true) return 'true';
    return possible[node] === true ? 'undefined' : 'false';
  });
  let grew = true;
  while (grew) {
    grew = false;
    equations.forEach((formula, node) => {
      if (truths[node] !== 'undefined') return;
      if (truthOf(formula, truths, question) !== 'error') return;
      truths[node] = 'error';
      grew = true;
    });
  }
  return truths;
}

/** What a formula is worth when its nodes are worth `truths`. */
export function truthOf(formula: Formula, truths: readonly Truth[], question: Question): Truth {
  switch (formula.kind) {
    case 'fact':
      return formula.truth;
    case 'subject':
      return question.names.has(formula.text) ? 'true' : 'false';
    case 'node':
      return truths[formula.node] ?? 'false';
    case 'any':
      return strongest(
        formula.of.map((each) => truthOf(each, truths, question)),
        ['true', 'error', 'undefined', 'false'],
      );
    case 'all':
      return strongest(
        formula.of.map((each) => truthOf(each, truths, question)),
        ['false', 'error', 'undefined', 'true'],
      );
    case 'butNot':
      return strongest(
        [truthOf(formula.base, truths, question), negation(truths[formula.subtract] ?? 'false')],
        ['false', 'error', 'undefined', 'true'],
      );
  }
}

/** The first of the order that is among the truths; of none, the last of the order. */
function strongest(truths: readonly Truth[], order: readonly [Truth, Truth, Truth, Truth]): Truth {
  return order.find((truth) => truths.includes(truth)) ?? order[3];
}

function negation(truth: Truth): Truth {
  if (truth === 'true') return 'false';
  return truth === 'false' ? 'true' : truth;
}
