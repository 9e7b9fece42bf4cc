/** HTTP and JSON alone: the bodies and answers of the query routes, and nothing between them. */
import fastify from 'fastify';
import type { FastifyRequest } from 'fastify';
import { requestSchemas } from '../src/api/openfga/request-schemas.js';
import { RESPONSES } from '../src/api/openfga/response-schemas.js';
import { AJV_OPTIONS } from '../src/api/schema-problem.js';
import { loadConfig } from '../src/config.js';

const schemas = requestSchemas(loadConfig({}));
const server = fastify({ ajv: { customOptions: { ...AJV_OPTIONS, strict: false } } });

server.post(
  '/stores/:storeId/check',
  { schema: { body: schemas.check, response: { 200: RESPONSES.check } } },
  () => Promise.resolve({ allowed: true, resolution: '' }),
);

interface BatchBody {
  readonly checks: readonly { readonly correlation_id: string }[];
}

server.post(
  '/stores/:storeId/batch-check',
  { schema: { body: schemas.batchCheck, response: { 200: RESPONSES.batchCheck } } },
  (request: FastifyRequest<{ Body: BatchBody }>) => {
    const verdicts = request.body.checks.map(
      (item) => [item.correlation_id, { allowed: true }] as const,
    );
    return Promise.resolve({ result: Object.fromEntries(verdicts) });
  },
);

const url = await server.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`the echo answers at ${url}\n`);
process.on('SIGTERM', () => process.exit(0));
