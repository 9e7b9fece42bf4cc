/**
 * `GET /stores/{id}/export`: what is in a store, at one revision, as an import takes it; `…/backup`:
 * with its models and their assertions, as a restore takes it. The rows of PostgreSQL go through as
 * fast as the client reads, and not faster.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import type { StoreRight } from '../../identity/caller.js';
import { EXPORT_COST } from '../../identity/rate-limits.js';
import type { Engine } from '../../operations/engine.js';
import { exportStore } from '../../operations/export.js';
import type { ExportSlots, StoreExport } from '../../operations/export.js';
import type { ErrorLog } from './error-handling.js';
import { INTERNAL, errorAnswer } from './errors.js';
import { BACKUP_FORMAT, exportLines, lineOf } from './export-lines.js';
import { NDJSON } from './import-body.js';
import { stamp } from './reply.js';
import { storeIdOf } from './wire.js';

interface StoreRoute {
  Params: { storeId: string };
}

export interface ExportParts {
  readonly engine: Engine;
  readonly log: ErrorLog;
  readonly slots: ExportSlots;
}

export function registerExports(instance: FastifyInstance, parts: ExportParts): void {
  const route = (
    kind: 'export' | 'backup',
    config: { readonly right: StoreRight; readonly rateCost?: number },
  ): void => {
    instance.get<StoreRoute>(`/stores/:storeId/${kind}`, { config }, async (request, reply) => {
      const storeId = storeIdOf(request.params.storeId);
      const models = kind === 'backup';
      const exported = await exportStore(parts.engine, storeId, { slots: parts.slots, models });
      stamp(reply, { storeId, consistencyToken: exported.consistencyToken });
      const { name, revision } = exported;
      const storeLine = { id: storeId, name, format: BACKUP_FORMAT, revision };
      const lines = exportLines(exported, models ? storeLine : undefined);
      return send(reply, { request, exported, log: parts.log }, lines);
    });
  };
  route('export', { right: 'store:read', rateCost: EXPORT_COST });
  route('backup', { right: 'store:administer' });
}

interface Sending {
  readonly request: FastifyRequest;
  readonly exported: StoreExport;
  readonly log: ErrorLog;
}

function send(
  reply: FastifyReply,
  { request, exported, log }: Sending,
  lines: AsyncGenerator<Buffer, void, undefined>,
): FastifyReply {
  const body = Readable.from(endingWithError(lines, request, log), { objectMode: false });
  // Also where nobody reads a single line.
  body.once('close', () => {
    exported.end().catch((error: unknown) => {
      log.error({ err: error, request_id: request.id }, 'an export did not end well');
    });
  });
  return reply.header('content-type', NDJSON).send(body);
}

/** The status is out already; the last line says what happened. */
async function* endingWithError(
  lines: AsyncGenerator<Buffer, void, undefined>,
  { id }: FastifyRequest,
  log: ErrorLog,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* lines;
  } catch (error) {
    const answer = error instanceof PembaError ? errorAnswer(error) : INTERNAL;
    if (answer.status >= 500) log.error({ err: error, request_id: id }, 'an export failed');
    yield Buffer.from(lineOf({ error: answer.body }));
  }
}
