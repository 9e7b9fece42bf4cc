/**
 * `POST /stores/{id}/import`: tuples as lines of JSON, the bulk path. They are stored in chunks while
 * they arrive. It answers when all is stored, with the lines that were not taken; who accepts
 * `application/x-ndjson` is told of each chunk, and after a failure goes on behind the last line that
 * was told. Sending a part twice does no harm.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import type { StoreId } from '../../ids.js';
import type { Engine } from '../../operations/engine.js';
import { importTuples } from '../../operations/import.js';
import type { ImportProgress, Imported } from '../../operations/import.js';
import type { ErrorLog } from './error-handling.js';
import { deedOf } from '../attribution.js';
import { IMPORT_COST } from '../../identity/rate-limits.js';
import { modulesOf } from '../gate.js';
import { INTERNAL, errorAnswer } from './errors.js';
import { lineOf } from './export-lines.js';
import { NDJSON, arrivingLines } from './import-body.js';
import { stamp } from './reply.js';
import { RESPONSES } from './response-schemas.js';
import { optionalModelId, storeIdOf } from './wire.js';

interface ImportRoute {
  Params: { storeId: string };
  Querystring: { authorization_model_id?: string };
  Body: Readable;
}

type Import = AsyncGenerator<ImportProgress, Imported, undefined>;
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
        while (step.done !== true) step = await run.next();
        stamp(reply, { storeId, consistencyToken: step.value.consistencyToken });
        return totalsOf(step.value);
      } catch (error) {
        endConnection(request, reply);
        throw error;
      }
    },
  );
}

function importOf(engine: Engine, storeId: StoreId, request: FastifyRequest<ImportRoute>): Import {
  const { body, query, raw } = request;
  if (!(body instanceof Readable)) {
    throw new PembaError(
      'unsupported_media_type',
      `send one tuple a line, with the content-type ${NDJSON}`,
    );
  }
  const modules = modulesOf(request);
  return importTuples(engine, {
    storeId,
    ...optionalModelId(query.authorization_model_id),
    ...(modules !== undefined && { modules }),
    ...deedOf(engine.config, request, 'tuples.import'),
    lines: arrivingLines(body, raw.socket, engine.config),
  });
}

/** The rest of the body is nobody's any more; it is let in so that the answer can go out. */
function endConnection({ raw }: FastifyRequest<ImportRoute>, reply: FastifyReply): void {
  if (raw.complete) return;
  void reply.header('connection', 'close');
  raw.resume();
}

async function* progressLines(
  first: Step,
  run: Import,
  onFailure: (error: unknown) => void,
): AsyncGenerator<string, void, undefined> {
  try {
    let step = first;
    for (; step.done !== true; step = await run.next()) {
      const { line, written, rejected, revision } = step.value;
      yield lineOf({ line, written, rejected, revision });
    }
    const { line, revision, consistencyToken } = step.value;
    const totals = totalsOf(step.value);
    yield lineOf({ line, ...totals, revision, consistency_token: consistencyToken });
  } catch (error) {
    // The status is out already; the last line says what happened.
    const answer = error instanceof PembaError ? errorAnswer(error) : INTERNAL;
    if (answer.status >= 500) onFailure(error);
    yield lineOf({ error: answer.body });
  } finally {
    await run.return(undefined as never);
  }
}

const totalsOf = ({ written, rejected, rejects }: Imported): object => ({
  written,
  rejected,
  rejects: rejects.map(({ line, problem }) => ({ line, message: problem })),
});
