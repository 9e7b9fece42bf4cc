/**
 * The shapes of the answers. Fastify writes the query routes' answers by them, which is faster than
 * JSON.stringify and drops what is not listed; the OpenAPI document shows all of them, and the API
 * tests hold every answer against it.
 */
import type { JsonSchema } from './request-schemas.js';

const STRING: JsonSchema = { type: 'string' };
const TIME: JsonSchema = { type: 'string', format: 'date-time' };
const strings: JsonSchema = { type: 'array', items: STRING };

const object = (
  properties: Readonly<Record<string, JsonSchema>>,
  optionalMembers: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema => ({
  type: 'object',
  required: Object.keys(properties),
  properties: { ...properties, ...optionalMembers },
});

const ANY_OBJECT: JsonSchema = { type: 'object', additionalProperties: true };
const STORE = object({ id: STRING, name: STRING, created_at: TIME, updated_at: TIME });
const LISTED_STORE = object({
  id: STRING,
  name: STRING,
  created_at: TIME,
  updated_at: TIME,
  deleted_at: { type: 'null' },
});
const MODEL = object({
  id: STRING,
  schema_version: STRING,
  type_definitions: { type: 'array', items: ANY_OBJECT },
  conditions: ANY_OBJECT,
});
const CONDITION: JsonSchema = {
  anyOf: [object({ name: STRING, context: ANY_OBJECT }), { type: 'null' }],
};
const TUPLE_KEY = object(
  { user: STRING, relation: STRING, object: STRING, condition: CONDITION },
  { expires_at: TIME },
);
const TYPED_ID = object({ type: STRING, id: STRING });
const MORE = { continuation_token: STRING };

export const RESPONSES = {
  error: object({ code: STRING, message: STRING }),
  store: STORE,
  stores: object({ stores: { type: 'array', items: LISTED_STORE }, continuation_token: STRING }),
  modelId: object({ authorization_model_id: STRING }),
  model: object({ authorization_model: MODEL }),
  models: object({
    authorization_models: { type: 'array', items: MODEL },
    continuation_token: STRING,
  }),
  nothing: object({}),
  tuples: object({
    tuples: { type: 'array', items: object({ key: TUPLE_KEY, timestamp: TIME }) },
    continuation_token: STRING,
  }),
  changes: object({
    changes: {
      type: 'array',
      items: object({
        tuple_key: TUPLE_KEY,
        operation: { enum: ['TUPLE_OPERATION_WRITE', 'TUPLE_OPERATION_DELETE'] },
        timestamp: TIME,
      }),
    },
    continuation_token: STRING,
  }),
  deletion: object({
    dry_run: { type: 'boolean' },
    matched: { type: 'integer' },
    deleted: { type: 'integer' },
    continuation_token: STRING,
  }),
  check: object({ allowed: { type: 'boolean' }, resolution: STRING }),
  batchCheck: object({
    result: {
      type: 'object',
      additionalProperties: object(
        {},
        {
          allowed: { type: 'boolean' },
          error: object({ message: STRING }, { input_error: STRING, internal_error: STRING }),
        },
      ),
    },
  }),
  expand: object({ tree: object({ root: ANY_OBJECT }) }),
  listObjects: object({ objects: strings }, MORE),
  listUsers: object(
    {
      users: {
        type: 'array',
        items: object(
          {},
          {
            object: TYPED_ID,
            userset: object({ type: STRING, id: STRING, relation: STRING }),
            wildcard: object({ type: STRING }),
          },
        ),
      },
    },
    MORE,
  ),
  assertions: object({
    authorization_model_id: STRING,
    assertions: { type: 'array', items: ANY_OBJECT },
  }),
  health: object({ status: STRING }),
} as const satisfies Readonly<Record<string, JsonSchema>>;
