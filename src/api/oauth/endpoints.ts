/** What the OpenAPI document says of the token endpoints. */
import type { JsonSchema } from '../json-schema.js';
import type { Endpoint } from '../openapi.js';
import { PERMISSION_TYPE } from './details.js';
import { JWT_TYPE, TOKEN_EXCHANGE, TXN_TOKEN_TYPE } from './exchange-request.js';

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'array', items: TEXT } as const;

const FAILURE = {
  type: 'object',
  properties: { error: TEXT, error_description: TEXT },
  required: ['error'],
  additionalProperties: false,
} as const;

const DETAILS = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      type: { const: PERMISSION_TYPE },
      actions: TEXTS,
      resource: {
        type: 'object',
        properties: { type: TEXT, id: TEXT },
        required: ['type', 'id'],
        additionalProperties: false,
      },
      context: { type: 'object' },
    },
    required: ['type', 'actions', 'resource'],
    additionalProperties: false,
  },
} as const;

/** JSON in a parameter of a form. */
const jsonText = (contentSchema: JsonSchema): JsonSchema => ({
  type: 'string',
  contentMediaType: 'application/json',
  contentSchema,
});

const FORM: JsonSchema = {
  type: 'object',
  properties: {
    grant_type: { const: TOKEN_EXCHANGE },
    subject_token: TEXT,
    subject_token_type: TEXT,
    actor_token: TEXT,
    actor_token_type: TEXT,
    audience: TEXT,
    resource: TEXT,
    requested_token_type: { enum: [JWT_TYPE, TXN_TOKEN_TYPE] },
    authorization_details: jsonText(DETAILS),
    scope: TEXT,
    request_context: jsonText({ type: 'object' }),
    request_details: jsonText({ type: 'object' }),
    consistency_token: TEXT,
    client_id: TEXT,
    client_secret: TEXT,
    client_assertion: TEXT,
    client_assertion_type: TEXT,
  },
  required: ['grant_type', 'subject_token', 'subject_token_type', 'audience'],
};

const TOKEN: JsonSchema = {
  type: 'object',
  properties: {
    access_token: TEXT,
    issued_token_type: { enum: [JWT_TYPE, TXN_TOKEN_TYPE] },
    token_type: { enum: ['N_A', 'DPoP'] },
    expires_in: { type: 'integer' },
    authorization_details: DETAILS,
    scope: TEXT,
  },
  required: ['access_token', 'issued_token_type', 'token_type', 'expires_in'],
  additionalProperties: false,
};

const METADATA: JsonSchema = {
  type: 'object',
  properties: {
    issuer: TEXT,
    token_endpoint: TEXT,
    jwks_uri: TEXT,
    response_types_supported: TEXTS,
    grant_types_supported: TEXTS,
    token_endpoint_auth_methods_supported: TEXTS,
    token_endpoint_auth_signing_alg_values_supported: TEXTS,
    authorization_details_types_supported: TEXTS,
    dpop_signing_alg_values_supported: TEXTS,
    tls_client_certificate_bound_access_tokens: { type: 'boolean' },
    pemba_revocations_endpoint: TEXT,
  },
  required: ['issuer', 'token_endpoint', 'jwks_uri', 'response_types_supported'],
  additionalProperties: false,
};

const tokenEndpoint = (path: string, operationId: string, of: string): Endpoint => ({
  method: 'post',
  path,
  operationId,
  summary: `Exchange a user's token for a permit of ${of} (RFC 8693)`,
  body: FORM,
  bodyType: 'application/x-www-form-urlencoded',
  status: 200,
  answer: TOKEN,
  headers: ['Pemba-Consistency-Token'],
  failure: FAILURE,
});

const metadataEndpoint = (path: string, operationId: string, of: string): Endpoint => ({
  method: 'get',
  path,
  operationId,
  summary: `How to get tokens of ${of} (RFC 8414)`,
  status: 200,
  answer: METADATA,
  failure: FAILURE,
});

const ROOT = 'the store that PEMBA_PERMITS_STORE names';
const WELL_KNOWN = '/.well-known/oauth-authorization-server';

export const oauthEndpoints: readonly Endpoint[] = [
  tokenEndpoint('/oauth/token', 'ExchangeToken', ROOT),
  tokenEndpoint('/stores/{store_id}/oauth/token', 'ExchangeTokenOfStore', 'a store'),
  metadataEndpoint(WELL_KNOWN, 'ReadIssuerMetadata', ROOT),
  metadataEndpoint(`${WELL_KNOWN}/stores/{store_id}`, 'ReadIssuerMetadataOfStore', 'a store'),
];
