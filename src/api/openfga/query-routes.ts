/**
 * Check, batch-check and the lists: the routes whose every microsecond counts. They are plain
 * Fastify routes with compiled schemas, in a plugin of their own that is registered before Nest's
 * hooks; only the dependencies come from Nest.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import { batchCheck, check, checkNow } from '../../operations/check.js';
import type { BatchItem } from '../../operations/batch.js';
import type { BatchQuestion, BatchVerdict } from '../../operations/check.js';
import type { SubjectTokens } from '../../identity/subject-tokens.js';
import type { Engine } from '../../operations/engine.js';
import { listObjects, listUsers } from '../../operations/list.js';
import type { ListObjectsRequest, NameList } from '../../operations/list.js';
import type { Answer, Target } from '../../operations/resolve.js';
import { parseSubject } from '../../tuple/tuple.js';
import type { JsonObject, RelationTuple } from '../../tuple/tuple.js';
import { LIST_COST } from '../../identity/rate-limits.js';
import { failing, recordedList } from '../decision.js';
import { chargeMore } from '../gate.js';
import type { RecordDecisions } from '../decision.js';
import { checkQuestion } from './check-question.js';
import type { CheckBody, WireCircumstances } from './check-question.js';
import { batchItemError } from './errors.js';
import { registerExplain } from './explain-route.js';
import { payloadOf, throwFailureOf } from '../handover.js';
import { COMPLETE_HEADER, TOKEN_HEADER, consistencyTokenOf, stamp } from './reply.js';
import type { RequestSchemas } from './request-schemas.js';
import { RESPONSES } from './response-schemas.js';
import {
  contextOf,
  contextualTuplesOf,
  flatContextualTuplesOf,
  objectOf,
  nameOf,
  storeIdOf,
  targetOf as wireTarget,
} from './wire.js';
import { streamNames } from './streamed-list.js';
import {
  askedOf,
  assertOneSubject,
  assertSubject,
  questionKeyOf,
  tokenFactsOf,
} from './subject-token.js';
import { withBearer } from '../bearer.js';
import type { Bearer } from '../bearer.js';
import type { WireQuestionKey, WireSubjectToken } from './subject-token.js';
import type { WireTarget, WireTuple } from './wire.js';

interface BatchBody extends WireTarget, WireSubjectToken {
  readonly checks: readonly (WireCircumstances & {
    readonly tuple_key: WireQuestionKey;
    readonly correlation_id: string;
  })[];
}

interface WirePaging {
  readonly page_size?: number | null;
  readonly continuation_token?: string | null;
}

interface ListObjectsBody extends WireTarget, WireCircumstances, WirePaging, WireSubjectToken {
  readonly type: string;
  readonly relation: string;
  readonly user?: string | null;
}

interface ListUsersBody extends WireTarget, WirePaging {
  readonly object: { readonly type: string; readonly id: string };
  readonly relation: string;
  readonly user_filters: readonly [{ readonly type: string; readonly relation?: string | null }];
  readonly contextual_tuples?: readonly WireTuple[] | null;
  readonly context?: JsonObject | null;
}

/** Most checks are answered directly, by `direct-check.ts`, and do not come here. */
const CHECK_ROUTE = '/stores/:storeId/check';

const QUERY = { right: 'store:query' } as const;
const LIST = { ...QUERY, rateCost: LIST_COST } as const;

interface StoreRoute {
  Params: { storeId: string };
}

export interface QueryRoutesParts {
  readonly engine: Engine;
  readonly record: RecordDecisions;
  readonly schemas: RequestSchemas;
  /** Without an issuer of users' tokens there are none. */
  readonly subjectTokens?: SubjectTokens;
}

export function registerQueryRoutes(instance: FastifyInstance, parts: QueryRoutesParts): void {
  registerChecks(instance, parts);
  registerLists(instance, parts);
  registerExplain(instance, parts);
}

function registerChecks(
  instance: FastifyInstance,
  { engine, record, schemas, subjectTokens }: QueryRoutesParts,
): void {
  instance.post<StoreRoute & { Body: CheckBody }>(
    CHECK_ROUTE,
    {
      config: QUERY,
      schema: { body: schemas.check, response: { 200: RESPONSES.check } },
      preParsing: (request, _reply, payload, done) => {
        done(null, payloadOf(request.raw) ?? payload);
      },
    },
    (request, reply) => {
      const storeId = storeIdOf(request.params.storeId);
      const { body } = request;
      assertOneSubject(body.tuple_key.user, body.subject_token, 'tuple_key.user');
      return withBearer(subjectTokens, body.subject_token, (bearer) => {
        const question = checkQuestion(storeId, consistencyTokenOf(request), body, bearer);
        const send = (answer: Answer<boolean>): FastifyReply => {
          record(reply, 'check', answer, [{ question, result: { allowed: answer.result } }]);
          stamp(reply, answer);
          return reply.send({ allowed: answer.result, resolution: '' });
        };
        const fail = failing(record, reply, 'check', question, [{ question }]);
        // Without a promise, as is the rule, a request is answered in the turn that it arrived in.
        let now: Answer<boolean> | undefined;
        try {
          throwFailureOf(request.raw);
          now = checkNow(engine, question);
        } catch (error) {
          return fail(error);
        }
        return now === undefined ? check(engine, question).then(send, fail) : send(now);
      });
    },
  );

  instance.post<StoreRoute & { Body: BatchBody }>(
    '/stores/:storeId/batch-check',
    {
      config: QUERY,
      schema: { body: schemas.batchCheck, response: { 200: RESPONSES.batchCheck } },
    },
    async (request, reply) => {
      const { body } = request;
      chargeMore(request, reply, body.checks.length - 1);
      body.checks.forEach(({ tuple_key: key }, i) => {
        assertSubject(key.user, body.subject_token, `checks[${i}].tuple_key.user`);
      });
      const bearer = await withBearer(subjectTokens, body.subject_token, (found) => found);
      const items = body.checks.map((item, i) => batchItem(item, bearer, i));
      const target = targetOf(request, body);
      const answer = await batchCheck(engine, { ...target, items }).catch(
        failing(record, reply, 'batch-check', target, items.slice(0, engine.config.maxBatchChecks)),
      );
      const decisions = items.flatMap((item) => {
        const result = answer.result.get(item.correlationId);
        return result === undefined ? [] : { ...item, result };
      });
      record(reply, 'batch-check', answer, decisions);
      stamp(reply, answer);
      return { result: Object.fromEntries([...answer.result].map(verdictToWire)) };
    },
  );
}

function registerLists(instance: FastifyInstance, parts: QueryRoutesParts): void {
  const { engine, record, schemas, subjectTokens } = parts;
  const { maxListResults, maxStreamedResults } = engine.config;
  const listed = (
    request: ListObjectsRoute,
    reply: FastifyReply,
    api: 'list-objects' | 'streamed-list-objects',
    maxResults: number,
  ): Promise<Answer<NameList>> => {
    const { user, subject_token: token } = request.body;
    assertOneSubject(user, token, 'user');
    return Promise.resolve(
      withBearer(subjectTokens, token, (bearer) => {
        const question = listRequest(request, bearer, maxResults);
        return recordedList(record, reply, api, question, listObjects(engine, question));
      }),
    );
  };

  instance.post<StoreRoute & { Body: ListObjectsBody }>(
    '/stores/:storeId/list-objects',
    {
      config: LIST,
      schema: { body: schemas.listObjects, response: { 200: RESPONSES.listObjects } },
    },
    async (request, reply) => {
      const answer = await listed(request, reply, 'list-objects', maxListResults);
      return { objects: answer.result.names, ...announce(reply, answer) };
    },
  );

  instance.post<StoreRoute & { Body: ListObjectsBody }>(
    '/stores/:storeId/streamed-list-objects',
    { config: LIST, schema: { body: schemas.streamedListObjects } },
    async (request, reply) => {
      const answer = await listed(request, reply, 'streamed-list-objects', maxStreamedResults);
      announceInHeaders(reply, answer);
      return streamNames(reply, answer.result);
    },
  );

  instance.post<StoreRoute & { Body: ListUsersBody }>(
    '/stores/:storeId/list-users',
    { config: LIST, schema: { body: schemas.listUsers, response: { 200: RESPONSES.listUsers } } },
    async (request, reply) => {
      const { body } = request;
      const [filter] = body.user_filters;
      const question = {
        ...targetOf(request, body),
        question: {
          object: objectOf(`${body.object.type}:${body.object.id}`, 'object'),
          relation: nameOf(body.relation, 'relation'),
          form: { type: filter.type, ...(filter.relation && { relation: filter.relation }) },
        },
        contextualTuples: flatContextualTuplesOf(body.contextual_tuples),
        context: contextOf(body.context, 'context'),
        ...pagingOf(body, maxListResults),
      };
      const answer = await recordedList(
        record,
        reply,
        'list-users',
        question,
        listUsers(engine, question),
      );
      return { users: answer.result.names.map(userToWire), ...announce(reply, answer) };
    },
  );
}

type ListObjectsRoute = FastifyRequest<StoreRoute & { Body: ListObjectsBody }>;

const targetOf = (request: FastifyRequest<StoreRoute>, body: WireTarget): Target =>
  wireTarget(storeIdOf(request.params.storeId), body, consistencyTokenOf(request));

const circumstancesOf = (
  body: WireCircumstances,
): { readonly contextualTuples: readonly RelationTuple[]; readonly context: JsonObject } => ({
  contextualTuples: contextualTuplesOf(body.contextual_tuples),
  context: contextOf(body.context, 'context'),
});

const pagingOf = (
  body: WirePaging,
  maxResults: number,
): { readonly limit: number; readonly continuationToken: string } => ({
  limit: body.page_size ?? maxResults,
  continuationToken: body.continuation_token ?? '',
});

function batchItem(
  item: BatchBody['checks'][number],
  bearer: Bearer,
  i: number,
): BatchItem<BatchQuestion> {
  const { correlation_id: correlationId, tuple_key } = item;
  try {
    const key = questionKeyOf(tuple_key, bearer, `checks[${i}].tuple_key`);
    const token = tokenFactsOf(tuple_key.user, bearer);
    return { correlationId, question: { key, ...circumstancesOf(item), ...token } };
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    return { correlationId, question: error };
  }
}

const verdictToWire = ([correlationId, verdict]: [string, BatchVerdict]): [string, object] => [
  correlationId,
  'error' in verdict ? { error: batchItemError(verdict.error) } : { allowed: verdict.allowed },
];

function listRequest(
  request: ListObjectsRoute,
  bearer: Bearer,
  maxResults: number,
): ListObjectsRequest {
  const { body } = request;
  return {
    ...targetOf(request, body),
    question: {
      type: body.type,
      relation: nameOf(body.relation, 'relation'),
      subject: askedOf(body.user, bearer, 'user'),
    },
    ...circumstancesOf(body),
    ...(bearer && { token: bearer }),
    ...pagingOf(body, maxResults),
  };
}

/** A list that is not whole says so in a header and hands the token to go on with. */
function announce(
  reply: FastifyReply,
  answer: Answer<NameList>,
): { readonly continuation_token?: string } {
  announceInHeaders(reply, answer);
  const { continuationToken } = answer.result;
  return continuationToken === undefined ? {} : { continuation_token: continuationToken };
}

function announceInHeaders(reply: FastifyReply, answer: Answer<NameList>): void {
  const { continuationToken } = answer.result;
  stamp(reply, answer);
  void reply.header(COMPLETE_HEADER, String(continuationToken === undefined));
  if (continuationToken !== undefined) void reply.header(TOKEN_HEADER, continuationToken);
}

function userToWire(name: string): object {
  const subject = parseSubject(name);
  switch (subject?.kind) {
    case 'object':
      return { object: { type: subject.type, id: subject.id } };
    case 'userset':
      return { userset: { type: subject.type, id: subject.id, relation: subject.relation } };
    case 'wildcard':
      return { wildcard: { type: subject.type } };
    case undefined:
      throw new TypeError('a listed user is a subject');
  }
}
