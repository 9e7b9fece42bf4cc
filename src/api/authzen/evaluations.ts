/** Questions as a request has them: one, or several with what they have in common. */
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import { PembaError, invalidRequest } from '../../errors.js';
import type { Resolved } from '../../operations/resolve.js';
import type { JsonObject, JsonValue, TupleKey } from '../../tuple/tuple.js';
import type { Bearer } from '../bearer.js';
import { AJV_OPTIONS, schemaProblem } from '../schema-problem.js';
import { askedSubject, entityOf } from './about.js';
import type { WireAbout } from './about.js';
import type { Semantic, WireOptions } from './acting.js';
import { assertedOf, assertedProperties, contextOf } from './circumstances.js';
import { objectOf, relationOf } from './entities.js';
import type { WireAction, WireEntity } from './entities.js';
import type { Asked } from './judgement.js';
import { EVALUATION } from './schemas.js';

export interface WireEvaluation {
  readonly subject: WireEntity;
  readonly action: WireAction;
  readonly resource: WireEntity;
  readonly context?: JsonObject | null;
}

export interface EvaluationBody extends WireEvaluation {
  readonly options?: WireOptions | null;
}

export type RoutedEvaluationBody = Omit<EvaluationBody, 'subject'> & WireAbout;

type Defaults = {
  readonly [Name in keyof WireEvaluation]?: JsonObject | null | undefined;
};

export interface EvaluationsBody extends Defaults {
  readonly subject_token?: string | null;
  readonly options?: WireOptions | null;
  readonly evaluations?: readonly JsonValue[] | null;
}

export const isEvaluation: ValidateFunction<EvaluationBody> = new Ajv({
  ...AJV_OPTIONS,
  strict: false,
}).compile<EvaluationBody>(EVALUATION);

/** Throws `invalid_request` for what is no whole question. */
function evaluationIn(value: unknown): EvaluationBody {
  if (isEvaluation(value)) return value;
  throw schemaProblem(isEvaluation.errors ?? []);
}

/** Undefined where there are several. Then, without any, the request is a question itself. */
export function onlyEvaluationOf(
  body: EvaluationsBody,
  bearer: Bearer,
): EvaluationBody | undefined {
  if ((body.evaluations ?? []).length > 0) return undefined;
  return evaluationIn(bearer === undefined ? body : { ...body, subject: entityOf(bearer) });
}

export interface Item {
  readonly evaluation: WireEvaluation;
  /** Who is asked about, unless the item names somebody. */
  readonly bearer: Bearer;
}

/** An item that is no question is an error, and does not fail the others. */
export function itemsOf(
  body: EvaluationsBody,
  bearer: Bearer,
  max: number,
): readonly (Item | PembaError)[] {
  const { evaluations, action, resource, context } = body;
  const subject = bearer === undefined ? body.subject : entityOf(bearer);
  const items = evaluations ?? [];
  if (items.length > max) {
    throw new PembaError('limit_exceeded', `evaluations: more than ${max}, the allowed limit`, {
      facts: { field: 'evaluations', max },
    });
  }
  const defaults = { subject, action, resource, context };
  return items.map((item) => {
    try {
      const evaluation = evaluationIn(withDefaults(defaults, item));
      return { evaluation, bearer: evaluation.subject === subject ? bearer : undefined };
    } catch (error) {
      if (error instanceof PembaError) return error;
      throw error;
    }
  });
}

/** What an item names takes the place of the default as a whole: nothing is merged below that. */
function withDefaults(defaults: Defaults, item: JsonValue): unknown {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
  const given = Object.entries(item).filter(([, value]) => value !== null);
  if (given.some(([name]) => name === 'subject_token')) {
    throw invalidRequest('subject_token', 'is of the whole request, not of one of its items');
  }
  const common = Object.entries(defaults).filter(([, value]) => value !== undefined);
  return Object.fromEntries([...common, ...given]);
}

export const semanticOf = (options: WireOptions | null | undefined): Semantic =>
  options?.evaluations_semantic ?? 'execute_all';

/** Whether, after this decision, the others are not looked at. */
export function isLast(semantic: Semantic, decision: boolean): boolean {
  switch (semantic) {
    case 'execute_all':
      return false;
    case 'deny_on_first_deny':
      return !decision;
    case 'permit_on_first_permit':
      return decision;
  }
}

/** In the words of the model. Throws `type_not_found` or `relation_not_found`. */
export function askedOf(
  resolved: Resolved,
  caller: string,
  { subject, action, resource, context }: WireEvaluation,
  bearer: Bearer,
): Asked {
  const { authzen } = resolved;
  const object = objectOf(authzen, resource);
  const key: TupleKey = {
    object,
    subject: askedSubject(authzen, subject, bearer),
    relation: relationOf(authzen, object.type, action),
  };
  const properties = assertedProperties(resolved, caller, { subject, action, resource });
  return {
    key,
    contextualTuples: [],
    context: contextOf(resolved, context, properties),
    asserted: assertedOf(properties),
    ...(bearer && { token: bearer }),
  };
}
