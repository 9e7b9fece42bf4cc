/** The lists, by pages: what a subject can reach, and who can reach an object. */
import { PembaError, invalidRequest } from '../errors.js';
import { listObjects as listObjectsOfGraph } from '../query/list-objects.js';
import type { ListObjectsQuestion } from '../query/list-objects.js';
import { listUsers as listUsersOfGraph } from '../query/list-users.js';
import type { ListUsersQuestion } from '../query/list-users.js';
import type { Page } from '../query/page.js';
import { namesProblem } from '../schema/admit.js';
import type { Plan } from '../schema/plan.js';
import { formatObject, formatSubject } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { decodePageToken, encodePageToken, invalidPageToken } from './page-token.js';
import type { QueryIdentity } from './page-token.js';
import { answerOf, resolve, scopeOf } from './resolve.js';
import type { Answer, Circumstances, Resolved, Target } from './resolve.js';

export interface ListPaging {
  readonly limit: number;
  /** '' for the first page. */
  readonly continuationToken: string;
}

export interface ListObjectsRequest extends Target, Circumstances, ListPaging {
  readonly question: ListObjectsQuestion;
}

export interface ListUsersRequest extends Target, Circumstances, ListPaging {
  readonly question: ListUsersQuestion;
}

/** Names in a stable order; a token when there may be more. */
export interface NameList {
  readonly names: readonly string[];
  readonly continuationToken: string | undefined;
}

export async function listObjects(
  engine: Engine,
  request: ListObjectsRequest,
): Promise<Answer<NameList>> {
  const resolved = await resolve(engine, request);
  const { question } = request;
  assertRelation(resolved.plan, question.type, question.relation);
  assertSubject(resolved.plan, question);
  const identity = [
    'list-objects',
    question.type,
    question.relation,
    formatSubject(question.subject),
    ...identityOf(request),
  ];
  const page = listObjectsOfGraph(scopeOf(engine, resolved, request), question, {
    limit: request.limit,
    ...placeOf(resolved, identity, request),
  });
  return answerOf(
    request,
    resolved,
    nameList(resolved, page, identity, (id) => formatObject({ type: question.type, id })),
  );
}

export async function listUsers(
  engine: Engine,
  request: ListUsersRequest,
): Promise<Answer<NameList>> {
  const resolved = await resolve(engine, request);
  const { question } = request;
  assertRelation(resolved.plan, question.object.type, question.relation);
  assertForm(resolved.plan, question.form.type, question.form.relation);
  const identity = [
    'list-users',
    formatObject(question.object),
    question.relation,
    question.form.type,
    question.form.relation ?? '',
    ...identityOf(request),
  ];
  const page = listUsersOfGraph(scopeOf(engine, resolved, request), question, {
    limit: request.limit,
    ...placeOf(resolved, identity, request),
  });
  return answerOf(
    request,
    resolved,
    nameList(resolved, page, identity, (name) => name),
  );
}

const identityOf = (request: Target & Circumstances): QueryIdentity => [
  request.storeId,
  request.modelId ?? '',
  JSON.stringify(request.contextualTuples),
  request.context,
  JSON.stringify(request.asserted ?? {}),
];

function placeOf(
  { replica }: Resolved,
  identity: QueryIdentity,
  paging: ListPaging,
): { readonly after?: string } {
  const position = decodePageToken(replica.tokenKey, identity, paging.continuationToken);
  if (position === undefined) return {};
  const [after] = position;
  if (typeof after !== 'string') throw invalidPageToken();
  return { after };
}

const nameList = (
  { replica }: Resolved,
  { names, next }: Page,
  identity: QueryIdentity,
  format: (name: string) => string,
): NameList => ({
  names: names.map(format),
  continuationToken:
    next === undefined ? undefined : encodePageToken(replica.tokenKey, identity, [next]),
});

export function assertRelation(plan: Plan, type: string, relation: string): void {
  const definition = plan.model.types.get(type);
  if (definition === undefined) {
    throw new PembaError('type_not_found', `type '${type}' not found`, { facts: { type } });
  }
  if (!definition.relations.has(relation)) {
    throw new PembaError('relation_not_found', `relation '${type}#${relation}' not found`, {
      facts: { type, relation },
    });
  }
}

function assertForm(plan: Plan, type: string, relation: string | undefined): void {
  if (relation !== undefined) {
    assertRelation(plan, type, relation);
  } else if (!plan.model.types.has(type)) {
    throw new PembaError('type_not_found', `type '${type}' not found`, { facts: { type } });
  }
}

function assertSubject(plan: Plan, { type, relation, subject }: ListObjectsQuestion): void {
  const problem = namesProblem(plan, { object: { type, id: '' }, relation, subject });
  if (problem !== undefined) throw invalidRequest('user', problem);
}
