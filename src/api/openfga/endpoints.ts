/** What the OpenAPI document says of OpenFGA's API, from the same schemas that requests are held to. */
import type { Config } from '../../config.js';
import { DELEGATION_CHANGES_HEADER } from '../implications.js';
import type { JsonSchema } from '../json-schema.js';
import { PAGING } from '../openapi.js';
import type { Endpoint } from '../openapi.js';
import { bulkEndpoints } from './bulk-endpoints.js';
import { DELEGATED_REQUESTS, DELEGATED_RESPONSES } from './delegated-schemas.js';
import { WRITING_HEADERS } from './model-writing.js';
import { ATTRIBUTES, requestSchemas } from './request-schemas.js';
import type { RequestSchemas } from './request-schemas.js';
import { RESPONSES } from './response-schemas.js';

const OF_STORE = ['Openfga-Store-Id', 'Pemba-Consistency-Token'] as const;
const OF_MODEL = [...OF_STORE, 'Openfga-Authorization-Model-Id'] as const;
const OF_PART = [...OF_MODEL, 'Pemba-Complete'] as const;
const OF_CHECK = [...OF_MODEL, 'Pemba-Decision-Id'] as const;
const OF_LIST = [...OF_PART, 'Pemba-Continuation-Token', 'Pemba-Decision-Id'] as const;

export function openFgaEndpoints(config: Config): readonly Endpoint[] {
  const schemas = requestSchemas(config);
  return [
    ...storeEndpoints(schemas),
    ...modelEndpoints(schemas),
    ...attachmentEndpoints(schemas),
    ...tupleEndpoints(schemas),
    ...attributesEndpoints,
    ...bulkEndpoints,
    ...queryEndpoints(schemas),
    {
      method: 'get',
      path: '/healthz',
      operationId: 'Healthz',
      summary: 'Whether the server serves',
      status: 200,
      answer: RESPONSES.health,
    },
  ];
}

/** What endpoints refer to by name. */
export const openFgaComponents = {
  Error: RESPONSES.error,
  UsersetTree: RESPONSES.usersetTree,
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
      answer: RESPONSES.writtenModel,
      headers: [DELEGATION_CHANGES_HEADER],
      requestHeaders: WRITING_HEADERS,
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

/** What is kept with a model: written as a new version of it, and read. */
function attachmentEndpoints(schemas: RequestSchemas): readonly Endpoint[] {
  const pair = (
    name: string,
    title: string,
    { body, answer, what }: { body: JsonSchema; answer: JsonSchema; what: string },
  ): readonly Endpoint[] => [
    {
      method: 'put',
      path: `/stores/{store_id}/${name}`,
      operationId: `Write${title}`,
      summary: `A new version of the newest model: ${what}`,
      body,
      takesYaml: true,
      requestHeaders: WRITING_HEADERS,
      status: 201,
      answer: RESPONSES.modelId,
    },
    {
      method: 'get',
      path: `/stores/{store_id}/${name}`,
      operationId: `Read${title}`,
      summary: `Of a model, by default the newest, ${what}; {} if nothing is said of it`,
      query: { authorization_model_id: { type: 'string' } },
      status: 200,
      answer,
    },
  ];
  return [
    ...pair('claims-mapping', 'ClaimsMapping', {
      body: schemas.writeClaimsMapping,
      answer: RESPONSES.claimsMapping,
      what: "what the claims of users' tokens mean in it",
    }),
    ...pair('delegation-settings', 'DelegationSettings', {
      body: schemas.writeDelegationSettings,
      answer: RESPONSES.delegationSettings,
      what: 'how services get permits for users',
    }),
    ...pair('authzen-mapping', 'AuthzenMapping', {
      body: schemas.writeAuthzenMapping,
      answer: RESPONSES.authzenMapping,
      what: "what AuthZEN's clients call things, and what else goes with its decisions",
    }),
    ...pair('route-table', 'RouteTable', {
      body: schemas.writeRouteTable,
      answer: RESPONSES.routeTable,
      what: 'what the requests need that gateways ask about',
    }),
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
    {
      method: 'post',
      path: '/stores/{store_id}/rename-tuples',
      operationId: 'RenameTuples',
      summary: 'A step of a rename of a type or a relation; matches nothing when all is in order',
      body: schemas.renameTuples,
      status: 200,
      answer: RESPONSES.renaming,
      headers: [...OF_STORE, 'Pemba-Complete'],
    },
  ];
}

const OF_ENTITY = '/stores/{store_id}/attributes/{type}/{id}';

const attributesEndpoints: readonly Endpoint[] = [
  {
    method: 'put',
    path: OF_ENTITY,
    operationId: 'WriteAttributes',
    summary: 'All attributes of an entity, which conditions see as subject or resource',
    body: ATTRIBUTES,
    status: 204,
    headers: OF_MODEL,
  },
  {
    method: 'get',
    path: OF_ENTITY,
    operationId: 'ReadAttributes',
    summary: 'The attributes of an entity',
    status: 200,
    answer: ATTRIBUTES,
    headers: OF_STORE,
  },
  {
    method: 'delete',
    path: OF_ENTITY,
    operationId: 'DeleteAttributes',
    summary: 'An entity has no attributes any more',
    status: 204,
    headers: OF_MODEL,
  },
];

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
      ...query(
        'delegated-check',
        'DelegatedCheck',
        'May the calling service, acting for this user, do this?',
        DELEGATED_REQUESTS.check,
      ),
      answer: DELEGATED_RESPONSES.check,
      headers: OF_CHECK,
    },
    {
      ...query(
        'delegated-batch-check',
        'DelegatedBatchCheck',
        'Many delegated checks',
        DELEGATED_REQUESTS.batchCheck,
      ),
      answer: DELEGATED_RESPONSES.batchCheck,
      headers: OF_CHECK,
    },
    {
      ...query('explain', 'Explain', 'Why may this user do this, or why not?', check),
      answer: RESPONSES.explain,
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
