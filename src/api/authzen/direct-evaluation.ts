/** Evaluations as nearly all of them come, answered before Fastify sees them: see `api/direct.ts`. */
import type { Engine } from '../../operations/engine.js';
import { resolveNow } from '../../operations/resolve.js';
import { bytesOf } from '../direct.js';
import type { DirectAnswer, DirectRoute } from '../direct.js';
import { namedActors } from './acting.js';
import { iJson } from './body.js';
import { CONSISTENCY_HEADER, consistencyOf } from './consistency.js';
import { evaluate } from './evaluate.js';
import { isEvaluation } from './evaluations.js';
import type { EvaluationBody } from './evaluations.js';
import { PATHS, mountsOf } from './store-route.js';

export const directEvaluations = (
  engine: Engine,
): readonly Pick<DirectRoute, 'path' | 'storeId' | 'answer'>[] =>
  mountsOf(engine.config).map(({ storeId }) => ({
    path: PATHS.evaluation,
    ...(storeId !== undefined && { storeId }),
    answer: (request, asked, body, caller): DirectAnswer | undefined => {
      const value = iJson(bytesOf(body));
      if (!isEvaluation(value) || isDelegated(value) || 'subject_token' in value) return undefined;
      const resolved = resolveNow(engine, { storeId: asked, consistency: consistencyOf(request) });
      if (resolved === undefined) return undefined;
      const question = { evaluation: value, acting: undefined, bearer: undefined };
      const { decision, logged } = evaluate(engine, resolved, caller.name, question);
      if ('error' in logged.result) return undefined;
      return {
        allowed: decision.decision,
        headers: [CONSISTENCY_HEADER, resolved.replica.consistencyToken],
        text: JSON.stringify(decision),
      };
    },
  }));

const isDelegated = ({ options, context, subject }: EvaluationBody): boolean =>
  options?.delegated === true || namedActors(context, subject.properties).services.length > 0;
