/**
 * The shapes of the answers. Fastify writes the query routes' answers by them, which is faster than
 * JSON.stringify and drops what is not listed; the OpenAPI document shows all of them, and the API
 * tests hold every answer against it.
 */
import {
  AUTHZEN_MAPPING,
  CLAIMS_MAPPING,
  DELEGATION_SETTINGS,
  ROUTE_TABLE,
} from './request-schemas.js';
import { DELEGATION_CHANGES } from '../implications.js';
import type { JsonSchema } from '../json-schema.js';

const STRING: JsonSchema = { type: 'string' };
const INTEGER: JsonSchema = { type: 'integer' };
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
const METADATA = object(
  { created_at: TIME },
  { message: STRING, author: STRING, git_revision: STRING, written_by: STRING },
);
const MODEL = object(
  {
    id: STRING,
    schema_version: STRING,
    type_definitions: { type: 'array', items: ANY_OBJECT },
    conditions: ANY_OBJECT,
    metadata: METADATA,
  },
  {
    claims_mapping: CLAIMS_MAPPING,
    delegation_settings: DELEGATION_SETTINGS,
    authzen_mapping: AUTHZEN_MAPPING,
    route_table: ROUTE_TABLE,
  },
);
const CONDITION: JsonSchema = {
  anyOf: [object({ name: STRING, context: ANY_OBJECT }), { type: 'null' }],
};
const KEY = { user: STRING, relation: STRING, object: STRING };
const TUPLE_KEY = object({ ...KEY, condition: CONDITION }, { expires_at: TIME });
const TYPED_ID = object({ type: STRING, id: STRING });
const MORE = { continuation_token: STRING };
const ASSERTION = object({
  tuple_key: object(KEY),
  expectation: { type: 'boolean' },
  contextual_tuples: { type: 'array', items: TUPLE_KEY },
  context: { anyOf: [ANY_OBJECT, { type: 'null' }] },
});

const REJECTS: JsonSchema = {
  type: 'array',
  items: object({ line: { type: 'integer' }, message: STRING }),
};
const COUNTS = { written: { type: 'integer' }, rejected: { type: 'integer' } };
const PROGRESS = { line: { type: 'integer' }, ...COUNTS, revision: { type: 'integer' } };

const TREE: JsonSchema = { $ref: '#/components/schemas/UsersetTree' };
const TREES: JsonSchema = { type: 'array', items: TREE };
const USERSET = object({ userset: STRING });
const USERSET_TREE = object(
  { name: STRING },
  {
    leaf: object(
      {},
      {
        users: object({ users: strings }),
        computed: USERSET,
        tupleToUserset: object({ tupleset: STRING, computed: { type: 'array', items: USERSET } }),
      },
    ),
    union: object({ nodes: TREES }),
    intersection: object({ nodes: TREES }),
    difference: object({ base: TREE, subtract: TREE }),
    opened: { ...TREES, description: 'Of a leaf: the trees of the usersets that it names' },
    cycle: { const: true, description: 'The set stands above itself, and is not opened again' },
    truncated: { const: true, description: 'The set was not opened for its depth or size' },
  },
);

export const RESPONSES = {
  error: object({ code: STRING, message: STRING }),
  streamFailure: object({
    error: object({ code: { type: 'integer' }, message: STRING, details: { type: 'array' } }),
  }),
  store: STORE,
  stores: object({ stores: { type: 'array', items: LISTED_STORE }, continuation_token: STRING }),
  claimsMapping: CLAIMS_MAPPING,
  delegationSettings: DELEGATION_SETTINGS,
  authzenMapping: AUTHZEN_MAPPING,
  routeTable: ROUTE_TABLE,
  modelId: object({ authorization_model_id: STRING }),
  writtenModel: object(
    { authorization_model_id: STRING },
    { delegation_changes: DELEGATION_CHANGES },
  ),
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
  restored: object({
    ...{ id: STRING, name: STRING, revision: INTEGER },
    ...{ models: INTEGER, assertions: INTEGER, tuples: INTEGER, attributes: INTEGER },
  }),
  renaming: object({
    dry_run: { type: 'boolean' },
    matched: { type: 'integer' },
    continuation_token: STRING,
  }),
  import: object({ ...COUNTS, rejects: REJECTS }),
  importLine: {
    anyOf: [
      object(PROGRESS, { rejects: REJECTS }),
      object({ ...PROGRESS, rejects: REJECTS, consistency_token: STRING }),
      object({ error: object({ code: STRING, message: STRING }) }),
    ],
  },
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
  explain: object(
    { allowed: { type: 'boolean' }, revision: { type: 'integer' } },
    {
      proof: object(
        { tuples: strings },
        { contextual_tuples: strings, outside_of: strings, expires_at: TIME },
      ),
      reason: { enum: ['no_path', 'condition_false', 'missing_parameters'] },
      parameters: strings,
      denial: { ...ANY_OBJECT, description: 'A tree of the ways that were tried' },
    },
  ),
  expand: object({ tree: object({ root: TREE }) }),
  usersetTree: USERSET_TREE,
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
    assertions: { type: 'array', items: ASSERTION },
  }),
  health: object({ status: STRING }),
} as const satisfies Readonly<Record<string, JsonSchema>>;
