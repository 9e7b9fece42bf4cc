/**
 * Whatever goes wrong becomes OpenFGA's error shape, once for Fastify's routes and once, as a filter,
 * for Nest's. What is no PembaError and no refusal of the framework is a bug: it is logged whole and
 * answered with nothing but "Internal Server Error".
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Catch } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import type { ErrorCode } from '../../errors.js';
import { asPembaError, tooLate } from '../failure.js';
import { INTERNAL, errorAnswer, streamErrorBody } from './errors.js';
import type { ErrorAnswer } from './errors.js';
import { isImporting } from './import-body.js';
import type { RouteTable } from './route-table.js';

/**
 * Want of capacity is counted: a line each would be more work than the rest. That an issuer is away
 * is told once, and anybody can come with a token of it.
 */
const TOLD_ELSEWHERE = new Set<ErrorCode>(['overloaded', 'issuer_unavailable']);

/** Where failures of our own are told, with all that is known of them. */
export interface ErrorLog {
  error(facts: object, message: string): void;
}

export function answerError(
  log: ErrorLog,
  routes: RouteTable,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = asPembaError(error, request, (url) => routes.isKnown(url));
  const answer = known === undefined ? INTERNAL : errorAnswer(known);
  if (answer.status >= 500 && !(known !== undefined && TOLD_ELSEWHERE.has(known.code))) {
    log.error({ err: error, request_id: request.id }, 'a request failed');
  }
  const isStream = request.routeOptions.url?.endsWith('/streamed-list-objects') === true;
  return reply
    .code(answer.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(isStream ? streamErrorBody(answer) : answer.body));
}

/** What is no HTTP, is too long, or did not arrive whole: there is no request to answer yet. */
export function answerClientError(error: Error, socket: Socket): void {
  const code: unknown = Reflect.get(error, 'code');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && isImporting(socket)) return;
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body } = clientErrorAnswer(code);
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\n` +
      'content-type: application/json; charset=utf-8\r\n' +
      `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

function clientErrorAnswer(code: unknown): ErrorAnswer {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return errorAnswer(tooLate());
    case 'HPE_HEADER_OVERFLOW': {
      const { body } = errorAnswer(new PembaError('invalid_request', 'the head is too long'));
      return { status: 431, body };
    }
    default:
      return errorAnswer(new PembaError('invalid_request', 'the request is not HTTP/1.1'));
  }
}

@Catch()
export class OpenFgaErrorFilter implements ExceptionFilter {
  readonly #log: ErrorLog;
  readonly #routes: RouteTable;

  constructor(log: ErrorLog, routes: RouteTable) {
    this.#log = log;
    this.#routes = routes;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    void answerError(this.#log, this.#routes, error, request, http.getResponse<FastifyReply>());
  }
}
