/**
 * `POST /stores/{id}/import`: tuples as lines of JSON, the bulk path. They are stored in chunks while
 * they arrive. It answers when all is stored, with the lines that were not taken; who accepts
 * `application/x-ndjson` is told of each chunk, and after a failure goes on behind the last line that
 * was told. Sending a part twice does no harm.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import type { StoreId } from '../../ids.js';
import type { Engine } from '../../operations/engine.js';
import { importTuples } from '../../operations/import.js';
import type { ImportProgress, Imported, Reject } from '../../operations/import.js';
import type { ErrorLog } from './error-handling.js';
import { deedOf } from '../attribution.js';
import { IMPORT_COST } from '../../identity/rate-limits.js';
import { modulesOf } from '../gate.js';
import { INTERNAL, errorAnswer } from './errors.js';
import { lineOf } from './export-lines.js';
import { NDJSON, arrivingLines, endConnection, importLines, linesBody } from './import-body.js';
import { stamp } from './reply.js';
import { RESPONSES } from './response-schemas.js';
import { optionalModelId, storeIdOf } from './wire.js';

interface ImportRoute {
  Params: { storeId: string };
  Querystring: { authorization_model_id?: string };
  Body: Readable;
}

type Import = AsyncGenerator<ImportProgress, Imported, undefined>;
/** Of one answer; more are only counted. Who is told of each chunk is told of all. */
const MAX_REJECTS = 100;

type Step = IteratorResult<ImportProgress, Imported>;

export function registerImport(instance: FastifyInstance, engine: Engine, log: ErrorLog): void {
  instance.addContentTypeParser(NDJSON, (_request, payload, done) => {
    done(null, payload);
  });
  instance.post<ImportRoute>(
    '/stores/:storeId/import',
    {
      config: { right: 'store:write', rateCost: IMPORT_COST },
      schema: { response: { 200: RESPONSES.import } },
    },
    async (request, reply) => {
      const storeId = storeIdOf(request.params.storeId);
      const run = importOf(engine, storeId, request);
      try {
        // What is wrong from the beginning has a status of its own.
        let step = await run.next();
        if (request.headers.accept?.includes(NDJSON) === true) {
          const lines = progressLines(step, run, (error) => {
            log.error({ err: error, request_id: request.id }, 'an import failed');
          });
          return await reply
            .header('content-type', NDJSON)
            .serializer(String)
            .send(Readable.from(lines, { objectMode: false }));
        }
        const rejects: Reject[] = [];
        for (; ; step = await run.next()) {
          rejects.push(...step.value.rejects.slice(0, MAX_REJECTS - rejects.length));
          if (step.done === true) break;
        }
        const { written, rejected, consistencyToken } = step.value;
        stamp(reply, { storeId, consistencyToken });
        return { written, rejected, rejects: rejectsToWire(rejects) };
      } catch (error) {
        endConnection(request, reply);
        throw error;
      }
    },
  );
}

function importOf(engine: Engine, storeId: StoreId, request: FastifyRequest<ImportRoute>): Import {
  const { body, query, raw } = request;
  const arriving = arrivingLines(linesBody(body), raw.socket, engine.config);
  const modules = modulesOf(request);
  return importTuples(engine, {
    storeId,
    ...optionalModelId(query.authorization_model_id),
    ...(modules !== undefined && { modules }),
    ...deedOf(engine.config, request, 'tuples.import'),
    lines: importLines(arriving, engine.config),
  });
}

async function* progressLines(
  first: Step,
  run: Import,
  onFailure: (error: unknown) => void,
): AsyncGenerator<string, void, undefined> {
  try {
    let step = first;
    for (; step.done !== true; step = await run.next()) {
      const { rejects, ...counts } = step.value;
      yield lineOf({ ...counts, ...(rejects.length > 0 && { rejects: rejectsToWire(rejects) }) });
    }
    const { rejects, consistencyToken, ...counts } = step.value;
    yield lineOf({
      ...counts,
      rejects: rejectsToWire(rejects),
      consistency_token: consistencyToken,
    });
  } catch (error) {
    // The status is out already; the last line says what happened.
    const answer = error instanceof PembaError ? errorAnswer(error) : INTERNAL;
    if (answer.status >= 500) onFailure(error);
    yield lineOf({ error: answer.body });
  } finally {
    await run.return(undefined as never);
  }
}

const rejectsToWire = (rejects: readonly Reject[]): readonly object[] =>
  rejects.map(({ line, problem }) => ({ line, message: problem }));
