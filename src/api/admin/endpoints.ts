/** What the OpenAPI document says of the administrative API. */
import { IMPLICATION } from '../implications.js';
import type { JsonSchema } from '../json-schema.js';
import { PAGING } from '../openapi.js';
import type { Endpoint } from '../openapi.js';
import { ROLE_NAMES } from './requests.js';
import { signingKeyEndpoints } from './signing-key-endpoints.js';

const TEXT = { type: 'string' } as const;
const TIME = { type: 'string', format: 'date-time' } as const;
const OPTIONAL_TIME = { type: ['string', 'null'], format: 'date-time' } as const;

/** Every member is there, and no other. */
const exactly = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

const ROLE_MEMBERS = {
  role: { enum: ROLE_NAMES },
  store_id: TEXT,
  module: TEXT,
  service: TEXT,
} as const;

const ROLE = {
  type: 'object',
  properties: ROLE_MEMBERS,
  required: ['role'],
  additionalProperties: false,
} as const;

const GRANT = {
  type: 'object',
  properties: { ...ROLE_MEMBERS, subject: TEXT },
  required: ['role', 'subject'],
  additionalProperties: false,
} as const;

const KEY = exactly({
  id: TEXT,
  name: TEXT,
  created_by: TEXT,
  created_at: TIME,
  expires_at: OPTIONAL_TIME,
  revoked_at: OPTIONAL_TIME,
});

const HEAD = exactly({ sequence: { type: 'integer' }, hash: TEXT });

const ENTRY = exactly({
  sequence: { type: 'integer' },
  time: TIME,
  action: TEXT,
  principal: TEXT,
  address: TEXT,
  request_id: TEXT,
  revision: { type: ['integer', 'null'] },
  details: { type: 'object' },
  hash: TEXT,
});

const keyEndpoints: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/admin/keys',
    operationId: 'CreateKey',
    summary: 'Make a key; this answer alone shows it',
    body: {
      type: 'object',
      properties: { name: TEXT, expires_at: OPTIONAL_TIME, roles: listOf(ROLE) },
      required: ['name'],
      additionalProperties: false,
    },
    status: 201,
    answer: exactly({
      id: TEXT,
      key: TEXT,
      name: TEXT,
      roles: listOf(ROLE),
      expires_at: OPTIONAL_TIME,
    }),
  },
  {
    method: 'get',
    path: '/admin/keys',
    operationId: 'ListKeys',
    summary: 'The keys that the caller made; for administrators, all',
    query: PAGING,
    status: 200,
    answer: exactly({ keys: listOf(KEY), continuation_token: TEXT }),
  },
  {
    method: 'get',
    path: '/admin/keys/{key_id}',
    operationId: 'GetKey',
    summary: 'One key, without its secret',
    status: 200,
    answer: KEY,
  },
  {
    method: 'delete',
    path: '/admin/keys/{key_id}',
    operationId: 'RevokeKey',
    summary: 'Refuse a key from now on, in every process',
    status: 204,
  },
];

const auditEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/stores/{store_id}/audit',
    operationId: 'ReadAudit',
    summary: 'Who changed what in a store',
    query: {
      order: { enum: ['newest', 'oldest'] },
      action: TEXT,
      principal: TEXT,
      since: TIME,
      until: TIME,
      page_size: PAGING.page_size,
      cursor: { type: 'integer', minimum: 0 },
    },
    status: 200,
    answer: exactly({ entries: listOf(ENTRY), cursor: { type: ['integer', 'null'] } }),
  },
  {
    method: 'get',
    path: '/stores/{store_id}/audit/verification',
    operationId: 'VerifyAudit',
    summary: 'Whether entries were changed or are missing, from the beginning or a noted head on',
    query: { after: { type: 'integer', minimum: 0 }, hash: TEXT },
    status: 200,
    answer: exactly({
      valid: { type: 'boolean' },
      entries: { type: 'integer' },
      head: HEAD,
      complete: { type: 'boolean' },
      problems: listOf(exactly({ sequence: { type: 'integer' }, problem: TEXT })),
    }),
  },
];

const PERMISSION = { type: TEXT, relation: TEXT } as const;
const COUNT = { type: 'integer', minimum: 0 } as const;

const delegationEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/stores/{store_id}/delegations',
    operationId: 'ReadDelegations',
    summary: 'What each service of a store can cause for users, by which rules of the model',
    query: { authorization_model_id: TEXT },
    status: 200,
    answer: exactly({
      authorization_model_id: TEXT,
      implications: listOf(IMPLICATION),
      services: listOf(
        exactly({
          service: TEXT,
          ceilings: listOf(
            exactly({
              ...PERMISSION,
              uses: {
                ...listOf(
                  exactly({
                    implication: { ...COUNT, description: 'Its place in the list, from 0' },
                    objects: {
                      type: ['integer', 'null'],
                      description: 'How many objects name the service; null where none needs to',
                    },
                  }),
                ),
                description: 'Without any, the service does what the user may do anyway',
              },
            }),
          ),
        }),
      ),
      chains: listOf(exactly({ ...PERMISSION, through: listOf(TEXT) })),
      problems: listOf(
        exactly({
          kind: {
            enum: [
              ...(['no_service', 'unsatisfiable', 'loop', 'hidden', 'no_ceiling'] as const),
              ...(['ambiguous_scope', 'without_ceiling', 'unknown_scope'] as const),
            ],
          },
          ...PERMISSION,
          message: TEXT,
        }),
      ),
      complete: { type: 'boolean' },
    }),
  },
];

export const adminEndpoints = (): readonly Endpoint[] => [
  {
    method: 'get',
    path: '/admin/me',
    operationId: 'WhoAmI',
    summary: 'Whom the caller is taken for, by the name that grants are made to',
    status: 200,
    answer: exactly({
      principal: TEXT,
      kind: { enum: ['anyone', 'key', 'user', 'service'] },
      roles: listOf(TEXT),
      rights: listOf(TEXT),
    }),
  },
  ...keyEndpoints,
  ...signingKeyEndpoints,
  ...delegationEndpoints,
  {
    method: 'get',
    path: '/admin/grants',
    operationId: 'ListGrants',
    summary: 'Who has which role on the deployment, or on a store, its modules and its services',
    query: { store_id: TEXT },
    status: 200,
    answer: exactly({ grants: listOf(GRANT) }),
  },
  {
    method: 'post',
    path: '/admin/grants',
    operationId: 'ChangeGrants',
    summary: 'Grant roles and take them away, all or none',
    body: {
      type: 'object',
      properties: { add: listOf(GRANT), remove: listOf(GRANT) },
      additionalProperties: false,
    },
    status: 200,
    answer: exactly({}),
  },
  ...auditEndpoints,
];
