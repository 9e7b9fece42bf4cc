/** What this process answers to an assertion's question. */
import { PembaError, unreachable } from '../../errors.js';
import { check } from '../../query/check.js';
import { listObjects } from '../../query/list-objects.js';
import { listUsers } from '../../query/list-users.js';
import type { Page, PageRequest } from '../../query/page.js';
import type { QueryScope } from '../../query/scope.js';
import { admissionProblem, namesProblem } from '../../schema/admit.js';
import { unknownRelation } from '../../schema/nearest.js';
import type { Plan } from '../../schema/plan.js';
import { ACTOR, THROUGH, actingFor, scopeObject, serviceObject } from '../../tuple/delegation.js';
import type { JsonObject, RelationTuple, TupleKey } from '../../tuple/tuple.js';
import type { formatForm } from './store-file.js';
import type { Assertion, Question, StoreTest } from './store-file.js';
import type { Situation } from './world.js';

/** Names are sorted. */
export type Answer = boolean | readonly string[] | { readonly error: string };

export const isError = (answer: Answer): answer is { readonly error: string } =>
  typeof answer === 'object' && 'error' in answer;

export function answerOf(situation: Situation, question: Question, context: JsonObject): Answer {
  const problem = questionProblem(situation.world.plan, question);
  if (problem !== undefined) return { error: problem };
  try {
    return answer(situation, question, context);
  } catch (error) {
    if (error instanceof PembaError) return { error: error.message };
    throw error;
  }
}

/** Where a test says what time it is, conditions hear of it. */
export function contextOf({ now }: StoreTest, { context }: Assertion): JsonObject {
  return now === undefined ? context : { current_time: new Date(now).toISOString(), ...context };
}

function answer(situation: Situation, question: Question, context: JsonObject): Answer {
  const scope = (): QueryScope => situation.scope(context);
  switch (question.kind) {
    case 'check':
    case 'delegated_check':
      return partsOf(situation, question, context).every((part) => check(part.scope(), part.key));
    case 'list_objects': {
      const ids = namesOf((page) => listObjects(scope(), question, page));
      return ids.map((id) => `${question.type}:${id}`).sort();
    }
    case 'list_users':
      return question.forms
        .flatMap((form) => namesOf((page) => listUsers(scope(), { ...question, form }, page)))
        .sort();
    default:
      return unreachable(question);
  }
}

function namesOf(ask: (page: PageRequest) => Page): readonly string[] {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = ask({ limit: Infinity, ...(after !== undefined && { after }) });
    names.push(...page.names);
    after = page.next;
  } while (after !== undefined);
  return names;
}

export interface CheckPart {
  readonly kind: 'authority' | 'ceiling' | 'chain';
  readonly key: TupleKey;
  readonly scope: () => QueryScope;
}

type Checked = Question & { readonly kind: 'check' | 'delegated_check' };

/** What has to be true: of a service that acts for somebody, its ceiling and the chain's too. */
export function partsOf(
  situation: Situation,
  question: Checked,
  context: JsonObject,
): readonly CheckPart[] {
  const { subject, object, relation } = question;
  const key = { subject, object, relation };
  const scope = (more?: readonly RelationTuple[]) => () => situation.scope(context, more);
  if (question.kind === 'check') return [{ kind: 'authority', key, scope: scope() }];
  const ceilings = ceilingKeys(situation.world.plan, question);
  return [
    ...ceilings.map((ceiling, i): CheckPart => ({
      kind: i === 0 ? 'ceiling' : 'chain',
      key: ceiling,
      scope: scope(),
    })),
    { kind: 'authority', key, scope: scope([actingFor(question.actor, subject)]) },
  ];
}

function ceilingKeys(
  plan: Plan,
  { object, relation, actor, through }: Question & { readonly kind: 'delegated_check' },
): readonly TupleKey[] {
  const hasThrough = plan.relation(THROUGH.type, THROUGH.relation) !== undefined;
  const ceiling = scopeObject(object.type, relation);
  const key = (name: string, service: typeof actor): TupleKey => ({
    object: ceiling,
    relation: name,
    subject: serviceObject(service),
  });
  const before = hasThrough ? THROUGH.relation : ACTOR.relation;
  return [key(ACTOR.relation, actor), ...through.map((service) => key(before, service))];
}

/** That the model has all names of a question. */
export function questionProblem(plan: Plan, question: Question): string | undefined {
  switch (question.kind) {
    case 'check':
      return keyProblem(plan, question);
    case 'delegated_check': {
      const acting = actingFor(question.actor, question.subject);
      const keys = [question, ...ceilingKeys(plan, question)];
      const problem = keys.map((key) => keyProblem(plan, key)).find((each) => each !== undefined);
      return problem ?? admissionProblem(plan, acting);
    }
    case 'list_objects':
      return keyProblem(plan, { ...question, object: { type: question.type, id: '' } });
    case 'list_users':
      return (
        unknownRelation(plan, question.object.type, question.relation) ??
        question.forms.map((form) => formProblem(plan, form)).find((each) => each !== undefined)
      );
  }
}

const keyProblem = (plan: Plan, key: TupleKey): string | undefined =>
  unknownRelation(plan, key.object.type, key.relation) ?? namesProblem(plan, key);

function formProblem(plan: Plan, form: Parameters<typeof formatForm>[0]): string | undefined {
  if (form.relation !== undefined) return unknownRelation(plan, form.type, form.relation);
  return plan.model.types.has(form.type) ? undefined : `type '${form.type}' not found`;
}
