/**
 * `POST /stores/{id}/impact`: what the model in the body would change in the store, as lines of JSON
 * that come while it is found out. The last line, `end`, has the totals; without one it is not whole.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../../errors.js';
import { EXPORT_COST } from '../../identity/rate-limits.js';
import type { Engine } from '../../operations/engine.js';
import type { ExportSlots } from '../../operations/export.js';
import { modelImpact } from '../../operations/impact.js';
import type { ImpactPiece, ImpactRequest, ModelImpact } from '../../operations/impact.js';
import type { Counts } from '../../query/impact/impact.js';
import { modelFromDsl } from '../../schema/dsl.js';
import { modelFromWire } from '../../schema/wire.js';
import type { JsonObject } from '../../tuple/tuple.js';
import { implicationToWire } from '../implications.js';
import { DslText } from '../json-body.js';
import { changeToWire } from '../model-changes.js';
import type { ErrorLog } from './error-handling.js';
import { INTERNAL, errorAnswer } from './errors.js';
import { lineOf } from './export-lines.js';
import { NDJSON } from './import-body.js';
import { stamp } from './reply.js';
import { contextOf, optionalModelId, storeIdOf } from './wire.js';

interface ImpactRoute {
  Params: { storeId: string };
  Querystring: { samples?: string; authorization_model_id?: string };
  Body: unknown;
}

export interface ImpactParts {
  readonly engine: Engine;
  readonly log: ErrorLog;
  readonly slots: ExportSlots;
}

const SAMPLES = 20;
const MAX_SAMPLES = 1000;

export function registerImpact(
  instance: FastifyInstance,
  { engine, log, slots }: ImpactParts,
): void {
  instance.post<ImpactRoute>(
    '/stores/:storeId/impact',
    { config: { right: 'store:model', rateCost: EXPORT_COST } },
    async (request, reply) => {
      const asked = requestOf(request);
      const impact = await modelImpact(engine, asked, slots);
      const { modelId, consistencyToken } = impact;
      stamp(reply, { storeId: asked.storeId, modelId, consistencyToken });
      const body = Readable.from(endingWithError(linesOf(impact), request, log), {
        objectMode: false,
      });
      // Also where nobody reads a single line.
      body.once('close', () => {
        impact.end().catch((error: unknown) => {
          log.error({ err: error, request_id: request.id }, 'an impact did not end well');
        });
      });
      return reply.header('content-type', NDJSON).send(body);
    },
  );
}

function requestOf({ params, query, body }: FastifyRequest<ImpactRoute>): ImpactRequest {
  const { samples = String(SAMPLES), authorization_model_id: modelId } = query;
  const isNumber = /^\d{1,4}$/.test(samples) && Number(samples) <= MAX_SAMPLES;
  if (!isNumber) throw invalidRequest('samples', `must be a number of at most ${MAX_SAMPLES}`);
  return {
    storeId: storeIdOf(params.storeId),
    ...optionalModelId(modelId),
    ...sourceOf(body),
    maxSamples: Number(samples),
  };
}

function sourceOf(body: unknown): Pick<ImpactRequest, 'source' | 'context'> {
  if (body instanceof DslText) return { source: modelFromDsl(body.text), context: {} };
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new PembaError('invalid_request', 'the body must be object', {
      facts: { field: 'body' },
    });
  }
  const context: unknown = Reflect.get(body, 'context') ?? {};
  if (typeof context !== 'object' || Array.isArray(context)) {
    throw invalidRequest('context', 'must be an object');
  }
  return {
    source: { model: modelFromWire(body) },
    context: contextOf(context as JsonObject, 'context'),
  };
}

async function* linesOf(impact: ModelImpact): AsyncGenerator<string, void, undefined> {
  const { modelId, revision } = impact;
  yield lineOf({ impact: { authorization_model_id: modelId, revision } });
  const totals = { gained: 0, lost: 0, mayGain: 0, mayLose: 0 };
  const everybody = { ...totals };
  let complete = true;
  let brokenTuples = 0;
  for await (const piece of impact.pieces) {
    yield lineOf(pieceToWire(piece));
    if (piece.kind === 'change') brokenTuples += piece.change.tuples;
    if (piece.kind !== 'relation') continue;
    add(totals, piece.relation.named);
    add(everybody, piece.relation.everybody);
    complete &&= piece.relation.isComplete;
  }
  const end = { ...countsToWire(totals), everybody: countsToWire(everybody) };
  yield lineOf({ end: { ...end, broken_tuples: brokenTuples, complete } });
}

function pieceToWire(piece: ImpactPiece): object {
  switch (piece.kind) {
    case 'change': {
      const { tuples, samples } = piece.change;
      return { change: { ...changeToWire(piece.change), broken_tuples: tuples, samples } };
    }
    case 'implications': {
      const { added, removed } = piece.implications;
      return {
        implications: {
          added: added.map(implicationToWire),
          removed: removed.map(implicationToWire),
        },
      };
    }
    case 'progress':
      return { progress: { done: piece.done, total: piece.total } };
    case 'changed': {
      const { type, relation, subject, object, before, after } = piece.changed;
      return { changed: { type, relation, user: subject, object, before, after } };
    }
    case 'relation': {
      const { type, relation, named, everybody, isComplete } = piece.relation;
      return {
        relation: {
          type,
          relation,
          ...countsToWire(named),
          everybody: countsToWire(everybody),
          complete: isComplete,
        },
      };
    }
  }
}

const countsToWire = ({ gained, lost, mayGain, mayLose }: Counts): object => ({
  gained,
  lost,
  may_gain: mayGain,
  may_lose: mayLose,
});

function add(to: Counts, counts: Counts): void {
  to.gained += counts.gained;
  to.lost += counts.lost;
  to.mayGain += counts.mayGain;
  to.mayLose += counts.mayLose;
}

/** The status is out already; the last line says what happened. */
async function* endingWithError(
  lines: AsyncGenerator<string, void, undefined>,
  { id }: FastifyRequest,
  log: ErrorLog,
): AsyncGenerator<string, void, undefined> {
  try {
    yield* lines;
  } catch (error) {
    const answer = error instanceof PembaError ? errorAnswer(error) : INTERNAL;
    if (answer.status >= 500) log.error({ err: error, request_id: id }, 'an impact failed');
    yield lineOf({ error: answer.body });
  }
}
