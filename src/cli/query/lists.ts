/** Lists are asked for page by page, and printed as they come. */
import type { Json } from '../api.js';
import { usageError } from '../command-error.js';
import { print } from '../print.js';
import type { Surroundings } from '../surroundings.js';
import { questionOf, userOf } from './question-options.js';
import type { QuestionOptions } from './question-options.js';

interface ListOptions extends QuestionOptions {
  readonly limit: string;
}

export async function listObjects(
  around: Surroundings,
  question: { readonly user: string; readonly relation: string; readonly type: string },
  options: ListOptions,
): Promise<void> {
  const body = { ...question, user: undefined, ...userOf(question.user, options) };
  await list(around, 'list-objects', body, options, (page) => page['objects'] as string[]);
}

export async function listUsers(
  around: Surroundings,
  { relation, object }: { readonly relation: string; readonly object: string },
  options: ListOptions & { readonly type: string },
): Promise<void> {
  const [, type, id] = /^([^:]+):(.+)$/.exec(object) ?? [];
  if (type === undefined) throw usageError(`'${object}' is no object: write it as order:1001`);
  const [userType = '', userRelation] = options.type.split('#');
  const filter = { type: userType, ...(userRelation !== undefined && { relation: userRelation }) };
  const body = { object: { type, id }, relation, user_filters: [filter] };
  await list(around, 'list-users', body, options, (page) => (page['users'] as Json[]).map(nameOf));
}

function nameOf(user: Json): string {
  const { object, userset, wildcard } = user as Readonly<Record<string, Named | undefined>>;
  if (object !== undefined) return `${object.type}:${object.id}`;
  if (userset !== undefined) return `${userset.type}:${userset.id}#${userset.relation}`;
  return `${wildcard?.type ?? ''}:*`;
}

interface Named {
  readonly type: string;
  readonly id: string;
  readonly relation: string;
}

async function list(
  around: Surroundings,
  verb: string,
  question: object,
  options: ListOptions,
  namesOf: (page: Json) => readonly string[],
): Promise<void> {
  if (!/^[1-9]\d{0,8}$/.test(options.limit)) {
    throw usageError(`--limit ${options.limit}: a whole number from 1 on`);
  }
  const limit = Number(options.limit);
  const output = around.output();
  const path = `/stores/${around.store(options)}/${verb}`;
  const { body, headers } = questionOf(options);
  const flat = verb === 'list-users' ? flattened(body) : body;
  const all: string[] = [];
  let count = 0;
  let isCut: boolean;
  let token: unknown;
  do {
    const page = await around.api().call('POST', path, {
      body: { ...question, ...flat, ...(token !== undefined && { continuation_token: token }) },
      headers,
    });
    const found = namesOf(page);
    const names = found.slice(0, limit - count);
    isCut = names.length < found.length;
    count += names.length;
    if (output.json) all.push(...names);
    else if (names.length > 0) output.write(`${names.join('\n')}\n`);
    token = page['continuation_token'];
  } while (token !== undefined && token !== '' && count < limit);
  const isComplete = !isCut && (token === undefined || token === '');
  if (output.json) print(output, { names: all, complete: isComplete }, '');
  if (!isComplete) output.note(`There are more than ${count}; --limit shows more.`);
}

/** list-users has its contextual tuples as a plain list. */
function flattened(body: Readonly<Record<string, unknown>>): object {
  const { contextual_tuples: tuples, ...rest } = body;
  const keys = (tuples as { readonly tuple_keys: unknown } | undefined)?.tuple_keys;
  return keys === undefined ? rest : { ...rest, contextual_tuples: keys };
}
