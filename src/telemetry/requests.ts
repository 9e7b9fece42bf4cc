/**
 * One log line and one observation a request, and the request's id in and out: by hooks for what
 * goes through Fastify, by a call for what is answered before it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PembaError } from '../errors.js';
import { ulidFactory } from '../ids.js';
import type { Clock } from '../clock.js';
import { requestLogger } from './log.js';
import type { Logger } from './log.js';
import type { Metrics } from './metrics.js';

export const REQUEST_ID_HEADER = 'x-request-id';

/** What is taken over from a caller: safe in a log and of sensible length. */
const ACCEPTED_ID = /^[\w.:/+=-]{1,128}$/;

/** A caller's id, or one of the process and a count: unique without the cost of randomness. */
export function requestIdFactory(
  clock: Clock,
): (request: { readonly headers: IncomingHttpHeaders }) => string {
  const prefix = ulidFactory(() => clock.now())();
  let count = 0;
  return ({ headers }) => {
    const given = headers[REQUEST_ID_HEADER];
    if (typeof given === 'string' && ACCEPTED_ID.test(given)) return given;
    return `${prefix}-${(++count).toString(36)}`;
  };
}

export function observeRequests(instance: FastifyInstance, log: Logger, metrics: Metrics): void {
  const writeLine = requestLogger(log);
  const refusals = new WeakMap<FastifyRequest, string>();
  instance.addHook('onRequest', (request, reply, done) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
  instance.addHook('onError', (request, _reply, error, done) => {
    const rule = refusalOf(error);
    if (rule !== undefined) refusals.set(request, rule);
    done();
  });
  instance.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'unmatched';
    const status = reply.statusCode;
    const ms = reply.elapsedTime;
    metrics.request(method, route, status, ms / 1000);
    const refused = status === 401 ? refusals.get(request) : undefined;
    writeLine({
      requestId: request.id,
      method,
      route,
      store: storeOf(request),
      status,
      ms,
      refused,
    });
    done();
  });
}

/** The caller is not told: it would help a guesser. Whoever runs the service has to know. */
function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof PembaError) || error.code !== 'unauthenticated') return undefined;
  const { rule } = error.facts;
  return typeof rule === 'string' ? rule : undefined;
}

/** Of one method, route and status. */
export function directObserver(
  log: Logger,
  metrics: Metrics,
  answer: { readonly method: string; readonly route: string; readonly status: number },
): (requestId: string, store: string, ms: number) => void {
  const { method, route, status } = answer;
  const writeLine = requestLogger(log);
  const note = metrics.requestsOf(method, route, status);
  return (requestId, store, ms) => {
    note(ms / 1000);
    writeLine({ requestId, method, route, store, status, ms });
  };
}

/** Of one method and route. */
export function callObserver(
  log: Logger,
  metrics: Metrics,
  { method, route }: { readonly method: string; readonly route: string },
): (answer: {
  readonly requestId: string;
  readonly store: string | undefined;
  readonly status: number;
  readonly ms: number;
}) => void {
  const writeLine = requestLogger(log);
  return (answer) => {
    metrics.request(method, route, answer.status, answer.ms / 1000);
    writeLine({ method, route, ...answer });
  };
}

function storeOf(request: FastifyRequest): string | undefined {
  const { storeId } = request.params as { readonly storeId?: string };
  return storeId?.slice(0, 26);
}
