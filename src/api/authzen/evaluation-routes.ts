/** May this subject do this to that resource? One question, or several at one revision. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import type { Identity } from '../../identity/identity.js';
import type { StoreId } from '../../ids.js';
import type { Engine } from '../../operations/engine.js';
import { answerOf, resolve, resolveNow } from '../../operations/resolve.js';
import type { Answer, Resolved, Target } from '../../operations/resolve.js';
import { withBearer } from '../bearer.js';
import type { Bearer } from '../bearer.js';
import { failing } from '../decision.js';
import type { ActingServices, Decision, RecordDecisions } from '../decision.js';
import { payloadOf, throwFailureOf } from '../handover.js';
import { askedStoreOf, callerOf, chargeMore } from '../gate.js';
import { assertOneSubject, withSubject } from './about.js';
import { actingIn, namedActors } from './acting.js';
import type { WireOptions } from './acting.js';
import { consistencyOf, stampRevision } from './consistency.js';
import { evaluate, loggedOf, refused } from './evaluate.js';
import type { Evaluated, Question } from './evaluate.js';
import { isLast, itemsOf, onlyEvaluationOf, semanticOf } from './evaluations.js';
import type {
  EvaluationBody,
  EvaluationsBody,
  Item,
  RoutedEvaluationBody,
  WireEvaluation,
} from './evaluations.js';
import { REQUESTS, RESPONSES } from './schemas.js';
import { PATHS, mountsOf } from './store-route.js';

export interface EvaluationParts {
  readonly engine: Engine;
  readonly identity: Pick<Identity, 'acting' | 'subjectTokens'>;
  readonly record: RecordDecisions;
}

const QUERY = { right: 'store:query' } as const;

export function registerEvaluations(plugin: FastifyInstance, parts: EvaluationParts): void {
  const { subjectTokens } = parts.identity;
  for (const { prefix, storeId } of mountsOf(parts.engine.config)) {
    const config = { ...QUERY, ...(storeId !== undefined && { storeId }) };
    plugin.post<{ Body: RoutedEvaluationBody }>(
      `${prefix}${PATHS.evaluation}`,
      {
        config,
        schema: { body: REQUESTS.evaluation, response: { 200: RESPONSES.evaluation } },
        preParsing: (request, _reply, payload, done) => {
          done(null, payloadOf(request.raw) ?? payload);
        },
      },
      (request, reply) =>
        withSubject(subjectTokens, request.body, (subject, bearer) =>
          answerOne(parts, { request, reply, bearer }, { ...request.body, subject }),
        ),
    );
    plugin.post<{ Body: EvaluationsBody }>(
      `${prefix}${PATHS.evaluations}`,
      {
        config,
        schema: { body: REQUESTS.evaluations, response: { 200: RESPONSES.evaluations } },
      },
      (request, reply) => {
        const { body } = request;
        assertOneSubject(body);
        return withBearer(subjectTokens, body.subject_token, (bearer) => {
          const only = onlyEvaluationOf(body, bearer);
          return only === undefined
            ? answerAll(parts, { request, reply, bearer })
            : answerOne(parts, { request, reply, bearer }, only);
        });
      },
    );
  }
}

interface Exchange<Body = unknown> {
  readonly request: FastifyRequest<{ Body: Body }>;
  readonly reply: FastifyReply;
  readonly bearer: Bearer;
}

/** Without a promise, as is the rule, a request is answered in the turn that it arrived in. */
function answerOne(
  parts: EvaluationParts,
  { request, reply, bearer }: Exchange,
  body: EvaluationBody,
): FastifyReply | Promise<FastifyReply> {
  const { engine, record } = parts;
  const target = targetOf(request);
  const caller = callerOf(request).name;
  const send = (resolved: Resolved, acting: ActingServices | undefined): FastifyReply => {
    const question = { evaluation: body, acting, bearer };
    let evaluated: Evaluated;
    try {
      throwFailureOf(request.raw);
      evaluated = evaluate(engine, resolved, caller, question);
    } catch (error) {
      return failing(record, reply, 'evaluation', target, [loggedOf(body, acting)])(error);
    }
    const answer = answerOf(target, resolved, evaluated);
    record(reply, 'evaluation', answer, [evaluated.logged]);
    stampRevision(reply, answer);
    return reply.send(evaluated.decision);
  };
  const resolving = (acting?: ActingServices): Resolved | Promise<Resolved> =>
    resolvedFor(parts, reply, target, 'evaluation', () => [loggedOf(body, acting)]);
  const pending = actingOf(parts, request, target.storeId, body, body.options);
  if (pending !== undefined) {
    return pending.then(async (acting) => send(await resolving(acting), acting));
  }
  const resolved = resolving();
  return resolved instanceof Promise
    ? resolved.then((found) => send(found, undefined))
    : send(resolved, undefined);
}

async function answerAll(
  parts: EvaluationParts,
  { request, reply, bearer }: Exchange<EvaluationsBody>,
): Promise<FastifyReply> {
  const { engine, record } = parts;
  const { options } = request.body;
  const items = itemsOf(request.body, bearer, engine.config.maxBatchChecks);
  chargeMore(request, reply, items.length - 1);
  const target = targetOf(request);
  const questions = await Promise.all(
    items.map((item) => questionOf(parts, request, target.storeId, item, options)),
  );
  const resolved = await resolvedFor(parts, reply, target, 'evaluations', () =>
    questions.map(failedItem),
  );
  const answer = judgeAll(engine, target, resolved, {
    caller: callerOf(request).name,
    questions,
    semantic: semanticOf(options),
  });
  record(
    reply,
    'evaluations',
    answer,
    answer.result.map((one) => one.logged),
  );
  stampRevision(reply, answer);
  return reply.send({ evaluations: answer.result.map(({ decision }) => decision) });
}

/** All in one turn, at one revision, up to the one that the semantic ends with. */
function judgeAll(
  engine: Engine,
  target: Target,
  resolved: Resolved,
  asked: {
    readonly caller: string;
    readonly questions: readonly (Question | PembaError)[];
    readonly semantic: ReturnType<typeof semanticOf>;
  },
): Answer<readonly Evaluated[]> {
  const all: Evaluated[] = [];
  for (const [i, question] of asked.questions.entries()) {
    const { decision, logged } = evaluateItem(engine, resolved, asked.caller, question);
    all.push({ decision, logged: { ...logged, correlationId: String(i) } });
    if (isLast(asked.semantic, decision.decision)) break;
  }
  return answerOf(target, resolved, all);
}

function evaluateItem(
  engine: Engine,
  resolved: Resolved,
  caller: string,
  question: Question | PembaError,
): Evaluated {
  if (question instanceof PembaError) return refused(question, question);
  try {
    return evaluate(engine, resolved, caller, question);
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    const { evaluation, acting } = question;
    return refused(error, loggedOf(evaluation, acting).question, acting);
  }
}

const failedItem = (question: Question | PembaError, i: number): Omit<Decision, 'result'> => ({
  ...(question instanceof PembaError
    ? { question }
    : loggedOf(question.evaluation, question.acting)),
  correlationId: String(i),
});

const targetOf = (request: FastifyRequest): Target => ({
  storeId: askedStoreOf(request),
  consistency: consistencyOf(request),
});

function resolvedFor(
  { engine, record }: EvaluationParts,
  reply: FastifyReply,
  target: Target,
  api: 'evaluation' | 'evaluations',
  questions: () => readonly Omit<Decision, 'result'>[],
): Resolved | Promise<Resolved> {
  const fail = (error: unknown): never => failing(record, reply, api, target, questions())(error);
  try {
    return resolveNow(engine, target) ?? resolve(engine, target).catch(fail);
  } catch (error) {
    return fail(error);
  }
}

/** Undefined where nobody acts for the subject, as is the rule. */
function actingOf(
  { identity }: EvaluationParts,
  request: FastifyRequest,
  storeId: StoreId,
  { subject, context }: WireEvaluation,
  options: WireOptions | null | undefined,
): Promise<ActingServices | undefined> | undefined {
  const named = namedActors(context, subject.properties);
  const isDelegated = options?.delegated === true;
  if (!isDelegated && named.services.length === 0) return undefined;
  return actingIn(identity.acting, { caller: callerOf(request), storeId }, isDelegated, named);
}

/** An actor that the caller may not name fails the item, as whatever else is wrong with it. */
async function questionOf(
  parts: EvaluationParts,
  request: FastifyRequest,
  storeId: StoreId,
  item: Item | PembaError,
  options: WireOptions | null | undefined,
): Promise<Question | PembaError> {
  if (item instanceof PembaError) return item;
  try {
    const acting = await actingOf(parts, request, storeId, item.evaluation, options);
    return { ...item, acting };
  } catch (error) {
    if (error instanceof PembaError) return error;
    throw error;
  }
}
