/**
 * `POST /stores/{id}/import`: tuples as lines of JSON, the bulk path. It answers when all is stored,
 * with the lines that were not taken. A larger file is sent in several requests; sending a part twice
 * does no harm.
 */
import { Ajv } from 'ajv';
import type { FastifyInstance } from 'fastify';
import { PembaError } from '../../errors.js';
import type { Engine } from '../../operations/engine.js';
import { importTuples } from '../../operations/import.js';
import type { ImportLine } from '../../operations/import.js';
import { parseJson } from '../json-body.js';
import { AJV_OPTIONS, schemaProblem } from '../schema-problem.js';
import { stamp } from './reply.js';
import { TUPLE } from './request-schemas.js';
import { RESPONSES } from './response-schemas.js';
import { optionalModelId, storeIdOf, tupleOf } from './wire.js';
import type { WireTuple } from './wire.js';

interface ImportRoute {
  Params: { storeId: string };
  Querystring: { authorization_model_id?: string };
  Body: string;
}

const isTuple = new Ajv({ ...AJV_OPTIONS, strict: false }).compile<WireTuple>(TUPLE);

export function registerImport(instance: FastifyInstance, engine: Engine): void {
  instance.addContentTypeParser(
    'application/x-ndjson',
    { parseAs: 'string', bodyLimit: engine.config.maxImportBytes },
    (_request, text, done) => {
      done(null, String(text));
    },
  );
  instance.post<ImportRoute>(
    '/stores/:storeId/import',
    {
      config: { right: 'store:write' },
      bodyLimit: engine.config.maxImportBytes,
      schema: { response: { 200: RESPONSES.import } },
    },
    async (request, reply) => {
      const { body } = request;
      if (typeof body !== 'string') {
        throw new PembaError(
          'unsupported_media_type',
          'send one tuple a line, with the content-type application/x-ndjson',
        );
      }
      const storeId = storeIdOf(request.params.storeId);
      const imported = await importTuples(engine, {
        storeId,
        ...optionalModelId(request.query.authorization_model_id),
        lines: linesOf(body, engine.config.maxJsonDepth),
      });
      stamp(reply, { storeId, consistencyToken: imported.consistencyToken });
      return {
        written: imported.written,
        rejected: imported.rejected,
        rejects: imported.rejects.map(({ line, problem }) => ({ line, message: problem })),
      };
    },
  );
}

/** Empty lines are passed over, and counted. */
function linesOf(body: string, maxJsonDepth: number): readonly ImportLine[] {
  return body.split('\n').flatMap((text, i) => {
    if (text.trim() === '') return [];
    try {
      return { line: i + 1, tuple: tupleOf(wireOf(text, maxJsonDepth), 'tuple') };
    } catch (error) {
      if (!(error instanceof PembaError)) throw error;
      return { line: i + 1, tuple: error };
    }
  });
}

function wireOf(text: string, maxJsonDepth: number): WireTuple {
  const value = parseJson(text, maxJsonDepth);
  if (!isTuple(value)) throw schemaProblem(isTuple.errors ?? []);
  return value;
}
