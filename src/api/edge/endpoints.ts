/** What the OpenAPI document says of where gateways ask. */
import type { Endpoint, HeaderName } from '../openapi.js';
import { PROFILES } from './profiles.js';

/** On each answer. */
const HEADERS: readonly HeaderName[] = [
  'Pemba-Subject',
  'Pemba-Decision-Id',
  'Txn-Token',
  'Pemba-Reason',
];

const FAILURE = {
  type: 'object',
  properties: {
    code: { enum: ['unauthenticated', 'forbidden', 'unavailable'] },
    message: { type: 'string' },
  },
  required: ['code', 'message'],
  additionalProperties: false,
} as const;

const endpoint = (path: string, operationId: string, of: string): Endpoint => ({
  method: 'get',
  path,
  operationId,
  summary:
    `Whether a gateway lets a request through, by the route table of ${of}; ` +
    `the profile is one of ${PROFILES.join(', ')}, and any method will do`,
  status: 200,
  headers: HEADERS,
  failure: FAILURE,
  failureHeaders: HEADERS,
});

/** The one at the root is there where a store is configured. */
export const edgeEndpoints = ({
  edgeStore,
}: {
  readonly edgeStore: string;
}): readonly Endpoint[] => [
  endpoint('/stores/{store_id}/edge/{profile}', 'AskForGateway', 'a store'),
  ...(edgeStore === ''
    ? []
    : [
        endpoint('/edge/{profile}', 'AskForGatewayAtRoot', 'the store that PEMBA_EDGE_STORE names'),
      ]),
];
