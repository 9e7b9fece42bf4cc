/**
 * May a service, acting for a subject, do this? Three questions to one graph at one revision:
 *
 *   ceiling     the service is an `actor` of the scope, whoever the subject is
 *   chain       each service before it in the chain may stand there (`through`, where the model has it)
 *   authority   the subject has the relation to the object, with `service:S#acting_for@subject` laid
 *               over the graph: so the schema says what the service's acting adds, and nothing else does
 *
 * Nothing that a request brings along reaches the ceilings but the circumstances in its context, which
 * are the same for all; and no request may bring the tuples that any of this rests on.
 */
import { isOfEnd } from '../condition/entities.js';
import { PembaError, invalidRequest } from '../errors.js';
import type { ServiceId } from '../ids.js';
import { admitBatch, attemptEach } from '../operations/batch.js';
import type { BatchItem } from '../operations/batch.js';
import type { Engine } from '../operations/engine.js';
import { answerOf, resolve, resolveNow, scopeOf } from '../operations/resolve.js';
import type { Answer, Circumstances, Resolved, Target } from '../operations/resolve.js';
import { explainDenial } from '../query/denial.js';
import type { Explanation } from '../query/denial.js';
import { reasonOf } from '../query/reason.js';
import type { Reason as Denied } from '../query/reason.js';
import type { QueryScope } from '../query/scope.js';
import { admissionProblem, namesProblem } from '../schema/admit.js';
import type { Plan } from '../schema/plan.js';
import {
  ACTING_FOR,
  ACTOR,
  THROUGH,
  actingFor,
  isDelegation,
  scopeObject,
  serviceObject,
} from '../tuple/delegation.js';
import type { JsonObject, TupleKey } from '../tuple/tuple.js';
import { ACTORS_MAX } from './permit.js';

/** Who acts for whom. */
export interface Acting {
  readonly actor: ServiceId;
  /** The services before it, the latest one first. What is not verified can only take away. */
  readonly chain: readonly ServiceId[];
}

export interface DelegatedQuestion extends Circumstances {
  readonly key: TupleKey;
}

export type Reason =
  'granted' | 'ceiling' | 'chain' | 'no_path' | 'condition_false' | 'missing_parameters';

export type Missing =
  | { readonly kind: CeilingQuestion['kind']; readonly tuple: TupleKey }
  | { readonly kind: 'authority'; readonly explanation: Explanation };

export interface DelegatedDecision {
  readonly id: string;
  readonly reason: Reason;
  /** All of it, where that was asked for. */
  readonly missing?: readonly Missing[];
}

export interface DelegatedRequest extends Target, Acting {
  /** Whether to tell all that is missing. */
  readonly explain: boolean;
}

export interface DelegatedCheck extends DelegatedRequest {
  readonly question: DelegatedQuestion;
}

export interface DelegatedBatch extends DelegatedRequest {
  readonly items: readonly BatchItem<DelegatedQuestion>[];
}

export type DelegatedVerdict = DelegatedDecision | { readonly error: PembaError };

export const isGranted = ({ reason }: DelegatedDecision): boolean => reason === 'granted';

export async function delegatedCheck(
  engine: Engine,
  request: DelegatedCheck,
): Promise<Answer<DelegatedDecision>> {
  return answer(engine, await resolve(engine, request), request);
}

/** The answer, unless something has to be waited for: then undefined. */
export function delegatedCheckNow(
  engine: Engine,
  request: DelegatedCheck,
): Answer<DelegatedDecision> | undefined {
  const resolved = resolveNow(engine, request);
  return resolved && answer(engine, resolved, request);
}

const answer = (
  engine: Engine,
  resolved: Resolved,
  request: DelegatedCheck,
): Answer<DelegatedDecision> =>
  answerOf(request, resolved, judged(engine, resolved, request, request.question));

/** With what is missing, where that is asked for. */
function judged(
  engine: Engine,
  resolved: Resolved,
  request: DelegatedRequest,
  question: DelegatedQuestion,
): DelegatedDecision {
  const decision = judge(engine, resolved, request, question);
  if (!request.explain || isGranted(decision)) return decision;
  return { ...decision, missing: missingFor(engine, resolved, request, question) };
}

/** All items are judged at one revision; one that fails does not fail the others. */
export async function delegatedBatchCheck(
  engine: Engine,
  request: DelegatedBatch,
): Promise<Answer<ReadonlyMap<string, DelegatedVerdict>>> {
  admitBatch(request.items, engine.config.maxBatchChecks);
  const resolved = await resolve(engine, request);
  assertDelegates(resolved.plan);
  return answerOf(
    request,
    resolved,
    attemptEach(request.items, (question) => judged(engine, resolved, request, question)),
  );
}

/** Of several that are judged in one turn, all are of one revision. */
export function judge(
  engine: Engine,
  resolved: Resolved,
  acting: Acting,
  question: DelegatedQuestion,
): DelegatedDecision {
  assertAskable(resolved.plan, acting, question);
  return { id: engine.newId(), reason: reasonFor(engine, resolved, acting, question) };
}

function reasonFor(
  engine: Engine,
  resolved: Resolved,
  acting: Acting,
  question: DelegatedQuestion,
): Reason {
  for (const { kind, scope, key } of ceilingQuestions(engine, resolved, acting, question)) {
    const lacking = reasonOf(scope, key);
    if (lacking !== undefined) return ceilingReason(kind, lacking.reason);
  }
  const authority = authorityScope(engine, resolved, acting, question);
  return reasonOf(authority, question.key)?.reason ?? 'granted';
}

/** A ceiling whose condition cannot be evaluated is not known to be lacking. */
const ceilingReason = (kind: CeilingQuestion['kind'], why: Denied['reason']): Reason =>
  why === 'missing_parameters' ? why : kind;

/** All that a decision lacks, where the first thing would be enough to deny it. */
function missingFor(
  engine: Engine,
  resolved: Resolved,
  acting: Acting,
  question: DelegatedQuestion,
): readonly Missing[] {
  const ceilings = ceilingQuestions(engine, resolved, acting, question)
    .filter(({ scope, key }) => reasonOf(scope, key) !== undefined)
    .map(({ kind, key }) => ({ kind, tuple: key }));
  const authority = authorityScope(engine, resolved, acting, question);
  const explanation = explainDenial(authority, question.key);
  return explanation === undefined ? ceilings : [...ceilings, { kind: 'authority', explanation }];
}

export interface CeilingQuestion {
  /** What it means if the answer is no. */
  readonly kind: 'ceiling' | 'chain';
  readonly scope: QueryScope;
  readonly key: TupleKey;
}

/** Whether the actor, and each service before it, may exercise the permission for anybody. */
export function ceilingQuestions(
  engine: Engine,
  resolved: Resolved,
  { actor, chain }: Acting,
  { key, context }: DelegatedQuestion,
): readonly CeilingQuestion[] {
  const scope = scopeOf(engine, resolved, { contextualTuples: [], context: ofNeitherEnd(context) });
  const object = scopeObject(key.object.type, key.relation);
  const hasThrough = resolved.plan.relation(THROUGH.type, THROUGH.relation) !== undefined;
  const through = hasThrough ? THROUGH : ACTOR;
  const asked = (kind: CeilingQuestion['kind'], relation: string, service: ServiceId) => ({
    kind,
    scope,
    key: { object, relation, subject: serviceObject(service) },
  });
  return [
    asked('ceiling', ACTOR.relation, actor),
    ...chain.map((service) => asked('chain', through.relation, service)),
  ];
}

/** The ceiling's ends are others: what is said of the question's is not said of them. */
const ofNeitherEnd = (context: JsonObject): JsonObject =>
  Object.keys(context).some(isOfEnd)
    ? Object.fromEntries(Object.entries(context).filter(([name]) => !isOfEnd(name)))
    : context;

export const authorityScope = (
  engine: Engine,
  resolved: Resolved,
  { actor }: Acting,
  question: DelegatedQuestion,
): QueryScope =>
  scopeOf(engine, resolved, { ...question, acting: actingFor(actor, question.key.subject) });

/** That the question makes sense under the model, and claims nothing for itself. */
function assertAskable(
  plan: Plan,
  { actor, chain }: Acting,
  { key, contextualTuples }: DelegatedQuestion,
): void {
  assertDelegates(plan);
  const problem = namesProblem(plan, key);
  if (problem !== undefined) throw invalidRequest('tuple_key', problem);
  if (key.relation.includes('.')) {
    throw invalidRequest('tuple_key.relation', 'with a dot in its name it cannot be delegated');
  }
  const claimed = contextualTuples.findIndex(isDelegation);
  if (claimed >= 0) {
    throw invalidRequest(
      `contextual_tuples[${claimed}]`,
      'who acts for whom, and who may, is not for a request to say',
    );
  }
  const unfit = admissionProblem(plan, actingFor(actor, key.subject));
  if (key.subject.kind !== 'object' || unfit !== undefined) {
    throw invalidRequest(
      'tuple_key.user',
      unfit ?? 'services act for single subjects, not for sets of them',
    );
  }
  const services = new Set([actor, ...chain]);
  if (services.size <= chain.length) throw invalidRequest('chain', 'names a service twice');
  if (services.size > ACTORS_MAX) {
    throw invalidRequest('chain', `has more than ${ACTORS_MAX} services, the actor included`);
  }
}

/** Throws `no_delegation`. */
export function assertDelegates(plan: Plan): void {
  const lacking = [ACTING_FOR, ACTOR].find(
    ({ type, relation }) => plan.relation(type, relation) === undefined,
  );
  if (lacking === undefined) return;
  const { type, relation } = lacking;
  throw new PembaError(
    'no_delegation',
    `the model does not define ${type}#${relation}: include the module schema/delegation.fga`,
    { facts: { type, relation } },
  );
}
