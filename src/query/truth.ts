/**
 * The verdict on "is the subject a member of this set?":
 *
 *   true       there is a derivation
 *   false      there is none
 *   undefined  the answer depends on its own negation (a cycle of tuples through `but not`)
 *   failed     a condition on the way could not be evaluated, or the way was too deep
 *
 * A verdict has `cut` when it rests on a set that is still being evaluated further up and was taken
 * for false: the number of the highest such set on the path. Then it is provisional (see
 * `evaluation.ts`). Only false and failed can be.
 *
 * An expression may come to no verdict: it is `unresolved` when it negates something provisional, or
 * when something provisional and something undefined meet and neither decides. The set that it
 * defines is then left to `grounding.ts`.
 */
import type { End } from '../condition/entities.js';
import { PembaError, unreachable } from '../errors.js';

export type EvaluationFailure =
  | {
      readonly kind: 'missing';
      readonly condition: string;
      readonly tuple: string;
      readonly parameters: readonly string[];
      /** Where nothing is missing but attributes of this end. */
      readonly lacking?: End;
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
  | { readonly kind: 'true' | 'undefined'; readonly cut: typeof SETTLED }
  | { readonly kind: 'false'; readonly cut: number }
  | { readonly kind: 'failed'; readonly cut: number; readonly failure: EvaluationFailure };

/** What an expression comes to. */
export type Finding = Verdict | { readonly kind: 'unresolved'; readonly cut: typeof SETTLED };

export const TRUE: Verdict = { kind: 'true', cut: SETTLED };
export const FALSE: Verdict = { kind: 'false', cut: SETTLED };
export const UNDEFINED: Verdict = { kind: 'undefined', cut: SETTLED };
const UNRESOLVED: Finding = { kind: 'unresolved', cut: SETTLED };

/** False as long as the set at a place on the path is. */
export const falseAt = (cut: number): Verdict => ({ kind: 'false', cut });

export const failed = (failure: EvaluationFailure): Verdict => ({
  kind: 'failed',
  cut: SETTLED,
  failure,
});

/** The same verdict, resting on nothing. */
export const settled = (verdict: Verdict): Verdict =>
  verdict.kind === 'false' ? FALSE : withCut(verdict, SETTLED);

export function withCut(verdict: Verdict, cut: number): Verdict {
  if (verdict.kind === 'true' || verdict.kind === 'undefined') return verdict;
  return verdict.cut === cut ? verdict : { ...verdict, cut };
}

/** Of two findings that are not decisive for their operator, the one to go on with. */
function weightier(a: Finding, b: Finding): Finding {
  if (a.kind === 'unresolved' || b.kind === 'unresolved') return UNRESOLVED;
  const cut = Math.min(a.cut, b.cut);
  if (a.kind === 'failed' && !(b.kind === 'failed' && isLacking(a))) return withCut(a, cut);
  if (b.kind === 'failed') return withCut(b, cut);
  if (a.kind !== 'undefined' && b.kind !== 'undefined') return withCut(b, cut);
  return cut === SETTLED ? UNDEFINED : UNRESOLVED;
}

/** Passed over by lists, so it must not stand before a failure that is not. */
const isLacking = ({ failure }: Verdict & { readonly kind: 'failed' }): boolean =>
  failure.kind === 'missing' && failure.lacking !== undefined;

/** The verdict for a list whose candidates are the end: who lacks an attribute is not in it. */
export const unlessLacking = (verdict: Verdict, end: End): Verdict =>
  verdict.kind === 'failed' && verdict.failure.kind === 'missing' && verdict.failure.lacking === end
    ? FALSE
    : verdict;

/** `or`: true decides; else a failure outweighs undefined, which outweighs false. */
export function either(a: Finding, b: Finding): Finding {
  if (a.kind === 'true') return a;
  if (b.kind === 'true') return b;
  return weightier(a, b);
}

/**
 * `and`: false decides, and the false operand that rests on less decides most: it is reason enough,
 * whatever the other one rests on. Else a failure outweighs undefined.
 */
export function both(a: Finding, b: Finding): Finding {
  if (a.kind === 'false' && b.kind === 'false') return a.cut < b.cut ? b : a;
  if (a.kind === 'false') return a;
  if (b.kind === 'false') return b;
  if (a.kind === 'true') return b;
  if (b.kind === 'true') return a;
  return weightier(a, b);
}

/** `but not`: a false base or a true subtrahend decides. Else only what is settled can be negated. */
export function except(base: Finding, subtract: Finding): Finding {
  if (base.kind === 'false') return subtract.kind === 'true' ? FALSE : base;
  if (subtract.kind === 'true') return FALSE;
  if (subtract.kind === 'unresolved' || subtract.cut !== SETTLED) return UNRESOLVED;
  if (subtract.kind === 'false' || base.kind === 'unresolved') return base;
  return base.kind === 'true' ? subtract : weightier(base, subtract);
}

/** Throws what is no failure of a condition. */
export function certainly(verdict: Verdict): Verdict {
  if (verdict.kind === 'failed' && verdict.failure.kind === 'too_deep') decide(verdict);
  return verdict;
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
