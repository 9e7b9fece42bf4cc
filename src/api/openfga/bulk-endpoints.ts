/** What the OpenAPI document says of whole stores that go out and come in, as lines of JSON. */
import type { Endpoint } from '../openapi.js';
import { NDJSON } from './import-body.js';
import { RESPONSES } from './response-schemas.js';

const OF_STORE = ['Openfga-Store-Id', 'Pemba-Consistency-Token'] as const;

export const bulkEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/stores/{store_id}/export',
    operationId: 'Export',
    summary:
      'The tuples and attributes at one revision, one a line, as an import takes them; the last ' +
      'line, `end`, has their numbers and the SHA-256 of all bytes before it',
    status: 200,
    answer: { type: 'string' },
    answerType: NDJSON,
    headers: OF_STORE,
  },
  {
    method: 'get',
    path: '/stores/{store_id}/backup',
    operationId: 'Backup',
    summary: 'As an export, with the store itself, its models and their assertions before',
    status: 200,
    answer: { type: 'string' },
    answerType: NDJSON,
    headers: OF_STORE,
  },
  {
    method: 'post',
    path: '/stores/{store_id}/impact',
    operationId: 'Impact',
    summary:
      "What the model in the body would change: how it differs from the store's, the tuples that it " +
      'would not admit, and whose access changes on the tuples that are there; a value a line, the ' +
      'totals last in `end`. A `context` beside the model is for conditions',
    query: {
      samples: { type: 'integer', minimum: 0, maximum: 1000 },
      authorization_model_id: { type: 'string' },
    },
    body: { type: 'object' },
    takesDsl: true,
    status: 200,
    answer: { type: 'string' },
    answerType: NDJSON,
    headers: [...OF_STORE, 'Openfga-Authorization-Model-Id'],
  },
  {
    method: 'post',
    path: '/restore',
    operationId: 'Restore',
    summary:
      'A new store out of a backup, all of it or nothing; models keep their ids, and with keep_id ' +
      'the store does',
    query: { keep_id: { type: 'boolean' } },
    body: { type: 'string' },
    bodyType: NDJSON,
    status: 201,
    answer: RESPONSES.restored,
    headers: OF_STORE,
  },
];
