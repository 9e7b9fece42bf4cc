/** One question answered, and what the decision log is to say of it. */
import { PembaError } from '../../errors.js';
import type { Engine } from '../../operations/engine.js';
import type { Resolved } from '../../operations/resolve.js';
import type { JsonObject, TupleKey } from '../../tuple/tuple.js';
import type { Bearer } from '../bearer.js';
import type { ActingServices, Decision } from '../decision.js';
import { decisionToWire, errorToWire } from './answer.js';
import type { WireDecision } from './answer.js';
import { wantedBy } from './circumstances.js';
import { askedOf } from './evaluations.js';
import type { WireEvaluation } from './evaluations.js';
import { judge } from './judgement.js';

export interface Question {
  readonly evaluation: WireEvaluation;
  readonly acting: ActingServices | undefined;
  readonly bearer: Bearer;
}

export interface Evaluated {
  readonly decision: WireDecision;
  readonly logged: Decision;
}

/** That the store has no such type or action is an answer; whatever else goes wrong is thrown. */
export function evaluate(
  engine: Engine,
  resolved: Resolved,
  caller: string,
  { evaluation, acting, bearer }: Question,
): Evaluated {
  try {
    const wanted = wantedBy(evaluation.context);
    const asked = askedOf(resolved, caller, evaluation, bearer);
    const judgement = judge(engine, resolved, { asked, acting, wanted });
    return {
      decision: decisionToWire(judgement, wanted, resolved.replica.revision),
      logged: {
        ...loggedOf(evaluation, acting, asked.context),
        result: { allowed: judgement.permits },
      },
    };
  } catch (error) {
    if (!(error instanceof PembaError) || !UNKNOWN_NAMES.has(error.code)) throw error;
    return refused(error, loggedOf(evaluation, acting).question, acting);
  }
}

const UNKNOWN_NAMES = new Set(['type_not_found', 'relation_not_found']);

/** What was asked, in the words in which it was; what it is in the model, the model's version says. */
export function loggedOf(
  { subject, action, resource, context: said }: WireEvaluation,
  acting: ActingServices | undefined,
  context: JsonObject = said ?? {},
): Omit<Decision, 'result'> {
  const key: TupleKey = {
    object: { type: resource.type, id: resource.id },
    relation: action.name,
    subject: { kind: 'object', type: subject.type, id: subject.id },
  };
  return { question: { key, contextualTuples: [], context }, ...(acting && { acting }) };
}

export const refused = (
  error: PembaError,
  question: Decision['question'],
  acting?: ActingServices,
): Evaluated => ({
  decision: errorToWire(error),
  logged: { question, ...(acting && { acting }), result: { error } },
});
