/**
 * The decision on one question. In this order, and each only where all before it permit:
 *
 *   the relation that the action stands for        or, of a service that acts for the subject, what
 *                                                  `delegation/decide.ts` makes of it
 *   the relation that the type's `forbidden` names  vetoes; so does a veto that cannot be evaluated
 *   the obligations of the relation                 deny where the enforcement point does not say
 *                                                  that it can meet them: it would let pass otherwise
 *
 * A condition that lacks a property, or cannot do with the one it gets, does not hold.
 */
import type { Acting } from '../../delegation/decide.js';
import { authorityScope, judge as judgeDelegated } from '../../delegation/decide.js';
import type { Engine } from '../../operations/engine.js';
import { scopeOf } from '../../operations/resolve.js';
import type { Circumstances, Resolved } from '../../operations/resolve.js';
import { PembaError } from '../../errors.js';
import { Question } from '../../query/question.js';
import { reasonOf } from '../../query/reason.js';
import { certainly } from '../../query/truth.js';
import type { Obligation } from '../../schema/authzen-mapping.js';
import type { TupleKey } from '../../tuple/tuple.js';
import { canMeet } from './circumstances.js';
import type { Wanted } from './circumstances.js';

export type ReasonCode =
  | 'granted'
  | 'no_path'
  | 'condition_false'
  | 'missing_parameters'
  | 'condition_failed'
  | 'ceiling'
  | 'chain'
  | 'forbidden'
  | 'unmet_obligations';

export interface Judgement {
  readonly permits: boolean;
  readonly reason: ReasonCode;
  /** What conditions lacked. */
  readonly parameters: readonly string[];
  readonly obligations: readonly Obligation[];
}

export interface Asked extends Circumstances {
  readonly key: TupleKey;
}

interface Found {
  readonly reason: ReasonCode;
  readonly parameters: readonly string[];
}

const found = (reason: ReasonCode, parameters: readonly string[] = []): Found => ({
  reason,
  parameters,
});
const GRANTED = found('granted');
const DENIED = found('no_path');
const FORBIDDEN = found('forbidden');

export interface JudgedQuestion {
  readonly asked: Asked;
  /** Who acts for the subject, if it does not by itself. */
  readonly acting: Acting | undefined;
  readonly wanted: Wanted;
}

export function judge(engine: Engine, resolved: Resolved, question: JudgedQuestion): Judgement {
  const { asked, wanted } = question;
  const { object, relation } = asked.key;
  const { reason, parameters } = reasonFor(engine, resolved, question);
  const on = reason === 'granted' ? 'permit' : 'deny';
  const obligations = resolved.authzen.obligationsOf(object.type, relation, on);
  if (reason !== 'granted') return { permits: false, reason, parameters, obligations };
  const permits = canMeet(obligations, wanted);
  return { permits, reason: permits ? reason : 'unmet_obligations', parameters, obligations };
}

function reasonFor(
  engine: Engine,
  resolved: Resolved,
  { asked, acting, wanted }: JudgedQuestion,
): Found {
  if (acting === undefined) {
    const question = new Question(scopeOf(engine, resolved, asked), asked.key);
    const outcome = direct(question, wanted.explain);
    return outcome === GRANTED && isVetoed(resolved, question) ? FORBIDDEN : outcome;
  }
  const outcome = delegated(engine, resolved, acting, asked);
  if (outcome.reason !== 'granted') return outcome;
  const scope = authorityScope(engine, resolved, acting, asked);
  return isVetoed(resolved, new Question(scope, asked.key)) ? FORBIDDEN : outcome;
}

/** Tells one reason from another only where somebody wants to know. */
function direct(question: Question, explain: boolean): Found {
  const verdict = certainly(question.verdict());
  if (verdict.kind === 'true') return GRANTED;
  if (verdict.kind === 'failed') {
    const { failure } = verdict;
    return failure.kind === 'missing'
      ? found('missing_parameters', failure.parameters)
      : found('condition_failed');
  }
  const why = explain ? reasonOf(question.scope, question.key) : undefined;
  return why === undefined ? DENIED : found(why.reason, why.parameters);
}

function delegated(engine: Engine, resolved: Resolved, acting: Acting, asked: Asked): Found {
  try {
    return found(judgeDelegated(engine, resolved, acting, asked).reason);
  } catch (error) {
    if (error instanceof PembaError && error.code === 'condition_failed') {
      return found('condition_failed');
    }
    throw error;
  }
}

/** The relation that bars from the one that is asked about. */
export function vetoOf({ authzen }: Resolved, type: string, relation: string): string | undefined {
  const forbidden = authzen.forbiddenOf(type);
  return forbidden === relation ? undefined : forbidden;
}

/** Only a veto that certainly does not hold is none. */
export function isVetoed(resolved: Resolved, question: Question): boolean {
  const { object, relation } = question.key;
  const veto = vetoOf(resolved, object.type, relation);
  return veto !== undefined && certainly(question.verdictOn(veto)).kind !== 'false';
}
