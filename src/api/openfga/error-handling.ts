/**
 * Whatever goes wrong becomes OpenFGA's error shape, once for Fastify's routes and once, as a filter,
 * for Nest's. What is no PembaError and no refusal of the framework is a bug: it is logged whole and
 * answered with nothing but "Internal Server Error".
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { isNativeError } from 'node:util/types';
import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import type { ErrorCode } from '../../errors.js';
import { unsupportedMediaType } from '../json-body.js';
import { schemaProblem } from '../schema-problem.js';
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
  const known = asPembaError(error, request, routes);
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

const tooLate = (cause?: Error): PembaError =>
  new PembaError('request_timeout', 'the request did not arrive in time', {
    ...(cause && { cause }),
  });

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

function asPembaError(
  error: unknown,
  request: FastifyRequest,
  routes: RouteTable,
): PembaError | undefined {
  if (error instanceof PembaError) return error;
  if (error instanceof HttpException) return fromStatus(error.getStatus(), error, request, routes);
  if (isBrokenOff(error)) return tooLate(error);
  if (!(error instanceof Error)) return undefined;
  const { validation, statusCode } = error as Partial<FastifyError>;
  if (validation !== undefined) return schemaProblem(validation);
  return statusCode === undefined ? undefined : fromStatus(statusCode, error, request, routes);
}

/**
 * The caller has gone before all of the request was read, as Node tells it: nobody hears the answer,
 * and nothing here failed. What fails on a socket of our own names the system call.
 */
const isBrokenOff = (error: unknown): error is NodeJS.ErrnoException =>
  isNativeError(error) && 'code' in error && error.code === 'ECONNRESET' && !('syscall' in error);

/** The refusals of the framework itself. */
function fromStatus(
  status: number,
  cause: Error,
  request: FastifyRequest,
  routes: RouteTable,
): PembaError | undefined {
  switch (status) {
    case 400:
      return new PembaError('invalid_request', cause.message, { cause });
    case 404:
      return routes.isKnown(request.url)
        ? new PembaError(
            'method_not_supported',
            `${request.method} is not supported at this path`,
            { cause },
          )
        : new PembaError('undefined_endpoint', 'Not Found', { cause });
    case 408:
      return tooLate(cause);
    case 413:
      return new PembaError('body_too_large', 'the body is too large', { cause });
    case 415:
      return unsupportedMediaType(request);
    case 503:
      return new PembaError('shutting_down', 'the server is shutting down', { cause });
    default:
      return status >= 400 && status < 500
        ? new PembaError('invalid_request', cause.message, { cause })
        : undefined;
  }
}
