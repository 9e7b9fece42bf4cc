/**
 * What a server answers to the questions of tests. What a test has of tuples goes along with each of
 * its questions, so the checks of all tests of a file share requests; lists are asked one by one.
 *
 * No question fails of a neighbour: a batch that is refused as a whole is asked again, one by one.
 */
import { keyToWire, tupleToWire } from '../../api/openfga/wire.js';
import { serviceName } from '../../tuple/delegation.js';
import { formatObject, formatSubject } from '../../tuple/tuple.js';
import type { Json } from '../api.js';
import { CommandError, EXIT } from '../command-error.js';
import { contextOf } from './answers.js';
import type { Answer } from './answers.js';
import { formatForm } from './store-file.js';
import type { Assertion, PlacedTuple, Question, StoreTest } from './store-file.js';

/** The API's, where nobody configured another. A server that takes fewer is asked one by one. */
const CHECKS_PER_REQUEST = 50;

export type Post = (verb: string, body: unknown) => Promise<Json>;

type CheckQuestion = Question & { readonly kind: 'check' | 'delegated_check' };
type ListQuestion = Exclude<Question, CheckQuestion>;

/** A question with all that decides about its answer. */
interface Asked<Kind extends Question = Question> {
  readonly assertion: Assertion;
  readonly question: Kind;
  readonly context: object;
  readonly tuples: readonly object[];
}

export async function answersFrom(
  post: Post,
  tests: readonly StoreTest[],
): Promise<ReadonlyMap<Assertion, Answer>> {
  const answers = new Map<Assertion, Answer>();
  const batches = new Map<string, Asked<CheckQuestion>[]>();
  const close = async (batch: readonly Asked<CheckQuestion>[]): Promise<void> => {
    const verdicts = await verdictsOf(post, batch);
    batch.forEach(({ assertion }, i) => answers.set(assertion, verdicts[i] ?? NO_ANSWER));
  };
  for (const asked of tests.flatMap(askedIn)) {
    const { question } = asked;
    if (question.kind === 'list_objects' || question.kind === 'list_users') {
      const names = namesOf(post, { ...asked, question });
      answers.set(asked.assertion, await unlessRefused(names));
      continue;
    }
    const key = JSON.stringify(actingIn(question));
    const batch = batches.get(key) ?? [];
    batches.set(key, batch);
    batch.push({ ...asked, question });
    if (batch.length < CHECKS_PER_REQUEST) continue;
    batches.delete(key);
    await close(batch);
  }
  for (const batch of batches.values()) await close(batch);
  return answers;
}

const NO_ANSWER: Answer = { error: 'there was no answer' };

function askedIn(test: StoreTest): readonly Asked[] {
  const tuples = wireTuples(test.tuples);
  return test.assertions.map((assertion) => ({
    assertion,
    question: assertion.question,
    context: contextOf(test, assertion),
    tuples,
  }));
}

async function verdictsOf(
  post: Post,
  batch: readonly Asked<CheckQuestion>[],
): Promise<readonly Answer[]> {
  const together = batch.length > 1 ? await unlessRefused(inOne(post, batch)) : undefined;
  if (together !== undefined && !('error' in together)) return together;
  const verdicts: Answer[] = [];
  for (const asked of batch) verdicts.push(await unlessRefused(alone(post, asked)));
  return verdicts;
}

/** All have the same services that act. */
async function inOne(
  post: Post,
  batch: readonly Asked<CheckQuestion>[],
): Promise<readonly Answer[]> {
  const acting = batch[0] && actingIn(batch[0].question);
  const answer = await post(acting === undefined ? 'batch-check' : 'delegated-batch-check', {
    checks: batch.map((asked, i) => ({ ...checkBody(asked), correlation_id: String(i) })),
    ...acting,
  });
  const result = answer['result'] as Readonly<Record<string, Json>>;
  return batch.map((_, i) => verdictIn(result[String(i)] ?? {}));
}

async function alone(post: Post, asked: Asked<CheckQuestion>): Promise<Answer> {
  const acting = actingIn(asked.question);
  const verb = acting === undefined ? 'check' : 'delegated-check';
  return verdictIn(await post(verb, { ...checkBody(asked), ...acting }));
}

const checkBody = ({ question, context, tuples }: Asked<CheckQuestion>): object => ({
  tuple_key: keyToWire(question),
  context,
  contextual_tuples: { tuple_keys: tuples },
});

const actingIn = (question: CheckQuestion): object | undefined =>
  question.kind === 'check'
    ? undefined
    : { actor: serviceName(question.actor), chain: question.through.map(serviceName) };

interface Verdict {
  readonly allowed?: boolean;
  /** Of a delegated check. */
  readonly reason?: string;
  /** Of one in a batch. */
  readonly error?: { readonly internal_error?: string; readonly message: string };
}

function verdictIn({ allowed, reason, error }: Verdict): Answer {
  if (error?.internal_error !== undefined) throw new CommandError(error.message, EXIT.unreachable);
  if (error !== undefined) return { error: error.message };
  // In this process that is an error, as of any check.
  if (reason === 'missing_parameters') return { error: 'parameters are missing' };
  return allowed === true;
}

async function unlessRefused<Found>(answer: Promise<Found>): Promise<Found | { error: string }> {
  try {
    return await answer;
  } catch (error) {
    const isRefused = error instanceof CommandError && error.exitCode === EXIT.refused;
    if (isRefused) return { error: error.message };
    throw error;
  }
}

async function namesOf(
  post: Post,
  { question, context, tuples }: Asked<ListQuestion>,
): Promise<readonly string[]> {
  const { relation } = question;
  if (question.kind === 'list_objects') {
    const user = formatSubject(question.subject);
    const contextual_tuples = { tuple_keys: tuples };
    const body = { user, relation, type: question.type, context, contextual_tuples };
    return (await pagesOf(post, 'list-objects', body, 'objects')).map(String).sort();
  }
  const { object, forms } = question;
  const users: string[] = [];
  for (const form of forms) {
    const body = { object, relation, user_filters: [form], context, contextual_tuples: tuples };
    const found = await pagesOf(post, 'list-users', body, 'users');
    users.push(...found.map((user) => userText(user as WireUser, formatForm(form))));
  }
  return users.sort();
}

async function pagesOf(
  post: Post,
  verb: string,
  body: object,
  member: string,
): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  let token = '';
  do {
    const page = await post(verb, token === '' ? body : { ...body, continuation_token: token });
    items.push(...(page[member] as readonly unknown[]));
    const next = page['continuation_token'];
    token = typeof next === 'string' ? next : '';
  } while (token !== '');
  return items;
}

interface WireUser {
  readonly object?: { readonly type: string; readonly id: string };
  readonly userset?: { readonly type: string; readonly id: string; readonly relation: string };
}

/** `type:*` is all that is left. */
function userText({ object, userset }: WireUser, form: string): string {
  if (object !== undefined) return formatObject(object);
  return userset === undefined ? `${form}:*` : formatSubject({ kind: 'userset', ...userset });
}

export const wireTuples = (placed: readonly PlacedTuple[]): readonly object[] =>
  placed.map(({ tuple }) => tupleToWire(tuple));
