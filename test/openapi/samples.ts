/** A request that succeeds and one that fails, for every operation of the OpenAPI document. */
import { createHash } from 'node:crypto';
import { keyOf } from '../api/stores.js';

export interface Sample {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** A body that is no JSON, and what it is. */
  readonly text?: string;
  readonly type?: string;
}

export interface Samples {
  readonly success: readonly Sample[];
  readonly errors: readonly Sample[];
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
    define parent: [document]
    define owner: [user]
    define blocked: [user]
    define viewer: [user, user:*, user with limited, group#member] or owner or viewer from parent
    define editor: viewer and owner
    define reader: viewer but not blocked
    define printer: [service]
    define can_print: viewer and acting_for from printer
condition limited(limit: int, asked: int) {
  asked <= limit
}
`;

export const TUPLES = [
  'document:1#owner@user:anne',
  'document:1#parent@document:2',
  'document:1#viewer@user:*',
  'document:1#viewer@group:eng#member',
  'group:eng#member@user:ben',
  'document:1#printer@service:press',
  'scope:document.can_print#actor@service:press',
  {
    ...keyOf('document:3#viewer@user:carl'),
    condition: { name: 'limited', context: { limit: 1 } },
    expires_at: '2999-01-01T00:00:00Z',
  },
];

const UNKNOWN_ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const NAME = 'document:1#viewer@user:anne';
const TYPES = [{ type: 'user' }];
const DELEGATED = { tuple_key: keyOf(NAME) };
const LIST = { user: 'user:anne', relation: 'viewer', type: 'document' };
const EXPAND = ['viewer', 'editor', 'reader'].map((relation) => ({
  body: { tuple_key: { relation, object: 'document:1' } },
}));

/** What is asked of everything that lies in a store. */
const inNoStore: Sample = { path: { store_id: UNKNOWN_ID } };
const inBadStore: Sample = { path: { store_id: 'x' } };

const storeSamples: Readonly<Record<string, Samples>> = {
  CreateStore: {
    success: [{ body: { name: 'sample' } }],
    errors: [{ body: { name: '' } }, { body: {} }, { text: 'x' }],
  },
  ListStores: {
    success: [{}, { query: { page_size: '1' } }, { query: { name: 'test' } }],
    errors: [{ query: { page_size: '0' } }, { query: { continuation_token: 'x' } }],
  },
  GetStore: { success: [{}], errors: [inNoStore, inBadStore] },
  // Deleting what is not there succeeds, and leaves the store for the other samples.
  DeleteStore: { success: [inNoStore], errors: [inBadStore] },
};

const modelSamples: Readonly<Record<string, Samples>> = {
  WriteAuthorizationModel: {
    success: [{ body: { schema_version: '1.1', type_definitions: TYPES } }, { text: MODEL }],
    errors: [
      { body: { schema_version: '1.1', type_definitions: [] } },
      { text: 'model' },
      { ...inNoStore, body: { schema_version: '1.1', type_definitions: TYPES } },
      { body: { schema_version: '1.1', type_definitions: TYPES, claims_mapping: { tuples: 1 } } },
      { body: { schema_version: '1.1', type_definitions: TYPES, delegation_settings: { a: 1 } } },
    ],
  },
  Impact: {
    success: [
      { body: { schema_version: '1.1', type_definitions: TYPES, context: { a: 1 } } },
      { text: MODEL, query: { samples: '1' } },
    ],
    errors: [
      { body: { schema_version: '1.1', type_definitions: [] } },
      { text: 'model' },
      { text: MODEL, query: { samples: 'x' } },
      { ...inNoStore, text: MODEL },
    ],
  },
  ReadAuthorizationModels: {
    success: [{}, { query: { page_size: '1' } }],
    errors: [{ query: { page_size: '101' } }, inNoStore],
  },
  ReadAuthorizationModel: {
    success: [{}, { query: { format: 'json' } }, { query: { format: 'dsl' } }],
    errors: [
      { path: { authorization_model_id: UNKNOWN_ID } },
      { path: { authorization_model_id: 'x' } },
      { query: { format: 'yaml' } },
    ],
  },
  WriteClaimsMapping: {
    success: [
      { body: {} },
      { body: { context: ['acr'] } },
      {
        type: 'application/yaml',
        text:
          'tuples: [{each: groups, split: " ", tuple: "group:{value}#member@{subject}"}]\n' +
          'context: {acr: {claim: acr, default: "0"}, dept: [dept]}',
      },
      { type: 'text/yaml', text: 'tuples: [{each: [g], tuple: "group:{value}#member@{subject}"}]' },
    ],
    errors: [
      { body: { tuples: [{ each: 'g', tuple: 'none:{value}#member@{subject}' }] } },
      { type: 'text/yaml', text: 'a: *b' },
      { ...inNoStore, body: {} },
    ],
  },
  ReadClaimsMapping: {
    success: [{}, { query: { authorization_model_id: '' } }],
    errors: [{ query: { authorization_model_id: UNKNOWN_ID } }, inNoStore, inBadStore],
  },
  WriteDelegationSettings: {
    success: [
      { body: {} },
      {
        body: {
          lifetime: '30s',
          audiences: { press: ['print-api'] },
          relations: { 'document#can_print': { lifetime: '5s', online_only: true } },
        },
      },
      { type: 'application/yaml', text: 'lifetime: 2m\nrelations: {document#can_print: {}}' },
    ],
    errors: [
      { body: { relations: { 'document#none': {} } } },
      { body: { lifetime: '1h' } },
      { type: 'text/yaml', text: 'lifetime' },
      { ...inNoStore, body: {} },
    ],
  },
  ReadDelegationSettings: {
    success: [{}, { query: { authorization_model_id: '' } }],
    errors: [{ query: { authorization_model_id: UNKNOWN_ID } }, inNoStore, inBadStore],
  },
  WriteAuthzenMapping: {
    success: [
      { body: {} },
      {
        body: {
          subjects: { person: 'user' },
          resources: { paper: 'document', anything: 'document:1' },
          types: {
            document: {
              actions: { view: 'viewer', edit: 'editor', approve: 'owner' },
              forbidden: 'blocked',
              obligations: {
                owner: [{ on: 'permit', type: 'step-up', properties: { acr_value: '2' } }],
              },
            },
          },
          properties: { subject: ['role'], resource: ['*'], callers: ['key:gateway'] },
        },
      },
      { type: 'application/yaml', text: 'types: {document: {actions: [viewer]}}' },
      { body: {} },
    ],
    errors: [
      { body: { types: { document: { actions: ['none'] } } } },
      { body: { subjects: { person: 'none' } } },
      { type: 'text/yaml', text: 'types' },
      { ...inNoStore, body: {} },
    ],
  },
  ReadAuthzenMapping: {
    success: [{}, { query: { authorization_model_id: '' } }],
    errors: [{ query: { authorization_model_id: UNKNOWN_ID } }, inNoStore, inBadStore],
  },
  WriteRouteTable: {
    success: [
      { body: {} },
      {
        body: {
          routes: [
            {
              path: '/documents/{id}',
              methods: ['GET'],
              require: 'document:{path.id}#viewer',
              cache: '5s',
            },
          ],
        },
      },
      {
        body: {
          openapi: '3.1.0',
          paths: { '/health': { get: { 'x-authz': { public: true } } } },
        },
      },
      {
        type: 'application/yaml',
        text: 'routes: [{path: /health, methods: [GET], public: true}]',
      },
    ],
    errors: [
      { body: { routes: [{ path: '/a', methods: ['GET'], require: 'document:1#none' }] } },
      { type: 'text/yaml', text: 'routes' },
      { ...inNoStore, body: {} },
    ],
  },
  ReadRouteTable: {
    success: [{}, { query: { authorization_model_id: '' } }],
    errors: [{ query: { authorization_model_id: UNKNOWN_ID } }, inNoStore, inBadStore],
  },
  AskForGateway: {
    success: [
      {
        path: { profile: 'nginx' },
        headers: { 'x-original-method': 'GET', 'x-original-uri': '/health' },
      },
    ],
    errors: [{ path: { profile: 'nginx' } }, { ...inBadStore, path: { store_id: 'x' } }],
  },
  // The store that is configured in the tests is none.
  AskForGatewayAtRoot: {
    success: [],
    errors: [{ path: { profile: 'caddy' } }],
  },
  WriteAssertions: {
    success: [
      {
        body: {
          assertions: [
            {
              tuple_key: keyOf(NAME),
              expectation: true,
              contextual_tuples: [keyOf(NAME)],
              context: { asked: 1 },
            },
            { tuple_key: keyOf(NAME), expectation: false },
          ],
        },
      },
    ],
    errors: [{ body: {} }, { ...inNoStore, body: { assertions: [] } }],
  },
  ReadAssertions: {
    success: [{}],
    errors: [{ path: { authorization_model_id: UNKNOWN_ID } }, inNoStore],
  },
};

const subject = `key:${UNKNOWN_ID}`;
const inNoKey: Sample = { path: { key_id: UNKNOWN_ID } };

const adminSamples: Readonly<Record<string, Samples>> = {
  WhoAmI: { success: [{}], errors: [] },
  CreateKey: {
    success: [
      { body: { name: 'k', roles: [{ role: 'creator' }] } },
      { body: { name: 'k', expires_at: '2999-01-01T00:00:00Z', roles: [] } },
    ],
    errors: [{ body: {} }, { body: { name: 'k', roles: [{ role: 'reader' }] } }],
  },
  ListKeys: {
    success: [{}, { query: { page_size: '1' } }],
    errors: [{ query: { page_size: '0' } }, { query: { continuation_token: 'x' } }],
  },
  GetKey: { success: [{}], errors: [inNoKey, { path: { key_id: 'x' } }] },
  RevokeKey: { success: [{}], errors: [inNoKey, { path: { key_id: 'x' } }] },
  ListGrants: { success: [{}], errors: [{ query: { store_id: 'x' } }] },
  ChangeGrants: {
    success: [{ body: { add: [{ role: 'creator', subject }] } }],
    errors: [{ body: {} }, { body: { add: [{ role: 'creator', subject: 'team:x' }] } }],
  },
  ListSigningKeys: { success: [{}], errors: [] },
  RotateSigningKeys: { success: [{}], errors: [] },
  DropSigningKey: {
    success: [{}],
    errors: [{ path: { kid: 'x'.repeat(43) } }, { path: { kid: 'x' } }],
  },
  ReadAudit: {
    success: [{}, { query: { order: 'oldest', page_size: '1', action: 'model.write' } }],
    errors: [{ query: { action: 'x' } }, inBadStore],
  },
  ReadDelegations: {
    success: [{}, { query: { authorization_model_id: '' } }],
    errors: [{ query: { authorization_model_id: 'x' } }, inNoStore, inBadStore],
  },
  VerifyAudit: { success: [{}], errors: [{ query: { after: '1' } }, inBadStore] },
};

const BACKED_UP =
  '{"store":{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","name":"sample","format":1,"revision":0}}\n';
const BACKUP = `${BACKED_UP}${JSON.stringify({
  end: {
    ...{ revision: 0, models: 0, assertions: 0, tuples: 0, attributes: 0 },
    sha256: createHash('sha256').update(BACKED_UP).digest('hex'),
  },
})}\n`;
const LINES: Sample = { type: 'application/x-ndjson' };

const tupleSamples: Readonly<Record<string, Samples>> = {
  Write: {
    success: [
      { body: { writes: { tuple_keys: [keyOf(NAME)], on_duplicate: 'replace' } } },
      { body: { deletes: { tuple_keys: [keyOf(NAME)], on_missing: 'ignore' } } },
    ],
    errors: [{ body: {} }, { body: { writes: { tuple_keys: [keyOf(TUPLES[0] as string)] } } }],
  },
  Read: {
    success: [{ body: {} }, { body: { tuple_key: { user: 'user:' }, page_size: 1 } }],
    errors: [{ body: { tuple_key: {} } }, { ...inNoStore, body: {} }],
  },
  ReadChanges: {
    success: [
      {},
      { query: { page_size: '1', type: 'document', start_time: '2020-01-01T00:00:00Z' } },
    ],
    errors: [{ query: { start_time: 'today' } }, inNoStore],
  },
  Import: {
    success: [
      { ...LINES, text: `${JSON.stringify(keyOf('document:4#owner@user:dora'))}\n\nnone\n` },
      { ...LINES, text: '{"entity":"user:dora","attributes":{"level":1}}\n' },
      { ...LINES, query: { authorization_model_id: '' }, text: '' },
    ],
    errors: [{ body: {} }, { ...inNoStore, ...LINES, text: '{}' }],
  },
  Export: { success: [{}], errors: [inNoStore, inBadStore] },
  Restore: {
    success: [{ ...LINES, text: BACKUP }],
    errors: [{ body: {} }, { ...LINES, text: '' }],
  },
  Backup: { success: [{}], errors: [inNoStore, inBadStore] },
  DeleteByFilter: {
    success: [
      { body: { filter: { user: 'user:anne' }, dry_run: true } },
      { body: { filter: { user: 'user:nobody' } } },
    ],
    errors: [{ body: { filter: {} } }, { ...inNoStore, body: { filter: { user: 'user:a' } } }],
  },
  RenameTuples: {
    success: [{ body: { type: 'document', relation: 'owner', to: 'keeper', step: 'copy' } }],
    errors: [
      { body: {} },
      { body: { type: 'document', relation: 'owner', to: 'owner', step: 'copy' } },
      { body: { type: 'document', relation: 'owner', to: 'keeper', step: 'clean' } },
      { ...inNoStore, body: { type: 'document', to: 'page', step: 'copy' } },
    ],
  },
};

const badItem = { tuple_key: keyOf('document:1#none@user:a'), correlation_id: 'bad' };

const querySamples: Readonly<Record<string, Samples>> = {
  Check: {
    success: [{ body: { tuple_key: keyOf(NAME) } }],
    errors: [
      { body: {} },
      { body: { tuple_key: keyOf(NAME), subject_token: 'a.b.c' } },
      { body: { tuple_key: { ...keyOf(NAME), user: null }, subject_token: 'a.b.c' } },
      { ...inNoStore, body: { tuple_key: keyOf(NAME) } },
    ],
  },
  BatchCheck: {
    success: [{ body: { checks: [{ tuple_key: keyOf(NAME), correlation_id: 'good' }, badItem] } }],
    errors: [{ body: { checks: [] } }],
  },
  DelegatedCheck: {
    success: [
      { body: { ...DELEGATED, actor: 'service:orders' } },
      { body: { ...DELEGATED, actor: 'web', chain: ['service:portal'] } },
    ],
    errors: [{ body: DELEGATED }, { body: { ...DELEGATED, actor: 'user:anne' } }],
  },
  DelegatedBatchCheck: {
    success: [
      {
        body: {
          actor: 'service:orders',
          checks: [{ ...DELEGATED, correlation_id: 'good' }, badItem],
        },
      },
    ],
    errors: [{ body: { actor: 'service:orders', checks: [] } }],
  },
  Explain: {
    success: [
      { body: { tuple_key: keyOf(NAME) } },
      { body: { tuple_key: keyOf('document:1#owner@user:ben') } },
    ],
    errors: [{ body: {} }, { body: { tuple_key: keyOf('document:1#none@user:ben') } }],
  },
  Expand: {
    success: [...EXPAND, { body: { ...EXPAND[0]?.body, max_depth: 3 } }],
    errors: [{ body: { tuple_key: { relation: 'none', object: 'document:1' } } }],
  },
  ListObjects: {
    success: [{ body: LIST }, { body: { ...LIST, page_size: 1 } }],
    errors: [{ body: { ...LIST, type: 'none' } }, { body: {} }],
  },
  StreamedListObjects: {
    success: [{ body: LIST }, { body: { ...LIST, page_size: 1 } }],
    errors: [{ body: { ...LIST, type: 'none' } }, { body: {} }, { text: 'x' }],
  },
  ListUsers: {
    success: [{ type: 'user' }, { type: 'group', relation: 'member' }].map((filter) => ({
      body: {
        object: { type: 'document', id: '1' },
        relation: 'viewer',
        user_filters: [filter],
        context: { asked: 1 },
      },
    })),
    errors: [{ body: {} }],
  },
};

/** Nobody looks whether there is one before a client is authenticated. */
export const PERMITS_STORE = UNKNOWN_ID;

const exchangeForm = (more: object = {}): Sample => ({
  type: 'application/x-www-form-urlencoded',
  text: new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'a.b.c',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'inventory',
    ...more,
  }).toString(),
});

const permitForm = exchangeForm({
  authorization_details: JSON.stringify([
    {
      type: 'urn:pemba:permission',
      actions: ['can_reserve'],
      resource: { type: 'item', id: '9' },
      context: { amount: 1 },
    },
  ]),
});
const txnForm = exchangeForm({
  requested_token_type: 'urn:ietf:params:oauth:token-type:txn_token',
  scope: 'checkout',
});
const exchanges: Samples = {
  success: [permitForm, txnForm],
  errors: [exchangeForm(), { body: {} }, { ...exchangeForm(), text: 'a=%' }],
};

const oauthSamples: Readonly<Record<string, Samples>> = {
  ExchangeToken: exchanges,
  ExchangeTokenOfStore: {
    success: [...exchanges.success, { ...inNoStore, ...permitForm }],
    errors: [...exchanges.errors, { ...inBadStore, ...permitForm }],
  },
  ReadIssuerMetadata: { success: [{}], errors: [] },
  ReadIssuerMetadataOfStore: { success: [{}, inNoStore], errors: [inBadStore] },
};

const ANNE = { type: 'user', id: 'anne' };
const DOCUMENT = { type: 'document', id: '1' };
const EVALUATION = { subject: ANNE, action: { name: 'viewer' }, resource: DOCUMENT };
const PAGED = { page: { limit: 1 } };

const refusedInAuthzen = (body: object): readonly Sample[] => [
  { body: {} },
  { text: 'x' },
  { ...inNoStore, body },
  { ...inBadStore, body },
];

const authzenSamples: Readonly<Record<string, Samples>> = {
  EvaluateOfStore: {
    success: [
      { body: EVALUATION },
      { body: { ...EVALUATION, context: { explain: true } } },
      { body: { ...EVALUATION, action: { name: 'none' } } },
    ],
    errors: refusedInAuthzen(EVALUATION),
  },
  EvaluateAllOfStore: {
    success: [
      { body: EVALUATION },
      { body: { ...EVALUATION, evaluations: [{}, { action: { name: 'none' } }, { action: 1 }] } },
      { body: { evaluations: [EVALUATION], options: { evaluations_semantic: 'execute_all' } } },
    ],
    errors: refusedInAuthzen(EVALUATION),
  },
  SearchSubjectsOfStore: {
    success: [
      { body: EVALUATION },
      { body: { ...EVALUATION, subject: { type: 'user' }, ...PAGED, context: { explain: true } } },
    ],
    errors: refusedInAuthzen(EVALUATION),
  },
  SearchResourcesOfStore: {
    success: [{ body: EVALUATION }, { body: { ...EVALUATION, resource: DOCUMENT, ...PAGED } }],
    errors: refusedInAuthzen(EVALUATION),
  },
  SearchActionsOfStore: {
    success: [
      { body: { subject: ANNE, resource: DOCUMENT } },
      { body: { subject: ANNE, resource: DOCUMENT, ...PAGED } },
    ],
    errors: refusedInAuthzen({ subject: ANNE, resource: DOCUMENT }),
  },
  ReadAuthzenMetadataOfStore: { success: [{}, inNoStore], errors: [inBadStore] },
};
const ENTITY = { type: 'document', id: '1' };

/** By operationId. The path is that of one store and its model unless a sample says otherwise. */
export const SAMPLES: Readonly<Record<string, Samples>> = {
  ...storeSamples,
  ...modelSamples,
  ...adminSamples,
  ...tupleSamples,
  ...querySamples,
  ReadRevocations: { success: [{}], errors: [{ query: { after: 'x' } }] },
  ReadStoreRevocations: {
    success: [{}, { query: { after: '0', page_size: '2' } }],
    errors: [{ query: { page_size: '0' } }, inBadStore],
  },
  Revoke: {
    success: [{ body: { kind: 'sub', value: 'user:anne' } }, { body: { kind: 'all' } }],
    errors: [{ body: { kind: 'sub' } }, { body: { kind: 'all' }, ...inNoStore }],
  },
  WriteAttributes: {
    success: [
      { path: ENTITY, body: {} },
      { path: ENTITY, body: { level: 1, tags: ['a'] } },
    ],
    errors: [
      { path: { ...ENTITY, type: 'none' }, body: {} },
      { path: { ...ENTITY, id: '*' }, body: {} },
      { path: { ...ENTITY, ...inNoStore.path }, body: {} },
    ],
  },
  ReadAttributes: {
    success: [{ path: ENTITY }],
    errors: [{ path: { ...ENTITY, id: 'nobody' } }, { path: { ...ENTITY, ...inBadStore.path } }],
  },
  DeleteAttributes: {
    success: [{ path: { ...ENTITY, id: 'nobody' } }],
    errors: [{ path: { ...ENTITY, id: '*' } }],
  },
  GetJwks: { success: [{}], errors: [] },
  ...oauthSamples,
  ...authzenSamples,
  Healthz: { success: [{}], errors: [] },
};
