/** What the OpenAPI document says of revocations. */
import type { JsonSchema } from '../json-schema.js';
import type { Endpoint } from '../openapi.js';
import { REVOKE_BODY } from './revocation-routes.js';

const TEXT = { type: 'string' } as const;
const SECONDS = { type: 'integer', description: 'Since 1970' } as const;

const MARK = {
  kind: { enum: ['jti', 'sub', 'act', 'txn', 'all'] },
  value: TEXT,
  not_before: SECONDS,
  expires: SECONDS,
} as const;

const exactly = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
  additionalProperties: false,
});

const REVOCATIONS = exactly({
  revocations: { type: 'array', items: exactly({ id: { type: 'integer' }, ...MARK }) },
  cursor: TEXT,
});

const read = (path: string, operationId: string, whose: string): Endpoint => ({
  method: 'get',
  path,
  operationId,
  summary: `Permits ${whose} that count no longer; who accepts text/event-stream gets them as they come`,
  query: { after: TEXT, page_size: { type: 'integer', minimum: 1, maximum: 1000 } },
  status: 200,
  answer: REVOCATIONS,
});

export const revocationEndpoints: readonly Endpoint[] = [
  read('/revocations', 'ReadRevocations', 'of the store that PEMBA_PERMITS_STORE names'),
  read('/stores/{store_id}/revocations', 'ReadStoreRevocations', 'of a store'),
  {
    method: 'post',
    path: '/stores/{store_id}/revocations',
    operationId: 'Revoke',
    summary: 'End the permits of a user, a service or a transaction, one permit, or all',
    body: REVOKE_BODY,
    status: 201,
    answer: exactly(MARK),
  },
];
