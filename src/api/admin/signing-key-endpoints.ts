/** What the OpenAPI document says of the signing keys' administration. */
import type { JsonSchema } from '../json-schema.js';
import type { Endpoint } from '../openapi.js';

const TEXT = { type: 'string' } as const;
const OPTIONAL_TIME = { type: ['string', 'null'], format: 'date-time' } as const;

const KEY = {
  type: 'object',
  properties: {
    kid: TEXT,
    alg: { enum: ['EdDSA', 'ES256'] },
    state: { enum: ['next', 'active', 'retired', 'gone', 'published'] },
    created_at: OPTIONAL_TIME,
    active_from: OPTIONAL_TIME,
  },
  required: ['kid', 'alg', 'state', 'created_at', 'active_from'],
} as const;

const KEYS: JsonSchema = {
  type: 'object',
  properties: { signing_keys: { type: 'array', items: KEY } },
  required: ['signing_keys'],
};

export const signingKeyEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/admin/signing-keys',
    operationId: 'ListSigningKeys',
    summary: 'The keys that permits are signed with, in the order in which they sign',
    status: 200,
    answer: KEYS,
  },
  {
    method: 'post',
    path: '/admin/signing-keys/rotate',
    operationId: 'RotateSigningKeys',
    summary: 'Let the next key sign as soon as verifiers know it',
    status: 200,
    answer: KEYS,
  },
  {
    method: 'post',
    path: '/admin/signing-keys/{kid}/drop',
    operationId: 'DropSigningKey',
    summary: 'Refuse what a key has signed from now on; another one takes its place',
    status: 200,
    answer: KEYS,
  },
];
