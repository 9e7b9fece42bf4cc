/** Lists: of what a user may reach, and of who may reach something. */
import { Answer } from './answer.js';
import { ask, learn, targetOf } from './connection.js';
import type { Session, Target } from './connection.js';
import { jsonLines } from './json-lines.js';
import type { QueryOptions } from './options.js';
import { wireCircumstances, wireTuple } from './wire.js';
import type { About, Circumstances } from './wire.js';

export interface Paging {
  /** At most so many; the server has a limit of its own (1000). */
  readonly pageSize?: number | undefined;
  /** Of the page before. */
  readonly continuationToken?: string | undefined;
}

export type ListObjectsQuestion = Circumstances &
  About &
  Paging & { readonly type: string; readonly relation: string };

/** `order:1001`, where the type is known. */
export type ObjectOf<Type extends string> = string extends Type ? string : `${Type}:${string}`;

export interface ObjectsPage<Type extends string = string> {
  /** `type:id`. */
  readonly objects: readonly ObjectOf<Type>[];
  /** Undefined when the list is whole. */
  readonly continuationToken: string | undefined;
}

export interface ListUsersQuestion extends Circumstances, Paging {
  readonly object: string;
  readonly relation: string;
  /** Users of one type, or usersets such as `{ type: 'group', relation: 'member' }`. */
  readonly userFilter: { readonly type: string; readonly relation?: string | undefined };
}

export interface UsersPage {
  /** `user:anne`, `group:eng#member`, or `user:*`. */
  readonly users: readonly string[];
  /** Undefined when the list is whole. */
  readonly continuationToken: string | undefined;
}

const wirePaging = ({ pageSize, continuationToken }: Paging): object => ({
  page_size: pageSize,
  continuation_token: continuationToken,
});

const wireListed = (question: ListObjectsQuestion): object => ({
  type: question.type,
  relation: question.relation,
  user: question.user,
  subject_token: question.subjectToken,
  ...wireCircumstances(question),
});

export async function listObjects(
  session: Session,
  question: ListObjectsQuestion,
  options: QueryOptions,
): Promise<ObjectsPage> {
  const target = targetOf(session, options);
  const body = { ...wireListed(question), ...wirePaging(question) };
  return ask(session, options, { target, verb: 'list-objects', body }, (answer) => ({
    objects: answer.strings('objects'),
    continuationToken: answer.optionalString('continuation_token'),
  }));
}

export async function listUsers(
  session: Session,
  question: ListUsersQuestion,
  options: QueryOptions,
): Promise<UsersPage> {
  const target = targetOf(session, options);
  const { object, relation, userFilter, contextualTuples, context } = question;
  const colon = object.indexOf(':');
  const body = {
    object: { type: object.slice(0, Math.max(0, colon)), id: object.slice(colon + 1) },
    relation,
    user_filters: [userFilter],
    contextual_tuples: contextualTuples?.map(wireTuple),
    context,
    ...wirePaging(question),
  };
  return ask(session, options, { target, verb: 'list-users', body }, (answer) => ({
    users: answer.members('users').map(nameOf),
    continuationToken: answer.optionalString('continuation_token'),
  }));
}

function nameOf(user: Answer): string {
  if (user.has('wildcard')) return `${user.member('wildcard').string('type')}:*`;
  const named = user.member(user.has('userset') ? 'userset' : 'object');
  const name = `${named.string('type')}:${named.string('id')}`;
  return user.has('userset') ? `${name}#${named.string('relation')}` : name;
}

/**
 * The whole list, however many answers it takes. The deadline is for each wait: for the first line
 * of an answer, and for each piece that follows, not for what the consumer does with it.
 */
export async function* streamedListObjects(
  session: Session,
  question: ListObjectsQuestion,
  options: QueryOptions,
): AsyncGenerator<string, void, undefined> {
  let { continuationToken } = question;
  do {
    const target = targetOf(session, options);
    const body = { ...wireListed(question), ...wirePaging({ ...question, continuationToken }) };
    const response = await open(session, target, body, options);
    for await (const line of jsonLines(response, session.connection, options)) {
      yield new Answer(line, response.headers).member('result').string('object');
    }
    continuationToken = response.headers.get('pemba-continuation-token') ?? undefined;
  } while (continuationToken !== undefined);
}

async function open(
  session: Session,
  target: Target,
  body: object,
  options: QueryOptions,
): Promise<Response> {
  const { connection } = session;
  const posted = { target, verb: 'streamed-list-objects', body };
  const request = connection.requestOf(posted, (response) => Promise.resolve(response));
  const response = await connection.within(options, (call) => connection.send(request, call));
  learn(session, target, response.headers.get('pemba-consistency-token') ?? undefined);
  return response;
}
