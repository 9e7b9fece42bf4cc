/**
 * The verdict on "is the subject a member of this set?":
 *
 *   true       there is a derivation
 *   false      there is none
 *   undefined  the answer depends on its own negation (a cycle of tuples through `but not`)
 *   failed     a condition on the way could not be evaluated, or the way was too deep
 *
 * A verdict has `cut` when it rests on a node that is still being evaluated further up: the number
 * of the highest such node on the path. Then it is provisional (see `evaluation.ts`). Only `true`
 * never is.
 */
import { PembaError, unreachable } from '../errors.js';

export type EvaluationFailure =
  | {
      readonly kind: 'missing';
      readonly condition: string;
      readonly tuple: string;
      readonly parameters: readonly string[];
    }
  | {
      readonly kind: 'error';
      readonly condition: string;
      readonly tuple: string;
      readonly message: string;
    }
  | { readonly kind: 'too_deep'; readonly maxDepth: number };

export const SETTLED = Number.MAX_SAFE_INTEGER;

export type Verdict =
  | { readonly kind: 'true'; readonly cut: typeof SETTLED }
  | { readonly kind: 'false' | 'undefined'; readonly cut: number }
  | { readonly kind: 'failed'; readonly cut: number; readonly failure: EvaluationFailure };

export const TRUE: Verdict = { kind: 'true', cut: SETTLED };
export const FALSE: Verdict = { kind: 'false', cut: SETTLED };

export const cutOff = (kind: 'false' | 'undefined', cut: number): Verdict =>
  cut === SETTLED && kind === 'false' ? FALSE : { kind, cut };

export const failed = (failure: EvaluationFailure): Verdict => ({
  kind: 'failed',
  cut: SETTLED,
  failure,
});

/** The same verdict, resting on nothing. */
export const settled = (verdict: Verdict): Verdict =>
  verdict.kind === 'false' ? FALSE : withCut(verdict, SETTLED);

export const withCut = (verdict: Verdict, cut: number): Verdict =>
  verdict.kind === 'true' || verdict.cut === cut ? verdict : { ...verdict, cut };

/** Of two verdicts that are not decisive for their operator, the one to go on with. */
function weightier(a: Verdict, b: Verdict): Verdict {
  if (a.kind === 'failed') return a;
  if (b.kind === 'failed') return b;
  return b.kind === 'undefined' ? b : a;
}

/** `or`: true decides; else a failure outweighs undefined, which outweighs false. */
export function either(a: Verdict, b: Verdict): Verdict {
  if (a.kind === 'true') return a;
  if (b.kind === 'true') return b;
  return withCut(weightier(a, b), Math.min(a.cut, b.cut));
}

/**
 * `and`: false decides, and the false operand that rests on less decides most: it is reason enough,
 * whatever the other one rests on. Else a failure outweighs undefined.
 */
export function both(a: Verdict, b: Verdict): Verdict {
  if (a.kind === 'false' && b.kind === 'false') return a.cut < b.cut ? b : a;
  if (a.kind === 'false') return a;
  if (b.kind === 'false') return b;
  if (a.kind === 'true') return b;
  if (b.kind === 'true') return a;
  return withCut(weightier(a, b), Math.min(a.cut, b.cut));
}

/**
 * `but not`: a false base or a true subtrahend decides. A subtrahend that is false only as long as a
 * node further up is taken for false leaves the answer undefined: that node depends on it.
 */
export function except(base: Verdict, subtract: Verdict): Verdict {
  if (base.kind === 'false') return subtract.kind === 'true' ? FALSE : base;
  if (subtract.kind === 'true') return FALSE;
  const cut = Math.min(base.cut, subtract.cut);
  if (subtract.kind === 'failed') return withCut(subtract, cut);
  if (base.kind === 'failed') return withCut(base, cut);
  if (subtract === FALSE) return base;
  return cutOff('undefined', cut);
}

/** Undefined counts as "not allowed"; a failure is thrown. */
export function decide(verdict: Verdict): boolean {
  switch (verdict.kind) {
    case 'true':
      return true;
    case 'false':
    case 'undefined':
      return false;
    case 'failed':
      throw failureError(verdict.failure);
    default:
      return unreachable(verdict);
  }
}

export function failureError(failure: EvaluationFailure): PembaError {
  switch (failure.kind) {
    case 'missing': {
      const { condition, tuple, parameters } = failure;
      return new PembaError(
        'condition_failed',
        `${evaluationOf(condition, tuple)} is missing context parameters ` +
          `'[${parameters.join(' ')}]'`,
        { facts: { condition, tuple, missing_parameters: parameters } },
      );
    }
    case 'error': {
      const { condition, tuple, message } = failure;
      return new PembaError('condition_failed', `${evaluationOf(condition, tuple)}: ${message}`, {
        facts: { condition, tuple },
      });
    }
    case 'too_deep':
      return new PembaError(
        'query_too_deep',
        'Authorization Model resolution required too many rewrite rules to be resolved. ' +
          'Check your authorization model for infinite recursion or too much nesting',
        { facts: { maxDepth: failure.maxDepth } },
      );
  }
}

const evaluationOf = (condition: string, tuple: string): string =>
  `failed to evaluate relationship condition: '${condition}' - tuple '${tuple}'`;
