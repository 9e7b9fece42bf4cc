/**
 * The shapes of OpenFGA's requests as JSON Schema: Fastify compiles them for the query routes, a
 * pipe for the controllers, and the OpenAPI document shows them. Unknown members are ignored, and
 * null means absent, as OpenFGA's JSON reader has it. What a string must look like inside (an
 * object, a user) is left to `wire.ts`, which says it better than a pattern can.
 */
import type { Config } from '../../config.js';
import type { JsonSchema } from '../json-schema.js';

export const optional = (schema: JsonSchema): JsonSchema => ({
  ...schema,
  type: [schema['type'], 'null'],
});

const text = (minLength: number, maxLength: number): JsonSchema => ({
  type: 'string',
  minLength,
  maxLength,
});

/** OpenFGA's lengths. */
export const USER_LENGTH_MAX = 512;
export const OBJECT_LENGTH_MAX = 256;
export const RELATION_LENGTH_MAX = 50;
const USER = text(1, USER_LENGTH_MAX);
const OBJECT = text(1, OBJECT_LENGTH_MAX);
const RELATION = text(1, RELATION_LENGTH_MAX);
const TYPE = text(1, 254);
/** With nanoseconds and an offset it has 35. */
const TIME = text(1, 40);
const OPTION = optional({ type: 'string', maxLength: 40 });
const MODEL_ID = optional({ type: 'string', pattern: '^([0-9A-HJKMNP-TV-Z]{26})?$' });
const CONTEXT = optional({ type: 'object' });

export const CONSISTENCIES = ['UNSPECIFIED', 'MINIMIZE_LATENCY', 'HIGHER_CONSISTENCY'] as const;
const CONSISTENCY = { enum: [...CONSISTENCIES, '', null] };

const CONDITION = optional({
  type: 'object',
  required: ['name'],
  properties: { name: text(1, 256), context: CONTEXT },
});

const KEY = { user: USER, relation: RELATION, object: OBJECT };
const KEY_ORDER = ['user', 'relation', 'object'];

export const TUPLE: JsonSchema = {
  type: 'object',
  required: KEY_ORDER,
  properties: {
    ...KEY,
    condition: CONDITION,
    expires_at: optional({ ...TIME, description: 'RFC 3339; then it counts for nothing' }),
  },
};
const TUPLE_KEY: JsonSchema = { type: 'object', required: KEY_ORDER, properties: KEY };

/** The token of a user in place of its name; a verifier looks at what is in it. */
const SUBJECT_TOKEN = optional({
  ...text(1, 16_384),
  description: 'The JWT of the user that is asked about, in place of `user`',
});
const SUBJECT = { user: optional(USER), subject_token: SUBJECT_TOKEN };
const QUESTION_KEY: JsonSchema = {
  type: 'object',
  required: ['relation', 'object'],
  properties: {
    ...KEY,
    user: optional({ ...USER, description: 'Unless there is a subject_token' }),
  },
};

const tuples = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const CONTEXTUAL = optional({ type: 'object', properties: { tuple_keys: tuples(TUPLE) } });
const CONTEXTUAL_FLAT = optional({ type: 'array', items: TUPLE });
const PAGE_TOKEN = optional({ type: 'string', maxLength: 5120 });

const circumstances = { contextual_tuples: CONTEXTUAL, context: CONTEXT };
const target = { authorization_model_id: MODEL_ID, consistency: CONSISTENCY };
const PAGE_SIZE = optional({ type: 'integer' });

/** As many as asked for; `max` is the limit of the page that the answer is. */
const listPaging = (max: number): Readonly<Record<string, JsonSchema>> => ({
  continuation_token: PAGE_TOKEN,
  page_size: optional({ type: 'integer', minimum: 1, maximum: max }),
});

export interface RequestSchemas {
  readonly createStore: JsonSchema;
  readonly writeModel: JsonSchema;
  readonly writeClaimsMapping: JsonSchema;
  readonly writeDelegationSettings: JsonSchema;
  readonly writeAuthzenMapping: JsonSchema;
  readonly writeRouteTable: JsonSchema;
  readonly write: JsonSchema;
  readonly read: JsonSchema;
  readonly deleteByFilter: JsonSchema;
  readonly renameTuples: JsonSchema;
  readonly check: JsonSchema;
  readonly batchCheck: JsonSchema;
  readonly expand: JsonSchema;
  readonly listObjects: JsonSchema;
  readonly streamedListObjects: JsonSchema;
  readonly listUsers: JsonSchema;
  readonly writeAssertions: JsonSchema;
}

export const object = (
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
): JsonSchema => ({ type: 'object', required, properties });

const FILTER = object({
  user: optional({ type: 'string', maxLength: 512 }),
  relation: optional({ type: 'string', maxLength: 50 }),
  object: optional({ type: 'string', maxLength: 256 }),
});

const LISTED = {
  ...target,
  type: TYPE,
  relation: RELATION,
  ...SUBJECT,
  ...circumstances,
};

/** Of any names; `operations/attributes.ts` bounds them. */
export const ATTRIBUTES: JsonSchema = { type: 'object', additionalProperties: true };
export const ATTRIBUTES_LINE = object({ entity: OBJECT, attributes: ATTRIBUTES }, [
  'entity',
  'attributes',
]);

const CLAIM_PATH: JsonSchema = { type: ['string', 'array'], items: { type: 'string' } };

/** `schema/claims-mapping-wire.ts` holds mappings to their rules; this is what is shown of them. */
export const CLAIMS_MAPPING = object({
  tuples: optional({
    type: 'array',
    items: object(
      { each: CLAIM_PATH, split: optional({ type: 'string' }), tuple: { type: 'string' } },
      ['each', 'tuple'],
    ),
  }),
  context: {
    type: ['array', 'object', 'null'],
    items: { type: 'string' },
    additionalProperties: {
      type: ['string', 'array', 'object'],
      items: { type: 'string' },
      required: ['claim', 'default'],
      properties: { claim: CLAIM_PATH, default: {} },
    },
  },
});

const LIFETIME = optional({ type: 'string', description: 'From 1s to 300s' });

/** `schema/delegation-settings.ts` holds them to their rules. */
export const DELEGATION_SETTINGS = object({
  lifetime: LIFETIME,
  audiences: optional({
    type: 'object',
    description: "By a service's id: the audiences of users' tokens that are meant for it",
    additionalProperties: { type: 'array', items: { type: 'string' } },
  }),
  relations: optional({
    type: 'object',
    description: 'By type#relation',
    additionalProperties: object({
      lifetime: LIFETIME,
      online_only: optional({ type: 'boolean' }),
    }),
  }),
});

const TEXTS = optional({ type: 'array', items: { type: 'string' } });
const NAMES = optional({ type: 'object', additionalProperties: { type: 'string' } });

/** `schema/authzen-mapping-wire.ts` holds it to its rules. */
export const AUTHZEN_MAPPING = object({
  subjects: { ...NAMES, description: "AuthZEN's types of subjects, and the model's" },
  resources: { ...NAMES, description: 'The same of resources' },
  types: optional({
    type: 'object',
    description: "By the model's name",
    additionalProperties: object({
      actions: {
        type: ['array', 'object', 'null'],
        description: 'All actions, and their relations where these have other names',
        items: { type: 'string' },
        additionalProperties: { type: 'string' },
      },
      forbidden: optional({ type: 'string', description: 'A relation that vetoes all others' }),
      obligations: optional({
        type: 'object',
        description: 'By relation',
        additionalProperties: {
          type: 'array',
          items: object(
            {
              on: { enum: ['permit', 'deny'] },
              type: { enum: ['step-up', 'notification', 'custom'] },
              id: optional({ type: 'string' }),
              properties: optional({ type: 'object', additionalProperties: true }),
            },
            ['on', 'type'],
          ),
        },
      }),
    }),
  }),
  properties: {
    ...optional(object({ subject: TEXTS, resource: TEXTS, action: TEXTS, callers: TEXTS })),
    description: 'What requests may say of entities, and whose',
  },
});

const RULE = {
  host: optional({ type: 'string', description: 'Any, unless said' }),
  public: optional({ type: 'boolean' }),
  require: {
    type: ['string', 'array', 'null'],
    items: { type: 'string' },
    description: 'Such as order:{path.order}#can_read; of several all',
  },
  cache: optional({ type: 'string', description: 'From 1s to 300s' }),
  transaction: optional(
    object({ scope: { type: 'string' }, requester: optional({ type: 'string' }) }, ['scope']),
  ),
};

/** `schema/route-table.ts` holds it to its rules. */
export const ROUTE_TABLE = object({
  routes: optional({
    type: 'array',
    items: object(
      {
        path: { type: 'string' },
        methods: { type: 'array', items: { type: 'string' } },
        ...RULE,
      },
      ['path', 'methods'],
    ),
  }),
});

const OPENAPI_DOCUMENT = {
  type: 'object',
  description: 'An OpenAPI document, whose operations have such rules as `x-authz`',
  required: ['openapi', 'paths'],
  properties: { openapi: { type: 'string' }, paths: { type: 'object' } },
};

const WRITE_MODEL = object(
  {
    schema_version: { type: 'string' },
    type_definitions: { type: 'array', minItems: 1 },
    conditions: optional({ type: 'object' }),
    claims_mapping: optional(CLAIMS_MAPPING),
    delegation_settings: optional(DELEGATION_SETTINGS),
    authzen_mapping: optional(AUTHZEN_MAPPING),
    route_table: optional(ROUTE_TABLE),
  },
  ['type_definitions', 'schema_version'],
);

const WRITE = object({
  writes: optional(object({ tuple_keys: tuples(TUPLE), on_duplicate: OPTION }, ['tuple_keys'])),
  deletes: optional(object({ tuple_keys: tuples(TUPLE_KEY), on_missing: OPTION }, ['tuple_keys'])),
  authorization_model_id: MODEL_ID,
});

const READ = object({
  tuple_key: optional(FILTER),
  page_size: PAGE_SIZE,
  continuation_token: PAGE_TOKEN,
  consistency: CONSISTENCY,
});

const DELETE_BY_FILTER = object({
  filter: FILTER,
  dry_run: optional({ type: 'boolean' }),
  continuation_token: PAGE_TOKEN,
});

const RENAME_TUPLES = object(
  {
    type: TYPE,
    relation: optional({ ...RELATION, description: 'Of the type; else the type is renamed' }),
    to: text(1, 254),
    step: {
      enum: ['copy', 'clean'],
      description:
        'copy: every tuple of the old name gets a copy under the new one, which the newest model ' +
        'must not admit yet. clean: tuples of the old name go, which it must not admit any more',
    },
    dry_run: optional({ type: 'boolean' }),
    continuation_token: PAGE_TOKEN,
  },
  ['type', 'to', 'step'],
);

export const CHECK = object(
  { ...target, tuple_key: QUESTION_KEY, subject_token: SUBJECT_TOKEN, ...circumstances },
  ['tuple_key'],
);

const BATCH_ITEM = object(
  {
    tuple_key: QUESTION_KEY,
    ...circumstances,
    correlation_id: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,36}$' },
  },
  ['tuple_key', 'correlation_id'],
);

export const BATCH_CHECK = object(
  { ...target, checks: { type: 'array', items: BATCH_ITEM }, subject_token: SUBJECT_TOKEN },
  ['checks'],
);

const expandSchema = (maxDepth: number): JsonSchema =>
  object(
    {
      ...target,
      tuple_key: object({ relation: RELATION, object: OBJECT }, ['relation', 'object']),
      contextual_tuples: CONTEXTUAL,
      max_depth: optional({ type: 'integer', minimum: 1, maximum: maxDepth }),
    },
    ['tuple_key'],
  );

const listObjectsSchema = (maxResults: number): JsonSchema =>
  object({ ...LISTED, ...listPaging(maxResults) }, ['type', 'relation']);

const USER_FILTER = object({ type: TYPE, relation: optional({ type: 'string', maxLength: 50 }) }, [
  'type',
]);

const listUsersSchema = (maxResults: number): JsonSchema =>
  object(
    {
      ...target,
      object: object({ type: TYPE, id: text(1, 256) }, ['type', 'id']),
      relation: RELATION,
      user_filters: { type: 'array', minItems: 1, maxItems: 1, items: USER_FILTER },
      contextual_tuples: CONTEXTUAL_FLAT,
      context: CONTEXT,
      ...listPaging(maxResults),
    },
    ['object', 'relation', 'user_filters'],
  );

/** OpenFGA's. */
const MAX_ASSERTION_TUPLES = 20;

export const ASSERTION = object(
  {
    tuple_key: TUPLE_KEY,
    expectation: { type: 'boolean' },
    contextual_tuples: optional({ type: 'array', items: TUPLE, maxItems: MAX_ASSERTION_TUPLES }),
    context: CONTEXT,
  },
  ['tuple_key', 'expectation'],
);

export function requestSchemas(config: Config): RequestSchemas {
  return {
    createStore: object({ name: { type: 'string' } }, ['name']),
    writeModel: WRITE_MODEL,
    writeClaimsMapping: CLAIMS_MAPPING,
    writeDelegationSettings: DELEGATION_SETTINGS,
    writeAuthzenMapping: AUTHZEN_MAPPING,
    writeRouteTable: { anyOf: [ROUTE_TABLE, OPENAPI_DOCUMENT] },
    write: WRITE,
    read: READ,
    deleteByFilter: DELETE_BY_FILTER,
    renameTuples: RENAME_TUPLES,
    check: CHECK,
    batchCheck: BATCH_CHECK,
    expand: expandSchema(config.expandMaxDepth),
    listObjects: listObjectsSchema(config.maxListResults),
    streamedListObjects: listObjectsSchema(config.maxStreamedResults),
    listUsers: listUsersSchema(config.maxListResults),
    writeAssertions: object({ assertions: { type: 'array', items: ASSERTION } }, ['assertions']),
  };
}
