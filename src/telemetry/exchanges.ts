import type { ExchangeObserver } from '../api/oauth/token-routes.js';
import { PembaError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { AuthenticatedClient } from '../identity/clients.js';
import type { Logger } from './log.js';
import type { Metrics } from './metrics.js';

/** Counted and told elsewhere; see `api/openfga/error-handling`. */
const TOLD_ELSEWHERE = new Set<ErrorCode>(['overloaded', 'issuer_unavailable']);

/**
 * Counts exchanges by outcome, and tells of those that were refused, with the reason that the client
 * was not told. No user's name gets into the log.
 */
export function exchangeObserver(log: Logger, metrics: Metrics): ExchangeObserver {
  return {
    issued: ({ request }) => {
      metrics.exchange(request.requested);
    },
    refused: ({ requestId, client, status, outcome, error }) => {
      metrics.exchange(outcome);
      const code = error instanceof PembaError ? error.code : 'internal';
      if (TOLD_ELSEWHERE.has(code)) return;
      if (status >= 500) {
        log.error({ err: error, request_id: requestId }, 'a request failed');
        return;
      }
      log.info(
        { request_id: requestId, client: nameOf(client), outcome, reason: reasonOf(error, code) },
        'a token exchange was refused',
      );
    },
  };
}

function reasonOf(error: unknown, code: ErrorCode): string {
  const { reason, rule, field } = error instanceof PembaError ? error.facts : {};
  const detail = [reason, rule, field].find((fact) => typeof fact === 'string');
  return typeof detail === 'string' ? `${code}: ${detail}` : code;
}

const nameOf = (client: AuthenticatedClient | undefined): string | undefined =>
  client?.caller.principal.kind === 'user' ? 'a user' : client?.caller.name;
