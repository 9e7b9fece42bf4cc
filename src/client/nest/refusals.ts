/**
 * What is thrown instead of a yes. To whoever made the request a status says all; the reason is for
 * the log, without anything of the request.
 */
import {
  ForbiddenException,
  Logger,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';
import type { HttpException } from '@nestjs/common';
import { PembaClientError } from '../client.js';
import { PermitRefused } from '../verifier.js';

const log = new Logger('Pemba');
const RETRY_AFTER_DEFAULT_MS = 1000;

/** Pemba, or what a verifier needs, cannot say now. */
export class Undecided extends ServiceUnavailableException {
  readonly retryAfterSeconds: number;

  constructor(retryAfterMs = RETRY_AFTER_DEFAULT_MS) {
    super();
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  }
}

/** For what is not an answer to the question: nothing of it is an allow. */
export function refusalOf(error: unknown, handler: string): unknown {
  if (error instanceof PermitRefused) return permitRefusal(error, handler);
  if (error instanceof PembaClientError) return unanswered(error, handler);
  return error;
}

function permitRefusal({ status, reason }: PermitRefused, handler: string): HttpException {
  const message = `${handler}: permit refused: ${reason}`;
  switch (status) {
    case 401:
      log.debug(message);
      return new UnauthorizedException();
    case 403:
      log.debug(message);
      return new ForbiddenException();
    case 503:
      log.warn(message);
      return new Undecided();
  }
}

/** A question that can have no answer will have none later either, so it is a no. */
function unanswered(error: PembaClientError, handler: string): HttpException {
  log.error(`${handler}: ${sentenceOf(error)}`);
  return error.status === 400 ? new ForbiddenException() : new Undecided(error.retryAfterMs);
}

const sentenceOf = ({ code, message, requestId }: PembaClientError): string =>
  `${code}: ${message}${requestId === undefined ? '' : ` (request ${requestId})`}`;
