/**
 * The shapes of AuthZEN's requests and answers. Unknown members are ignored, and null means absent
 * where a member may be.
 */
import type { JsonSchema } from '../json-schema.js';

/** Identifiers are URLs sometimes. */
const TEXT: JsonSchema = { type: 'string', minLength: 1, maxLength: 512 };
const OBJECT: JsonSchema = { type: ['object', 'null'], additionalProperties: true };
const PAGE_TOKEN_LENGTH_MAX = 5120;

const object = (
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
): JsonSchema => ({ type: 'object', required, properties });

const ENTITY = object({ type: TEXT, id: TEXT, properties: OBJECT }, ['type', 'id']);
/** Of a search: its id does not matter, if there is one. */
const ENTITY_TYPE = object({ type: TEXT, id: {}, properties: OBJECT }, ['type']);
const ACTION = object({ name: TEXT, properties: OBJECT }, ['name']);

const OPTIONS: JsonSchema = {
  type: ['object', 'null'],
  properties: {
    evaluations_semantic: { enum: ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] },
    delegated: {
      type: ['boolean', 'null'],
      description: 'The caller acts for the subject, as the service that it is',
    },
  },
};

const PAGE: JsonSchema = {
  type: ['object', 'null'],
  properties: {
    token: { type: ['string', 'null'], maxLength: PAGE_TOKEN_LENGTH_MAX },
    limit: { type: ['integer', 'null'], minimum: 1 },
  },
};

/** Of its length, whoever verifies it judges. */
const SUBJECT_TOKEN: JsonSchema = {
  type: ['string', 'null'],
  minLength: 1,
  description: 'The JWT of the user who is asked about, in place of `subject`',
};

const QUESTION = {
  subject: ENTITY,
  action: ACTION,
  resource: ENTITY,
  context: OBJECT,
  options: OPTIONS,
};

/** A whole question. */
export const EVALUATION = object(QUESTION, ['subject', 'action', 'resource']);

export const REQUESTS = {
  evaluation: object({ ...QUESTION, subject_token: SUBJECT_TOKEN }, ['action', 'resource']),
  /** Its entities are defaults: held to their shape where an item is left with them. */
  evaluations: object({
    subject: OBJECT,
    subject_token: SUBJECT_TOKEN,
    action: OBJECT,
    resource: OBJECT,
    context: OBJECT,
    options: OPTIONS,
    evaluations: { type: ['array', 'null'], items: {} },
  }),
  searchSubject: object(
    { subject: ENTITY_TYPE, action: ACTION, resource: ENTITY, context: OBJECT, page: PAGE },
    ['subject', 'action', 'resource'],
  ),
  searchResource: object(
    {
      subject: ENTITY,
      subject_token: SUBJECT_TOKEN,
      action: ACTION,
      resource: ENTITY_TYPE,
      context: OBJECT,
      page: PAGE,
    },
    ['action', 'resource'],
  ),
  searchAction: object(
    {
      subject: ENTITY,
      subject_token: SUBJECT_TOKEN,
      resource: ENTITY,
      context: OBJECT,
      page: PAGE,
    },
    ['resource'],
  ),
} satisfies Readonly<Record<string, JsonSchema>>;

const CONTEXT: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  description: 'Where it was asked for, or something went wrong',
};
const DECISION = object({ decision: { type: 'boolean' }, context: CONTEXT }, ['decision']);

const results = (item: JsonSchema): JsonSchema =>
  object(
    {
      page: object({ next_token: { type: 'string' }, count: { type: 'integer' } }, ['next_token']),
      context: CONTEXT,
      results: { type: 'array', items: item },
    },
    ['results'],
  );

const STRING: JsonSchema = { type: 'string' };
const OBLIGATIONS: JsonSchema = {
  type: 'array',
  items: object(
    { id: STRING, type: STRING, properties: { type: 'object', additionalProperties: true } },
    ['id', 'type', 'properties'],
  ),
  description: 'What whoever uses the result has to do',
};
const FOUND_ENTITY = results(
  object({ type: STRING, id: STRING, obligations: OBLIGATIONS }, ['type', 'id']),
);

export const RESPONSES = {
  evaluation: DECISION,
  evaluations: object({
    decision: { type: 'boolean' },
    context: CONTEXT,
    evaluations: { type: 'array', items: DECISION },
  }),
  searchSubject: FOUND_ENTITY,
  searchResource: FOUND_ENTITY,
  searchAction: results(object({ name: STRING, obligations: OBLIGATIONS }, ['name'])),
} satisfies Readonly<Record<string, JsonSchema>>;

/** Fastify writes what is required first, and AuthZEN the page. */
export const inItsOrder = (schema: JsonSchema): JsonSchema => ({ ...schema, required: [] });

/** RFC 9457. */
export const PROBLEM = object(
  { title: STRING, status: { type: 'integer' }, detail: STRING, code: STRING },
  ['title', 'status', 'detail', 'code'],
);
