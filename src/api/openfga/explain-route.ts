/** Why may this user do this, or why not? Shows tuples, so it takes the right to read them. */
import type { FastifyInstance } from 'fastify';
import { explain } from '../../operations/explain.js';
import { failing } from '../decision.js';
import { checkQuestion } from './check-question.js';
import type { CheckBody } from './check-question.js';
import { explainedToWire } from './explanation.js';
import type { QueryRoutesParts } from './query-routes.js';
import { consistencyTokenOf, stamp } from './reply.js';
import { RESPONSES } from './response-schemas.js';
import { LIST_COST } from '../../identity/rate-limits.js';
import { withBearer } from '../bearer.js';
import { assertOneSubject } from './subject-token.js';
import { storeIdOf } from './wire.js';

interface ExplainRoute {
  Params: { storeId: string };
  Body: CheckBody;
}

export function registerExplain(instance: FastifyInstance, parts: QueryRoutesParts): void {
  const { engine, record, schemas, subjectTokens } = parts;
  instance.post<ExplainRoute>(
    '/stores/:storeId/explain',
    {
      config: { right: 'store:read', rateCost: LIST_COST },
      schema: { body: schemas.check, response: { 200: RESPONSES.explain } },
    },
    async (request, reply) => {
      const { body, params } = request;
      assertOneSubject(body.tuple_key.user, body.subject_token, 'tuple_key.user');
      const bearer = await withBearer(subjectTokens, body.subject_token, (found) => found);
      const token = consistencyTokenOf(request);
      const question = checkQuestion(storeIdOf(params.storeId), token, body, bearer);
      const answer = await explain(engine, question).catch(
        failing(record, reply, 'explain', question, [{ question }]),
      );
      const { allowed } = answer.result;
      record(reply, 'explain', answer, [{ question, result: { allowed } }]);
      stamp(reply, answer);
      return { ...explainedToWire(answer.result), revision: answer.revision };
    },
  );
}
