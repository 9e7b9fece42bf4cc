/**
 * May the calling service, acting for a user, do this? The answer of a check, with its reason. Who acts
 * is known of the caller; only who holds the right to may say it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { delegatedBatchCheck, delegatedCheck, delegatedCheckNow } from '../../delegation/decide.js';
import type {
  DelegatedDecision,
  DelegatedQuestion,
  DelegatedVerdict,
} from '../../delegation/decide.js';
import { PembaError } from '../../errors.js';
import type { Identity } from '../../identity/identity.js';
import type { StoreId } from '../../ids.js';
import type { BatchItem } from '../../operations/batch.js';
import type { Engine } from '../../operations/engine.js';
import type { Answer, Target } from '../../operations/resolve.js';
import { serviceName } from '../../tuple/delegation.js';
import { delegatedResult, failing } from '../decision.js';
import type { ActingServices, RecordDecisions } from '../decision.js';
import { callerOf, chargeMore } from '../gate.js';
import type { WireCircumstances } from './check-question.js';
import {
  actorOf,
  chainOf,
  decisionToWire,
  delegatedAnswer,
  delegatedQuestion,
} from './delegated-check.js';
import type { DelegatedBody, WireActing } from './delegated-check.js';
import { DELEGATED_REQUESTS, DELEGATED_RESPONSES } from './delegated-schemas.js';
import { batchItemError } from './errors.js';
import { payloadOf } from '../handover.js';
import { consistencyTokenOf, stamp } from './reply.js';
import { withBearer } from '../bearer.js';
import type { Bearer } from '../bearer.js';
import { assertOneSubject, assertSubject } from './subject-token.js';
import type { WireQuestionKey, WireSubjectToken } from './subject-token.js';
import { storeIdOf, targetOf as wireTarget } from './wire.js';
import type { WireTarget } from './wire.js';

interface DelegatedBatchBody extends WireTarget, WireSubjectToken, WireActing {
  readonly checks: readonly (WireCircumstances & {
    readonly tuple_key: WireQuestionKey;
    readonly correlation_id: string;
  })[];
}

interface StoreRoute {
  Params: { storeId: string };
}

export interface DelegatedCheckParts {
  readonly engine: Engine;
  readonly identity: Pick<Identity, 'acting' | 'rights' | 'subjectTokens'>;
  readonly record: RecordDecisions;
}

/** Most are answered directly, by `direct-delegated-check.ts`, and do not come here. */
const DELEGATED_CHECK_ROUTE = '/stores/:storeId/delegated-check';

const QUERY = { right: 'store:query' } as const;

export function registerDelegatedChecks(
  instance: FastifyInstance,
  parts: DelegatedCheckParts,
): void {
  const { engine, identity, record } = parts;
  instance.post<StoreRoute & { Body: DelegatedBody }>(
    DELEGATED_CHECK_ROUTE,
    {
      config: QUERY,
      schema: {
        body: DELEGATED_REQUESTS.check,
        response: { 200: DELEGATED_RESPONSES.check },
      },
      preParsing: (request, _reply, payload, done) => {
        done(null, payloadOf(request.raw) ?? payload);
      },
    },
    async (request, reply) => {
      const { body } = request;
      const target = targetOf(request, body);
      assertOneSubject(body.tuple_key.user, body.subject_token, 'tuple_key.user');
      const acting = await actingOf(parts, request, target.storeId, body);
      const explain = await mayExplain(parts, request, target.storeId, body);
      const bearer = await withBearer(identity.subjectTokens, body.subject_token, (found) => found);
      const question = delegatedQuestion(body, bearer, 'tuple_key');
      const asked = { ...target, ...acting, explain, question };
      const fail = failing(record, reply, 'delegated-check', target, [{ question, acting }]);
      let answer: Answer<DelegatedDecision>;
      try {
        answer = delegatedCheckNow(engine, asked) ?? (await delegatedCheck(engine, asked));
      } catch (error) {
        return fail(error);
      }
      record(reply, 'delegated-check', answer, [
        { question, acting, result: delegatedResult(answer.result) },
      ]);
      stamp(reply, answer);
      return delegatedAnswer(answer, acting.actor);
    },
  );

  instance.post<StoreRoute & { Body: DelegatedBatchBody }>(
    '/stores/:storeId/delegated-batch-check',
    {
      config: QUERY,
      schema: {
        body: DELEGATED_REQUESTS.batchCheck,
        response: { 200: DELEGATED_RESPONSES.batchCheck },
      },
    },
    (request, reply) => answerBatch(parts, request, reply),
  );
}

async function answerBatch(
  parts: DelegatedCheckParts,
  request: FastifyRequest<StoreRoute & { Body: DelegatedBatchBody }>,
  reply: FastifyReply,
): Promise<object> {
  const { engine, identity, record } = parts;
  const { body } = request;
  chargeMore(request, reply, body.checks.length - 1);
  const target = targetOf(request, body);
  body.checks.forEach(({ tuple_key: key }, i) => {
    assertSubject(key.user, body.subject_token, `checks[${i}].tuple_key.user`);
  });
  const acting = await actingOf(parts, request, target.storeId, body);
  const explain = await mayExplain(parts, request, target.storeId, body);
  const bearer = await withBearer(identity.subjectTokens, body.subject_token, (found) => found);
  const items = body.checks.map((item, i) => itemOf(item, bearer, i));
  const questions = items.map((item) => ({ ...item, acting }));
  const answer = await delegatedBatchCheck(engine, { ...target, ...acting, explain, items }).catch(
    failing(
      record,
      reply,
      'delegated-batch-check',
      target,
      questions.slice(0, engine.config.maxBatchChecks),
    ),
  );
  record(
    reply,
    'delegated-batch-check',
    answer,
    questions.flatMap((question) => {
      const verdict = answer.result.get(question.correlationId);
      return verdict === undefined ? [] : { ...question, result: recordedItem(verdict) };
    }),
  );
  stamp(reply, answer);
  return {
    result: Object.fromEntries(
      [...answer.result].map(([id, verdict]) => [
        id,
        'error' in verdict ? { error: batchItemError(verdict.error) } : decisionToWire(verdict),
      ]),
    ),
    actor: serviceName(acting.actor),
    revision: answer.revision,
  };
}

async function actingOf(
  { identity }: DelegatedCheckParts,
  request: FastifyRequest,
  storeId: StoreId,
  { actor, chain }: WireActing,
): Promise<ActingServices> {
  return {
    actor: await identity.acting.actorOf(callerOf(request), storeId, actorOf(actor)),
    chain: chainOf(chain),
  };
}

/** What is missing shows tuples, which not everybody may read. */
async function mayExplain(
  { identity }: DelegatedCheckParts,
  request: FastifyRequest,
  storeId: StoreId,
  { explain }: WireActing,
): Promise<boolean> {
  if (explain !== true) return false;
  const verdict = await identity.rights?.verdict(callerOf(request), 'store:read', storeId);
  if (verdict === undefined || verdict.kind === 'allowed') return true;
  throw new PembaError('forbidden', 'explain: the caller does not hold the right store:read', {
    facts: { field: 'explain', right: 'store:read' },
  });
}

const targetOf = (request: FastifyRequest<StoreRoute>, body: WireTarget): Target =>
  wireTarget(storeIdOf(request.params.storeId), body, consistencyTokenOf(request));

function itemOf(
  item: DelegatedBatchBody['checks'][number],
  bearer: Bearer,
  i: number,
): BatchItem<DelegatedQuestion> {
  const { correlation_id: correlationId } = item;
  try {
    return { correlationId, question: delegatedQuestion(item, bearer, `checks[${i}].tuple_key`) };
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    return { correlationId, question: error };
  }
}

const recordedItem = (
  verdict: DelegatedVerdict,
): ReturnType<typeof delegatedResult> | { readonly error: PembaError } =>
  'error' in verdict ? verdict : delegatedResult(verdict);
