/**
 * JSON Schemas of the files that people write, for editors to complete and to underline. They are
 * strict, as the readers are: what means nothing is a slip of the pen. What a text must look like
 * inside, and whether it fits a model, only the readers know.
 */
import type { JsonSchema } from '../../api/json-schema.js';
import {
  AUTHZEN_MAPPING,
  CLAIMS_MAPPING,
  DELEGATION_SETTINGS,
  ROUTE_TABLE,
  TUPLE,
} from '../../api/openfga/request-schemas.js';

export const KINDS = [
  'store-file',
  'route-table',
  'authzen-mapping',
  'claims-mapping',
  'delegation-settings',
  'contexts',
] as const;
export type EditorKind = (typeof KINDS)[number];

export function editorSchema(kind: EditorKind): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: TITLES[kind],
    ...strict(SCHEMAS[kind]),
  };
}

const TITLES: Readonly<Record<EditorKind, string>> = {
  'store-file': 'Tests of a schema (*.fga.yaml)',
  'route-table': "What a gateway's requests need",
  'authzen-mapping': "What AuthZEN's clients call things",
  'claims-mapping': "What the claims of users' tokens mean",
  'delegation-settings': 'How long permits last, and what none is for',
  contexts: 'Servers by name (.pemba.yaml)',
};

const TEXT: JsonSchema = { type: 'string' };
const FLAG: JsonSchema = { type: 'boolean' };
const texts: JsonSchema = { type: 'array', items: TEXT };
const anything: JsonSchema = { type: 'object', additionalProperties: true };

const said = (schema: JsonSchema, description: string): JsonSchema => ({ ...schema, description });

const object = (
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
): JsonSchema => ({ type: 'object', required, properties });

const byRelation = (answer: JsonSchema): JsonSchema =>
  said({ type: 'object', minProperties: 1, additionalProperties: answer }, 'By relation');

const USER = said(TEXT, 'user:anne, group:eng#member or user:*');
const OBJECT = said(TEXT, 'order:1001');

const TUPLES = {
  tuples: said({ type: 'array', items: TUPLE }, 'Stored before what is asserted'),
  tuple_file: said(TEXT, 'Of .json, .jsonl, .yaml or .csv, beside this file'),
  tuple_files: texts,
};
const NOW = said(TEXT, 'RFC 3339: the instant at which this holds');

const context = { context: said(anything, 'Parameters of conditions') };

const asked = {
  user: USER,
  users: texts,
  object: OBJECT,
  objects: texts,
  ...context,
  assertions: byRelation(FLAG),
};

const CHECK = object(asked, ['assertions']);
const DELEGATED = object(
  {
    ...asked,
    actor: said(TEXT, 'The service that acts: service:orders'),
    through: said(texts, 'The services before it, the latest one first'),
  },
  ['actor', 'assertions'],
);
const LIST_OBJECTS = object({ user: USER, type: TEXT, ...context, assertions: byRelation(texts) }, [
  'user',
  'type',
  'assertions',
]);
const LIST_USERS = object(
  {
    object: OBJECT,
    user_filter: { type: 'array', items: object({ type: TEXT, relation: TEXT }, ['type']) },
    ...context,
    assertions: byRelation(object({ users: texts }, ['users'])),
  },
  ['object', 'user_filter', 'assertions'],
);

const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

const TEST = object(
  {
    name: TEXT,
    description: TEXT,
    ...TUPLES,
    now: NOW,
    check: list(CHECK),
    delegated_check: list(DELEGATED),
    list_objects: list(LIST_OBJECTS),
    list_users: list(LIST_USERS),
  },
  ['name'],
);

const SCHEMAS: Readonly<Record<EditorKind, JsonSchema>> = {
  'store-file': object({
    name: TEXT,
    model: said(TEXT, 'The schema itself'),
    model_file: said(TEXT, 'A .fga, fga.mod or .json beside this file'),
    ...TUPLES,
    now: NOW,
    attributes: said({ type: 'object', additionalProperties: anything }, 'By entity: user:anne'),
    attributes_file: TEXT,
    tests: list(TEST),
  }),
  'route-table': ROUTE_TABLE,
  'authzen-mapping': AUTHZEN_MAPPING,
  'claims-mapping': CLAIMS_MAPPING,
  'delegation-settings': DELEGATION_SETTINGS,
  contexts: object({
    current: said(TEXT, 'The context that is meant when none is named'),
    contexts: {
      type: 'object',
      additionalProperties: object({
        url: said(TEXT, 'Of the server'),
        store: said(TEXT, 'The id of the store that is meant when none is named'),
        api_key_env: said(TEXT, 'The variable that holds the key'),
        api_key_file: said(TEXT, 'The file that holds the key'),
      }),
    },
  }),
};

/** Objects have the members that they name, and no others. */
function strict(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema).map(([key, value]): [string, unknown] => {
    switch (key) {
      case 'properties':
        return [key, mapped(value as Readonly<Record<string, JsonSchema>>)];
      case 'items':
      case 'additionalProperties':
        return [key, typeof value === 'object' ? strict(value as JsonSchema) : value];
      default:
        return [key, value];
    }
  });
  const isClosed = 'properties' in schema && !('additionalProperties' in schema);
  return { ...Object.fromEntries(entries), ...(isClosed && { additionalProperties: false }) };
}

const mapped = (properties: Readonly<Record<string, JsonSchema>>): object =>
  Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, strict(each)]));
