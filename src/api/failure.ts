/** What went wrong, as the error that every protocol has an answer to. */
import { isNativeError } from 'node:util/types';
import { HttpException } from '@nestjs/common';
import type { FastifyError, FastifyRequest } from 'fastify';
import { PembaError } from '../errors.js';
import { unsupportedMediaType } from './json-body.js';
import { schemaProblem } from './schema-problem.js';

export const tooLate = (cause?: Error): PembaError =>
  new PembaError('request_timeout', 'the request did not arrive in time', {
    ...(cause && { cause }),
  });

/** Undefined for a bug, which is neither an error of ours nor a refusal of the framework. */
export function asPembaError(
  error: unknown,
  request: FastifyRequest,
  isKnownPath: (url: string) => boolean,
): PembaError | undefined {
  if (error instanceof PembaError) return error;
  if (error instanceof HttpException)
    return fromStatus(error.getStatus(), error, request, isKnownPath);
  if (isBrokenOff(error)) return tooLate(error);
  if (!(error instanceof Error)) return undefined;
  const { validation, statusCode } = error as Partial<FastifyError>;
  if (validation !== undefined) return schemaProblem(validation);
  return statusCode === undefined ? undefined : fromStatus(statusCode, error, request, isKnownPath);
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
  isKnownPath: (url: string) => boolean,
): PembaError | undefined {
  switch (status) {
    case 400:
      return new PembaError('invalid_request', cause.message, { cause });
    case 404:
      return isKnownPath(request.url)
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
