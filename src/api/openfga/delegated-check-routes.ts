/**
 * May the calling service, acting for a user, do this? The answer of a check, with its reason. Who acts
 * is known of the caller; only who holds the right to may say it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  delegatedBatchCheck,
  delegatedCheck,
  delegatedCheckNow,
  isGranted,
} from '../../delegation/decide.js';
import type {
  DelegatedDecision,
  DelegatedQuestion,
  DelegatedVerdict,
} from '../../delegation/decide.js';
import { PembaError, invalidRequest } from '../../errors.js';
import type { Identity } from '../../identity/identity.js';
import type { ServiceId, StoreId } from '../../ids.js';
import type { BatchItem } from '../../operations/batch.js';
import type { Engine } from '../../operations/engine.js';
import type { Answer, Target } from '../../operations/resolve.js';
import { parseServiceId, serviceName } from '../../tuple/delegation.js';
import { delegatedResult, failing } from '../decision.js';
import type { ActingServices, RecordDecisions } from '../decision.js';
import { callerOf, chargeMore } from '../gate.js';
import type { CheckBody, WireCircumstances } from './check-question.js';
import { DELEGATED_REQUESTS, DELEGATED_RESPONSES } from './delegated-schemas.js';
import { missingToWire } from './missing.js';
import { batchItemError } from './errors.js';
import { consistencyTokenOf, stamp } from './reply.js';
import {
  assertOneSubject,
  assertSubject,
  questionKeyOf,
  tokenFactsOf,
  withBearer,
} from './subject-token.js';
import type { Bearer, WireQuestionKey, WireSubjectToken } from './subject-token.js';
import {
  consistencyOf,
  contextOf,
  contextualTuplesOf,
  optionalModelId,
  storeIdOf,
} from './wire.js';
import type { WireTarget } from './wire.js';

interface WireActing {
  readonly actor?: string | null;
  readonly chain?: readonly string[] | null;
  readonly explain?: boolean | null;
}

type DelegatedBody = CheckBody & WireActing;

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

/** It asks for two sets at least, and tells why not. */
const QUERY = { right: 'store:query' } as const;

export function registerDelegatedChecks(
  instance: FastifyInstance,
  parts: DelegatedCheckParts,
): void {
  const { engine, identity, record } = parts;
  instance.post<StoreRoute & { Body: DelegatedBody }>(
    '/stores/:storeId/delegated-check',
    {
      config: QUERY,
      schema: {
        body: DELEGATED_REQUESTS.check,
        response: { 200: DELEGATED_RESPONSES.check },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const target = targetOf(request, body);
      assertOneSubject(body.tuple_key.user, body.subject_token, 'tuple_key.user');
      const acting = await actingOf(parts, request, target.storeId, body);
      const explain = await mayExplain(parts, request, target.storeId, body);
      const bearer = await withBearer(identity.subjectTokens, body.subject_token, (found) => found);
      const question = questionOf(body, bearer, 'tuple_key');
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
      return {
        ...decisionToWire(answer.result),
        actor: serviceName(acting.actor),
        revision: answer.revision,
      };
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
  const asked = actor === null || actor === undefined ? undefined : serviceOf(actor, 'actor');
  return {
    actor: await identity.acting.actorOf(callerOf(request), storeId, asked),
    chain: (chain ?? []).map((service, i) => serviceOf(service, `chain[${i}]`)),
  };
}

function serviceOf(text: string, field: string): ServiceId {
  const service = parseServiceId(text);
  if (service === undefined)
    throw invalidRequest(field, `'${text}' is not of the form 'service:id'`);
  return service;
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

const targetOf = (request: FastifyRequest<StoreRoute>, body: WireTarget): Target => ({
  storeId: storeIdOf(request.params.storeId),
  ...optionalModelId(body.authorization_model_id),
  consistency: consistencyOf(body.consistency, consistencyTokenOf(request)),
});

const questionOf = (
  body: WireCircumstances & { readonly tuple_key: WireQuestionKey },
  bearer: Bearer,
  field: string,
): DelegatedQuestion => ({
  key: questionKeyOf(body.tuple_key, bearer, field),
  contextualTuples: contextualTuplesOf(body.contextual_tuples),
  context: contextOf(body.context, 'context'),
  ...tokenFactsOf(body.tuple_key.user, bearer),
});

function itemOf(
  item: DelegatedBatchBody['checks'][number],
  bearer: Bearer,
  i: number,
): BatchItem<DelegatedQuestion> {
  const { correlation_id: correlationId } = item;
  try {
    return { correlationId, question: questionOf(item, bearer, `checks[${i}].tuple_key`) };
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    return { correlationId, question: error };
  }
}

const decisionToWire = (decision: DelegatedDecision): object => ({
  allowed: isGranted(decision),
  reason: decision.reason,
  decision_id: decision.id,
  ...(decision.missing && { missing: decision.missing.map(missingToWire) }),
});

const recordedItem = (
  verdict: DelegatedVerdict,
): ReturnType<typeof delegatedResult> | { readonly error: PembaError } =>
  'error' in verdict ? verdict : delegatedResult(verdict);
