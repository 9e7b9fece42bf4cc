/** Decisions to log, a decision log that can be asked over HTTP, and a sink that is a list. */
import { Writable } from 'node:stream';
import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { systemClock } from '../../src/clock.js';
import type { Decision } from '../../src/api/decision.js';
import { asRevision } from '../../src/ids.js';
import type { ModelId, StoreId } from '../../src/ids.js';
import { DecisionLog } from '../../src/telemetry/decision-log/decision-log.js';
import type { DecisionLogOptions } from '../../src/telemetry/decision-log/decision-log.js';
import { eventForm } from '../../src/telemetry/decision-log/event.js';
import type { LoggedDecision } from '../../src/telemetry/decision-log/event.js';
import { Mask } from '../../src/telemetry/decision-log/mask.js';
import type { DecisionSink } from '../../src/telemetry/decision-log/sink.js';
import { createLog } from '../../src/telemetry/log.js';
import type { Logger } from '../../src/telemetry/log.js';
import type { JsonObject, RelationTuple } from '../../src/tuple/tuple.js';

export const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as StoreId;
export const MODEL = '01BX5ZZKBKACTAV9WEVGEMMVRZ' as ModelId;
export const LABELS = { id: 'PROCESS', version: '1.2.3' };

export const TUPLE: RelationTuple = {
  object: { type: 'group', id: 'eng' },
  relation: 'member',
  subject: { kind: 'userset', type: 'team', id: 'core', relation: 'member' },
  condition: { name: 'inside', context: { net: '10.0.0.0/8' } },
  expiresAt: Date.UTC(2030, 0, 1),
};

export const check = (
  allowed: boolean,
  context: object = {},
  contextualTuples: readonly RelationTuple[] = [],
): Decision => ({
  question: {
    key: {
      object: { type: 'document', id: '1' },
      relation: 'viewer',
      subject: { kind: 'object', type: 'user', id: 'anne' },
    },
    contextualTuples,
    context: context as JsonObject,
  },
  result: { allowed },
});

export const logged = (decision: Decision, id = 'PROCESS-1'): LoggedDecision => ({
  id,
  batchId: undefined,
  api: 'check',
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  handlerMs: 0.25,
  requestId: 'request-1',
  requestedBy: undefined,
  from: { storeId: STORE, modelId: MODEL, revision: asRevision(42) },
  decision,
});

export interface Event {
  readonly decision_id: string;
  readonly result?: { readonly allowed?: boolean };
  readonly [member: string]: unknown;
}

export const eventOf = (line: string): Event => JSON.parse(line) as Event;

/** Takes everything, unless it is told to fail. */
export class ListSink implements DecisionSink {
  readonly maxBatchBytes = 10_000;
  readonly gatherMs = 1;
  readonly lines: string[] = [];
  failure: Error | undefined;
  attempts = 0;

  open(): Promise<void> {
    return Promise.resolve();
  }

  write(events: readonly string[]): Promise<number> {
    this.attempts++;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.lines.push(...events);
    return Promise.resolve(events.length);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Answered {
  readonly status: number;
  readonly id: string | undefined;
}

export interface Asked {
  readonly decisionLog: DecisionLog;
  /** A check that is allowed or not. */
  readonly ask: (allowed: boolean, context?: object) => Promise<Answered>;
  readonly close: () => Promise<void>;
}

/** A server that decides what it is told to decide. */
export async function askable(
  sink: DecisionSink,
  options: Partial<DecisionLogOptions> = {},
): Promise<Asked> {
  const decisionLog = new DecisionLog({
    sink,
    toLine: eventForm(LABELS, new Mask([])),
    maxEvents: 1000,
    maxBytes: 1_000_000,
    isRequired: false,
    shareOfAllows: 1,
    processId: 'PROCESS',
    stopWithinMs: 1000,
    clock: systemClock,
    log: createLog('silent'),
    random: () => 0.5,
    ...options,
  });
  await decisionLog.start();
  const server: FastifyInstance = Fastify();
  server.post<{ Body: { allowed: boolean; context: object } }>('/', (request, reply) => {
    const { allowed, context } = request.body;
    const from = { storeId: STORE, modelId: MODEL, revision: asRevision(42) };
    decisionLog.record(reply, 'check', from, [check(allowed, context)], undefined);
    return reply.send({ allowed });
  });
  server.setErrorHandler((error, _request, reply) =>
    reply.code(503).send({ code: Reflect.get(error as Error, 'code') }),
  );
  return {
    decisionLog,
    async ask(allowed, context = {}) {
      const answer = await server.inject({
        method: 'POST',
        url: '/',
        payload: { allowed, context },
      });
      const id = answer.headers['pemba-decision-id'];
      return { status: answer.statusCode, id: typeof id === 'string' ? id : undefined };
    },
    async close() {
      await server.close();
      await decisionLog.stop();
    },
  };
}

export async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('it does not come true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A log that can be read. */
export function readableLog(): { readonly log: Logger; readonly told: readonly string[] } {
  const told: string[] = [];
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      told.push(line.toString());
      done();
    },
  });
  return { log: createLog('info', stream), told };
}
