/** The OpenAPI 3.1 document, from the same schemas that requests are held to. */
import type { Config } from '../../config.js';
import { YAML_TYPES } from '../yaml-body.js';
import { requestSchemas } from './request-schemas.js';
import type { JsonSchema, RequestSchemas } from './request-schemas.js';
import { RESPONSES } from './response-schemas.js';

interface Endpoint {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly query?: Readonly<Record<string, JsonSchema>>;
  readonly body?: JsonSchema;
  readonly bodyType?: string;
  readonly status: number;
  readonly answer?: JsonSchema;
  readonly answerType?: string;
  /** The body, or the answer, may be the DSL as text. */
  readonly takesDsl?: boolean;
  readonly givesDsl?: boolean;
  /** Of one line, where the answer may be lines. */
  readonly givesLines?: JsonSchema;
  /** The body may be YAML of the same shape. */
  readonly takesYaml?: boolean;
  readonly headers?: readonly HeaderName[];
  /** Whether it waits for the revision of a consistency token. */
  readonly isQuery?: boolean;
  readonly failure?: JsonSchema;
}

const HEADERS = {
  'Openfga-Store-Id': 'The store that the answer is about',
  'Openfga-Authorization-Model-Id': 'The model that the answer was computed under',
  'Pemba-Consistency-Token': 'The revision that the answer was computed at',
  'Pemba-Complete': '`true`, or `false` when there is more than the answer holds',
  'Pemba-Decision-Id': 'Of the decision in the decision log, where there is one',
  'Pemba-Continuation-Token': 'Where to go on with a list that is not complete',
} as const;
type HeaderName = keyof typeof HEADERS;

const OF_STORE = ['Openfga-Store-Id', 'Pemba-Consistency-Token'] as const;
const OF_MODEL = [...OF_STORE, 'Openfga-Authorization-Model-Id'] as const;
const OF_PART = [...OF_MODEL, 'Pemba-Complete'] as const;
const OF_CHECK = [...OF_MODEL, 'Pemba-Decision-Id'] as const;
const OF_LIST = [...OF_PART, 'Pemba-Continuation-Token', 'Pemba-Decision-Id'] as const;

const PAGING = {
  page_size: { type: 'integer', minimum: 1 },
  continuation_token: { type: 'string' },
} as const;

function storeEndpoints(schemas: RequestSchemas): readonly Endpoint[] {
  return [
    {
      method: 'post',
      path: '/stores',
      operationId: 'CreateStore',
      summary: 'Create a store',
      body: schemas.createStore,
      status: 201,
      answer: RESPONSES.store,
    },
    {
      method: 'get',
      path: '/stores',
      operationId: 'ListStores',
      summary: 'List stores in the order of their creation',
      query: { ...PAGING, name: { type: 'string' } },
      status: 200,
      answer: RESPONSES.stores,
    },
    {
      method: 'get',
      path: '/stores/{store_id}',
      operationId: 'GetStore',
      summary: 'One store',
      status: 200,
      answer: RESPONSES.store,
    },
    {
      method: 'delete',
      path: '/stores/{store_id}',
      operationId: 'DeleteStore',
      summary: 'Delete a store and, after the retention, all that is in it',
      status: 204,
    },
  ];
}

function modelEndpoints(schemas: RequestSchemas): readonly Endpoint[] {
  return [
    {
      method: 'post',
      path: '/stores/{store_id}/authorization-models',
      operationId: 'WriteAuthorizationModel',
      summary: 'Write a model, as JSON or (text/plain) as DSL',
      body: schemas.writeModel,
      takesDsl: true,
      status: 201,
      answer: RESPONSES.modelId,
    },
    {
      method: 'get',
      path: '/stores/{store_id}/authorization-models',
      operationId: 'ReadAuthorizationModels',
      summary: 'List models, newest first',
      query: PAGING,
      status: 200,
      answer: RESPONSES.models,
    },
    {
      method: 'get',
      path: '/stores/{store_id}/authorization-models/{authorization_model_id}',
      operationId: 'ReadAuthorizationModel',
      summary: 'One model, as JSON or (format=dsl) as DSL',
      query: { format: { enum: ['json', 'dsl'] } },
      status: 200,
      answer: RESPONSES.model,
      givesDsl: true,
    },
    {
      method: 'put',
      path: '/stores/{store_id}/claims-mapping',
      operationId: 'WriteClaimsMapping',
      summary: "A new version of the newest model: what the claims of users' tokens mean in it",
      body: schemas.writeClaimsMapping,
      takesYaml: true,
      status: 201,
      answer: RESPONSES.modelId,
    },
    {
      method: 'get',
      path: '/stores/{store_id}/claims-mapping',
      operationId: 'ReadClaimsMapping',
      summary: "A model's claims mapping, the newest one's by default; {} if there is none",
      query: { authorization_model_id: { type: 'string' } },
      status: 200,
      answer: RESPONSES.claimsMapping,
    },
    {
      method: 'put',
      path: '/stores/{store_id}/assertions/{authorization_model_id}',
      operationId: 'WriteAssertions',
      summary: "Replace a model's assertions",
      body: schemas.writeAssertions,
      status: 204,
    },
    {
      method: 'get',
      path: '/stores/{store_id}/assertions/{authorization_model_id}',
      operationId: 'ReadAssertions',
      summary: "A model's assertions",
      status: 200,
      answer: RESPONSES.assertions,
    },
  ];
}

function tupleEndpoints(schemas: RequestSchemas): readonly Endpoint[] {
  return [
    {
      method: 'post',
      path: '/stores/{store_id}/write',
      operationId: 'Write',
      summary: 'Write and delete tuples, all or none',
      body: schemas.write,
      status: 200,
      answer: RESPONSES.nothing,
      headers: OF_MODEL,
    },
    {
      method: 'post',
      path: '/stores/{store_id}/read',
      operationId: 'Read',
      summary: 'Stored tuples by any combination of user, relation and object',
      body: schemas.read,
      status: 200,
      answer: RESPONSES.tuples,
      headers: OF_STORE,
    },
    {
      method: 'get',
      path: '/stores/{store_id}/changes',
      operationId: 'ReadChanges',
      summary: 'The change log',
      query: { ...PAGING, type: { type: 'string' }, start_time: { type: 'string' } },
      status: 200,
      answer: RESPONSES.changes,
    },
    {
      method: 'post',
      path: '/stores/{store_id}/import',
      operationId: 'Import',
      summary:
        'Many tuples, one a line, stored in chunks while they arrive; those that are stored ' +
        'already stay as they are. Who accepts application/x-ndjson gets a line a chunk',
      query: { authorization_model_id: { type: 'string' } },
      body: { type: 'string' },
      bodyType: 'application/x-ndjson',
      status: 200,
      answer: RESPONSES.import,
      givesLines: RESPONSES.importLine,
      headers: OF_STORE,
    },
    {
      method: 'post',
      path: '/stores/{store_id}/delete-by-filter',
      operationId: 'DeleteByFilter',
      summary: 'Delete, or with dry_run count, the tuples that match',
      body: schemas.deleteByFilter,
      status: 200,
      answer: RESPONSES.deletion,
      headers: [...OF_STORE, 'Pemba-Complete'],
    },
  ];
}

function queryEndpoints(schemas: RequestSchemas): readonly Endpoint[] {
  const { check, batchCheck, expand, listObjects, listUsers, streamedListObjects } = schemas;
  return [
    {
      ...query('check', 'Check', 'May this user do this?', check),
      answer: RESPONSES.check,
      headers: OF_CHECK,
    },
    {
      ...query('batch-check', 'BatchCheck', 'Many checks', batchCheck),
      answer: RESPONSES.batchCheck,
      headers: OF_CHECK,
    },
    {
      ...query('expand', 'Expand', 'What a userset is made of', expand),
      answer: RESPONSES.expand,
      headers: OF_PART,
    },
    {
      ...query('list-objects', 'ListObjects', 'What a user can reach', listObjects),
      answer: RESPONSES.listObjects,
      headers: OF_LIST,
    },
    {
      ...query(
        'streamed-list-objects',
        'StreamedListObjects',
        'What a user can reach, a line of JSON an object',
        streamedListObjects,
      ),
      answer: { type: 'string' },
      answerType: 'application/x-ndjson',
      headers: OF_LIST,
      failure: RESPONSES.streamFailure,
    },
    {
      ...query('list-users', 'ListUsers', 'Who can reach an object', listUsers),
      answer: RESPONSES.listUsers,
      headers: OF_LIST,
    },
  ];
}

const query = (
  path: string,
  operationId: string,
  summary: string,
  body: JsonSchema,
): Omit<Endpoint, 'answer'> => ({
  method: 'post',
  path: `/stores/{store_id}/${path}`,
  operationId,
  summary,
  body,
  status: 200,
  isQuery: true,
});

export function openApiDocument(config: Config): object {
  const schemas = requestSchemas(config);
  const paths: Record<string, Record<string, object>> = {};
  const endpoints = [
    ...storeEndpoints(schemas),
    ...modelEndpoints(schemas),
    ...tupleEndpoints(schemas),
    ...queryEndpoints(schemas),
    {
      method: 'get' as const,
      path: '/healthz',
      operationId: 'Healthz',
      summary: 'Whether the server serves',
      status: 200,
      answer: RESPONSES.health,
    },
  ];
  for (const endpoint of endpoints) {
    (paths[endpoint.path] ??= {})[endpoint.method] = operationOf(endpoint);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Pemba',
      version: '1',
      description: "OpenFGA's HTTP API, with what Pemba adds in optional members and headers.",
    },
    paths,
    components: { schemas: { Error: RESPONSES.error, UsersetTree: RESPONSES.usersetTree } },
  };
}

const NDJSON = 'application/x-ndjson';
const content = (schema: JsonSchema, type = 'application/json'): object => ({ [type]: { schema } });
/** `contentSchema` is of one line: JSON Schema has no words for several. */
const linesContent = (contentSchema: JsonSchema): object =>
  content(
    { type: 'string', description: 'Lines of JSON', contentMediaType: NDJSON, contentSchema },
    NDJSON,
  );
const yamlContent = (schema: JsonSchema): object =>
  Object.fromEntries(YAML_TYPES.map((type) => [type, { schema }]));
const DSL_CONTENT = content({ type: 'string' }, 'text/plain');

function operationOf(endpoint: Endpoint): object {
  const { operationId, summary, body, answer, status } = endpoint;
  const failure = endpoint.failure ?? { $ref: '#/components/schemas/Error' };
  const success = {
    description: summary,
    ...(endpoint.headers && { headers: headersOf(endpoint.headers) }),
    ...(answer && {
      content: {
        ...content(answer, endpoint.answerType),
        ...(endpoint.givesDsl && DSL_CONTENT),
        ...(endpoint.givesLines && linesContent(endpoint.givesLines)),
      },
    }),
  };
  return {
    operationId,
    summary,
    parameters: parametersOf(endpoint),
    ...(body && {
      requestBody: {
        required: true,
        content: {
          ...content(body, endpoint.bodyType),
          ...(endpoint.takesDsl && DSL_CONTENT),
          ...(endpoint.takesYaml && yamlContent(body)),
        },
      },
    }),
    responses: {
      [status]: success,
      default: { description: 'What went wrong', content: content(failure) },
    },
  };
}

const headersOf = (names: readonly HeaderName[]): object =>
  Object.fromEntries(
    names.map((name) => [name, { description: HEADERS[name], schema: { type: 'string' } }]),
  );

function parametersOf({ path, query = {}, isQuery }: Endpoint): readonly object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query).map(([name, schema]) => ({ name, in: 'query', schema }));
  const token = {
    name: 'Pemba-Consistency-Token',
    in: 'header',
    description: 'Answer at least as fresh as the write or query that returned it',
    schema: { type: 'string' },
  };
  return [...inPath, ...inQuery, ...(isQuery ? [token] : [])];
}
