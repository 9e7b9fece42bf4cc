/** What AuthZEN's routes have in common: how bodies are read, the request's id, and what fails. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.js';
import { asPembaError } from '../failure.js';
import { installStrictBody } from './body.js';
import { problemOf } from './errors.js';

/** Where failures of our own are told, with all that is known of them. */
export interface ErrorLog {
  error(facts: object, message: string): void;
}

export function prepareAuthzen(
  plugin: FastifyInstance,
  { config, log }: { readonly config: Config; readonly log: ErrorLog },
): void {
  installStrictBody(plugin, config.maxBodyBytes);
  plugin.addHook('onRequest', (request, reply, done) => {
    echoRequestId(request, reply);
    done();
  });
  plugin.addHook('onSend', ({ headers }, _reply, payload, done) => {
    // A head goes out in the encoding of the text that it goes with.
    if (typeof payload !== 'string' || isAscii(headers[REQUEST_ID_HEADER])) done(null, payload);
    else done(null, Buffer.from(payload));
  });
  plugin.setErrorHandler((error, request, reply) => {
    // What the gate refuses has not come as far as the hook.
    echoRequestId(request, reply);
    const known = asPembaError(error, request, () => true);
    const problem = problemOf(known);
    if (known === undefined || problem.status === 500) {
      log.error({ err: error, request_id: request.id }, 'a request failed');
    }
    return reply
      .code(problem.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(JSON.stringify(problem));
  });
}

/** To the letter, also where it would not do as an id in the log. */
function echoRequestId({ headers }: FastifyRequest, reply: FastifyReply): void {
  const given = headers[REQUEST_ID_HEADER];
  if (typeof given === 'string' && given !== '') void reply.header(REQUEST_ID_HEADER, given);
}

const isAscii = (id: string | readonly string[] | undefined): boolean =>
  typeof id !== 'string' || !/[^ -~\t]/.test(id);

const REQUEST_ID_HEADER = 'x-request-id';
