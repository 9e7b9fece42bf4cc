/** What the OpenAPI document says of the published keys. */
import type { Endpoint } from '../openapi.js';

const TEXT = { type: 'string' } as const;

export const jwksEndpoint: Endpoint = {
  method: 'get',
  path: '/.well-known/jwks.json',
  operationId: 'GetJwks',
  summary: 'The keys that verify permits and transaction tokens of every store (RFC 7517)',
  status: 200,
  answerType: 'application/jwk-set+json',
  answer: {
    type: 'object',
    properties: {
      keys: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            kty: { enum: ['OKP', 'EC'] },
            crv: { enum: ['Ed25519', 'P-256'] },
            x: TEXT,
            y: TEXT,
            kid: TEXT,
            alg: { enum: ['EdDSA', 'ES256'] },
            use: { const: 'sig' },
          },
          required: ['kty', 'crv', 'x', 'kid', 'alg', 'use'],
        },
      },
    },
    required: ['keys'],
  },
};
