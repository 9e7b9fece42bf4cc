/** Questions with one answer, as the server gives it. */
import type { Json } from '../api.js';
import type { Surroundings } from '../surroundings.js';
import { usageError } from '../command-error.js';
import { questionOf, userOf } from './question-options.js';
import type { QuestionOptions, TupleKeyText } from './question-options.js';

export interface Verdict extends Json {
  readonly allowed: boolean;
}

interface Acting extends QuestionOptions {
  readonly as?: string;
}

export const check = (
  around: Surroundings,
  key: TupleKeyText,
  options: Acting,
): Promise<Verdict> =>
  options.as === undefined
    ? ask(around, 'check', key, options)
    : ask(around, 'delegated-check', key, options, { actor: options.as });

export const explain = (
  around: Surroundings,
  key: TupleKeyText,
  options: Acting,
): Promise<Verdict> =>
  options.as === undefined
    ? ask(around, 'explain', key, options)
    : ask(around, 'delegated-check', key, options, { actor: options.as, explain: true });

async function ask(
  around: Surroundings,
  verb: string,
  { user, relation, object }: TupleKeyText,
  options: Acting,
  more: object = {},
): Promise<Verdict> {
  const { body, headers } = questionOf(options);
  const tuple_key = { ...userOf(user, options), relation, object };
  const path = `/stores/${around.store(options)}/${verb}`;
  const answer = await around
    .api()
    .call('POST', path, { body: { tuple_key, ...body, ...more }, headers });
  return { ...answer, allowed: answer['allowed'] === true };
}

export async function expand(
  around: Surroundings,
  key: { readonly relation: string; readonly object: string },
  options: QuestionOptions & { readonly depth: string },
): Promise<Json> {
  if (!/^[1-9]\d{0,3}$/.test(options.depth)) {
    throw usageError(`--depth ${options.depth}: a whole number from 1 on`);
  }
  const { body, headers } = questionOf(options);
  const path = `/stores/${around.store(options)}/expand`;
  const answer = await around.api().call('POST', path, {
    body: { tuple_key: key, ...body, max_depth: Number(options.depth) },
    headers,
  });
  return answer['tree'] as Json;
}
