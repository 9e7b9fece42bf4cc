/** One log line and one observation a request, and the request's id in and out. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ulidFactory } from '../ids.js';
import type { Clock } from '../clock.js';
import type { Logger } from './log.js';
import type { Metrics } from './metrics.js';

export const REQUEST_ID_HEADER = 'x-request-id';

/** What is taken over from a caller: safe in a log and of sensible length. */
const ACCEPTED_ID = /^[\w.:/+=-]{1,128}$/;

export function requestIdFactory(
  clock: Clock,
): (request: { headers: Record<string, unknown> }) => string {
  const newId = ulidFactory(() => clock.now());
  return ({ headers }) => {
    const given = headers[REQUEST_ID_HEADER];
    return typeof given === 'string' && ACCEPTED_ID.test(given) ? given : newId();
  };
}

export function observeRequests(instance: FastifyInstance, log: Logger, metrics: Metrics): void {
  instance.addHook('onRequest', (request, reply, done) => {
    void reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
  instance.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const ms = reply.elapsedTime;
    metrics.request(request.method, route, reply.statusCode, ms / 1000);
    log.info(
      {
        request_id: request.id,
        method: request.method,
        route,
        ...storeOf(request),
        status: reply.statusCode,
        ms: Math.round(ms * 1000) / 1000,
      },
      'request',
    );
    done();
  });
}

function storeOf(request: FastifyRequest): { readonly store?: string } {
  const { storeId } = request.params as { readonly storeId?: string };
  return storeId === undefined ? {} : { store: storeId.slice(0, 26) };
}
