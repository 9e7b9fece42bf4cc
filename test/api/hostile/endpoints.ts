/** Every endpoint that takes JSON: a body that it accepts, and the fields that it looks at. */
import { keyOf } from '../stores.js';

export type Kind = 'string' | 'integer' | 'boolean' | 'object' | 'array';

export interface Field {
  readonly kind: Kind;
  /** An optional one may be null as well. Without a part, the body means something else. */
  readonly presence: 'required' | 'optional' | 'part';
  /** An object whose keys are names that the client chooses. */
  readonly isMap?: boolean;
}

export interface Endpoint {
  readonly name: string;
  readonly method: 'POST' | 'PUT';
  /** With STORE and MODEL for ids. */
  readonly path: string;
  readonly body: object;
  /** By path in the body, such as `checks[0].tuple_key.user`. */
  readonly fields: Readonly<Record<string, Field>>;
  /** People write it: a member that means nothing is a mistake of theirs. */
  readonly isStrict?: boolean;
}

export const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service]
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, user with limited, user with weighed, group#member]
condition limited(limit: int, asked: int) {
  asked <= limit
}
condition weighed(weights: list<double>) {
  weights.size() > 2
}
`;

const required = (kind: Kind): Field => ({ kind, presence: 'required' });
const optional = (kind: Kind): Field => ({ kind, presence: 'optional' });
const part = (kind: Kind): Field => ({ kind, presence: 'part' });
const asMap = (field: Field): Field => ({ ...field, isMap: true });

const KEY = keyOf('document:1#viewer@user:anne');
const TUPLE = {
  ...KEY,
  condition: { name: 'limited', context: { limit: 1 } },
  expires_at: '2999-01-01T00:00:00Z',
};

type Fields = Endpoint['fields'];

const keyFields = (at: string): Fields => ({
  [at]: at.endsWith(']') ? part('object') : required('object'),
  [`${at}.user`]: required('string'),
  [`${at}.relation`]: required('string'),
  [`${at}.object`]: required('string'),
});

const tupleFields = (at: string): Fields => ({
  ...keyFields(at),
  [`${at}.condition`]: optional('object'),
  [`${at}.condition.name`]: required('string'),
  [`${at}.condition.context`]: asMap(part('object')),
  [`${at}.expires_at`]: optional('string'),
});

const target = { authorization_model_id: 'MODEL', consistency: 'MINIMIZE_LATENCY' };
const targetFields: Fields = {
  authorization_model_id: optional('string'),
  consistency: optional('string'),
};

const contextual = { contextual_tuples: { tuple_keys: [TUPLE] }, context: { asked: 1 } };
const contextualFields = (at = ''): Fields => ({
  [`${at}contextual_tuples`]: optional('object'),
  ...tupleFields(`${at}contextual_tuples.tuple_keys[0]`),
  [`${at}context`]: asMap(part('object')),
});

const flatFields = (at = ''): Fields => ({
  [`${at}contextual_tuples`]: optional('array'),
  ...tupleFields(`${at}contextual_tuples[0]`),
  [`${at}context`]: asMap(part('object')),
});

const paging = { page_size: 10, continuation_token: '' };
const pagingFields: Fields = {
  page_size: optional('integer'),
  continuation_token: optional('string'),
};

const filterFields = (at: string): Fields => ({
  [`${at}.user`]: optional('string'),
  [`${at}.relation`]: optional('string'),
  [`${at}.object`]: optional('string'),
});

const inStore = (name: string, body: object, fields: Fields): Endpoint => ({
  name,
  method: 'POST',
  path: `/stores/STORE/${name}`,
  body,
  fields,
});

const MODEL_BODY = {
  schema_version: '1.1',
  type_definitions: [
    {
      type: 'document',
      relations: { viewer: { this: {} }, editor: { computedUserset: { relation: 'viewer' } } },
      metadata: {
        relations: {
          viewer: { directly_related_user_types: [{ type: 'user', condition: 'limited' }] },
        },
      },
    },
    { type: 'user' },
    {
      type: 'service',
      relations: { acting_for: { this: {} } },
      metadata: {
        relations: { acting_for: { directly_related_user_types: [{ type: 'user' }] } },
      },
    },
  ],
  conditions: {
    limited: {
      name: 'limited',
      expression: 'limit > 1',
      parameters: { limit: { type_name: 'TYPE_NAME_INT' } },
    },
  },
};
const ATTACHMENTS = {
  claims_mapping: { context: ['acr'] },
  delegation_settings: { lifetime: '30s' },
  route_table: { routes: [{ path: '/a', methods: ['GET'], public: true }] },
};
const MODEL_FIELDS: Fields = {
  schema_version: required('string'),
  type_definitions: required('array'),
  'type_definitions[0]': part('object'),
  'type_definitions[0].type': required('string'),
  'type_definitions[0].relations': asMap(part('object')),
  'type_definitions[0].relations.viewer': part('object'),
  'type_definitions[0].relations.editor.computedUserset.relation': required('string'),
  'type_definitions[0].metadata': part('object'),
  'type_definitions[0].metadata.relations.viewer.directly_related_user_types': part('array'),
  'type_definitions[0].metadata.relations.viewer.directly_related_user_types[0].type':
    required('string'),
  conditions: asMap(part('object')),
  'conditions.limited': part('object'),
  'conditions.limited.expression': required('string'),
  'conditions.limited.parameters': asMap(part('object')),
  'conditions.limited.parameters.limit.type_name': required('string'),
};

const administration: readonly Endpoint[] = [
  {
    name: 'stores',
    method: 'POST',
    path: '/stores',
    body: { name: 'hostile' },
    fields: { name: required('string') },
  },
  inStore(
    'authorization-models',
    { ...MODEL_BODY, ...ATTACHMENTS },
    {
      ...MODEL_FIELDS,
      claims_mapping: asMap(optional('object')),
      delegation_settings: asMap(optional('object')),
      route_table: asMap(optional('object')),
    },
  ),
  inStore(
    'impact',
    { ...MODEL_BODY, context: { asked: 1 } },
    { ...MODEL_FIELDS, context: asMap(optional('object')) },
  ),
  {
    name: 'claims-mapping',
    method: 'PUT',
    path: '/stores/STORE/claims-mapping',
    body: {
      tuples: [{ each: 'groups', split: ' ', tuple: 'group:{value}#member@{subject}' }],
      context: { acr: 'acr', dept: { claim: 'dept', default: 'none' } },
    },
    fields: {
      tuples: optional('array'),
      'tuples[0]': part('object'),
      'tuples[0].each': part('string'),
      'tuples[0].split': optional('string'),
      'tuples[0].tuple': required('string'),
      'context.acr': part('string'),
      'context.dept.claim': required('string'),
    },
    isStrict: true,
  },
  {
    name: 'delegation-settings',
    method: 'PUT',
    path: '/stores/STORE/delegation-settings',
    body: {
      lifetime: '30s',
      audiences: { orders: ['shop-api'] },
      relations: { 'document#viewer': { lifetime: '5s', online_only: true } },
    },
    fields: {
      lifetime: optional('string'),
      audiences: asMap(optional('object')),
      'audiences.orders': part('array'),
      'audiences.orders[0]': part('string'),
      relations: asMap(optional('object')),
      'relations.document#viewer': part('object'),
      'relations.document#viewer.lifetime': optional('string'),
      'relations.document#viewer.online_only': optional('boolean'),
    },
    isStrict: true,
  },
  {
    name: 'authzen-mapping',
    method: 'PUT',
    path: '/stores/STORE/authzen-mapping',
    body: {
      subjects: { person: 'user' },
      resources: { paper: 'document' },
      types: {
        document: {
          actions: { view: 'viewer' },
          forbidden: 'viewer',
          obligations: {
            viewer: [{ on: 'permit', type: 'custom', id: 'x', properties: { any: 'thing' } }],
          },
        },
      },
      properties: { subject: ['role'], resource: ['owner'], action: ['soft'], callers: ['key:1'] },
    },
    fields: {
      subjects: asMap(optional('object')),
      'subjects.person': part('string'),
      resources: asMap(optional('object')),
      'resources.paper': part('string'),
      types: asMap(optional('object')),
      'types.document': part('object'),
      'types.document.forbidden': optional('string'),
      'types.document.obligations': asMap(optional('object')),
      'types.document.obligations.viewer': part('array'),
      'types.document.obligations.viewer[0]': part('object'),
      'types.document.obligations.viewer[0].on': required('string'),
      'types.document.obligations.viewer[0].type': required('string'),
      'types.document.obligations.viewer[0].id': optional('string'),
      properties: optional('object'),
      'properties.subject': optional('array'),
      'properties.subject[0]': part('string'),
      'properties.resource': optional('array'),
      'properties.action': optional('array'),
      'properties.callers': optional('array'),
    },
    isStrict: true,
  },
  {
    name: 'route-table',
    method: 'PUT',
    path: '/stores/STORE/route-table',
    body: {
      routes: [
        {
          path: '/documents/{id}',
          methods: ['GET'],
          host: 'api.example',
          require: ['document:{path.id}#viewer'],
          transaction: { scope: 'read', requester: 'service:press' },
        },
        { path: '/', methods: ['GET'], public: true, cache: '5s' },
      ],
    },
    fields: {
      routes: optional('array'),
      'routes[0]': part('object'),
      'routes[0].path': required('string'),
      'routes[0].methods': required('array'),
      'routes[0].methods[0]': part('string'),
      'routes[0].host': optional('string'),
      'routes[0].require': required('array'),
      'routes[0].require[0]': part('string'),
      'routes[0].transaction': optional('object'),
      'routes[0].transaction.scope': required('string'),
      'routes[0].transaction.requester': optional('string'),
      'routes[1].public': required('boolean'),
      'routes[1].cache': optional('string'),
    },
    isStrict: true,
  },
  {
    name: 'assertions',
    method: 'PUT',
    path: '/stores/STORE/assertions/MODEL',
    body: {
      assertions: [
        { tuple_key: KEY, expectation: true, contextual_tuples: [TUPLE], context: { asked: 1 } },
      ],
    },
    fields: {
      assertions: required('array'),
      'assertions[0]': part('object'),
      ...keyFields('assertions[0].tuple_key'),
      'assertions[0].expectation': required('boolean'),
      ...flatFields('assertions[0].'),
    },
  },
];

const rights: readonly Endpoint[] = [
  {
    name: 'keys',
    method: 'POST',
    path: '/admin/keys',
    body: {
      name: 'hostile',
      expires_at: '2999-01-01T00:00:00Z',
      roles: [{ role: 'writer', store_id: 'STORE', module: 'orders' }],
    },
    fields: {
      name: required('string'),
      expires_at: optional('string'),
      roles: part('array'),
      'roles[0]': part('object'),
      'roles[0].role': required('string'),
      'roles[0].store_id': part('string'),
      'roles[0].module': optional('string'),
    },
    isStrict: true,
  },
  {
    name: 'grants',
    method: 'POST',
    path: '/admin/grants',
    body: {
      add: [{ role: 'reader', subject: 'key:01HZZZZZZZZZZZZZZZZZZZZZZZ', store_id: 'STORE' }],
      remove: [],
    },
    fields: {
      add: part('array'),
      'add[0]': part('object'),
      'add[0].role': required('string'),
      'add[0].subject': required('string'),
      'add[0].store_id': part('string'),
      remove: part('array'),
    },
    isStrict: true,
  },
  {
    ...inStore(
      'revocations',
      { kind: 'sub', value: 'user:anne' },
      { kind: required('string'), value: part('string') },
    ),
    isStrict: true,
  },
];

const tuples: readonly Endpoint[] = [
  inStore(
    'write',
    {
      writes: { tuple_keys: [TUPLE], on_duplicate: 'replace' },
      deletes: { tuple_keys: [keyOf('document:2#viewer@user:anne')], on_missing: 'ignore' },
      authorization_model_id: 'MODEL',
    },
    {
      writes: optional('object'),
      'writes.tuple_keys': required('array'),
      ...tupleFields('writes.tuple_keys[0]'),
      deletes: optional('object'),
      'deletes.tuple_keys': required('array'),
      ...keyFields('deletes.tuple_keys[0]'),
      authorization_model_id: optional('string'),
    },
  ),
  inStore(
    'read',
    { tuple_key: KEY, ...paging, consistency: 'HIGHER_CONSISTENCY' },
    {
      tuple_key: optional('object'),
      ...filterFields('tuple_key'),
      ...pagingFields,
      consistency: optional('string'),
    },
  ),
  inStore(
    'rename-tuples',
    {
      ...{ type: 'document', relation: 'viewer', to: 'reader' },
      ...{ step: 'copy', dry_run: true, continuation_token: '' },
    },
    {
      type: required('string'),
      relation: optional('string'),
      to: required('string'),
      step: required('string'),
      dry_run: optional('boolean'),
      continuation_token: optional('string'),
    },
  ),
  inStore(
    'delete-by-filter',
    { filter: keyOf('document:2#viewer@user:anne'), dry_run: true, continuation_token: '' },
    {
      filter: required('object'),
      ...filterFields('filter'),
      dry_run: optional('boolean'),
      continuation_token: optional('string'),
    },
  ),
];

const LIST = {
  ...target,
  type: 'document',
  relation: 'viewer',
  user: 'user:anne',
  ...contextual,
  ...paging,
};
const LIST_FIELDS: Fields = {
  ...targetFields,
  type: required('string'),
  relation: required('string'),
  user: required('string'),
  ...contextualFields(),
  ...pagingFields,
};

const ACTING = { actor: 'service:press', chain: ['service:web'], explain: true };
const actingFields: Fields = {
  actor: part('string'),
  chain: optional('array'),
  'chain[0]': part('string'),
  explain: optional('boolean'),
};

const queries: readonly Endpoint[] = [
  inStore(
    'check',
    { ...target, tuple_key: KEY, ...contextual },
    { ...targetFields, ...keyFields('tuple_key'), ...contextualFields() },
  ),
  inStore(
    'explain',
    { ...target, tuple_key: KEY, ...contextual },
    { ...targetFields, ...keyFields('tuple_key'), ...contextualFields() },
  ),
  inStore(
    'batch-check',
    { ...target, checks: [{ tuple_key: KEY, ...contextual, correlation_id: 'one' }] },
    {
      ...targetFields,
      checks: required('array'),
      'checks[0]': part('object'),
      ...keyFields('checks[0].tuple_key'),
      ...contextualFields('checks[0].'),
      'checks[0].correlation_id': required('string'),
    },
  ),
  inStore(
    'delegated-check',
    { ...target, tuple_key: KEY, ...contextual, ...ACTING },
    { ...targetFields, ...keyFields('tuple_key'), ...contextualFields(), ...actingFields },
  ),
  inStore(
    'delegated-batch-check',
    {
      ...{ ...target, ...ACTING },
      checks: [{ tuple_key: KEY, ...contextual, correlation_id: 'one' }],
    },
    {
      ...{ ...targetFields, ...actingFields },
      checks: required('array'),
      'checks[0]': part('object'),
      ...keyFields('checks[0].tuple_key'),
      ...contextualFields('checks[0].'),
      'checks[0].correlation_id': required('string'),
    },
  ),
  inStore(
    'expand',
    {
      ...target,
      tuple_key: { relation: 'viewer', object: 'document:1' },
      contextual_tuples: contextual.contextual_tuples,
      max_depth: 2,
    },
    {
      ...targetFields,
      tuple_key: required('object'),
      'tuple_key.relation': required('string'),
      'tuple_key.object': required('string'),
      contextual_tuples: optional('object'),
      ...tupleFields('contextual_tuples.tuple_keys[0]'),
      max_depth: optional('integer'),
    },
  ),
  inStore('list-objects', LIST, LIST_FIELDS),
  inStore('streamed-list-objects', LIST, LIST_FIELDS),
  inStore(
    'list-users',
    {
      ...target,
      object: { type: 'document', id: '1' },
      relation: 'viewer',
      user_filters: [{ type: 'group', relation: 'member' }],
      contextual_tuples: [TUPLE],
      context: { asked: 1 },
      ...paging,
    },
    {
      ...targetFields,
      object: required('object'),
      'object.type': required('string'),
      'object.id': required('string'),
      relation: required('string'),
      user_filters: required('array'),
      'user_filters[0]': part('object'),
      'user_filters[0].type': required('string'),
      'user_filters[0].relation': optional('string'),
      ...flatFields(),
      ...pagingFields,
    },
  ),
];

export const ENDPOINTS: readonly Endpoint[] = [...administration, ...rights, ...tuples, ...queries];

/** What takes a body and is not here, by the reason: it has tests of its own. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'POST /stores/{store_id}/import': 'takes lines',
  'POST /restore': 'takes lines',
  'POST /oauth/token': 'takes a form',
  'POST /stores/{store_id}/oauth/token': 'takes a form',
  'PUT /stores/{store_id}/attributes/{type}/{id}': 'has no member that means anything',
  'POST /stores/{store_id}/access/v1/evaluation': 'refuses in the shape of AuthZEN',
  'POST /stores/{store_id}/access/v1/evaluations': 'refuses in the shape of AuthZEN',
  'POST /stores/{store_id}/access/v1/search/subject': 'refuses in the shape of AuthZEN',
  'POST /stores/{store_id}/access/v1/search/resource': 'refuses in the shape of AuthZEN',
  'POST /stores/{store_id}/access/v1/search/action': 'refuses in the shape of AuthZEN',
};
