/** The shapes of delegated checks: those of checks, with who acts and why not. */
import type { JsonSchema } from '../json-schema.js';
import { BATCH_CHECK, CHECK, optional } from './request-schemas.js';

const STRING: JsonSchema = { type: 'string' };
const SERVICE: JsonSchema = { type: 'string', minLength: 1, maxLength: 256 };

const ACTING = {
  actor: optional({
    ...SERVICE,
    description: 'The service that acts, if it is not plain from the caller; `service:orders`',
  }),
  chain: optional({
    type: 'array',
    items: SERVICE,
    description: 'The services before it, the latest one first',
  }),
  explain: optional({ type: 'boolean', description: 'Tell everything that is missing' }),
};

const withActing = (schema: JsonSchema): JsonSchema => ({
  ...schema,
  properties: { ...(schema['properties'] as object), ...ACTING },
});

export const DELEGATED_REQUESTS = {
  check: withActing(CHECK),
  batchCheck: withActing(BATCH_CHECK),
};

const DECISION = {
  allowed: { type: 'boolean' },
  reason: {
    enum: ['granted', 'ceiling', 'chain', 'no_path', 'condition_false', 'missing_parameters'],
  },
  decision_id: STRING,
} as const;

const MISSING: JsonSchema = {
  type: 'array',
  items: { type: 'object', additionalProperties: true },
  description: 'What would have to be there, if it was asked for',
};

const OF_REQUEST = { actor: STRING, revision: { type: 'integer' } } as const;

const decision = (more: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  required: [...Object.keys(DECISION), ...Object.keys(more)],
  properties: { ...DECISION, ...more, missing: MISSING },
});

export const DELEGATED_RESPONSES = {
  check: decision(OF_REQUEST),
  batchCheck: {
    type: 'object',
    required: ['result', ...Object.keys(OF_REQUEST)],
    properties: {
      result: {
        type: 'object',
        additionalProperties: {
          anyOf: [
            decision({}),
            {
              type: 'object',
              required: ['error'],
              properties: {
                error: {
                  type: 'object',
                  required: ['message'],
                  properties: { input_error: STRING, internal_error: STRING, message: STRING },
                },
              },
            },
          ],
        },
      },
      ...OF_REQUEST,
    },
  },
} satisfies Readonly<Record<string, JsonSchema>>;
