import type { EdgeObserver } from '../api/edge/answer.js';
import { PembaError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { Logger } from './log.js';
import type { Metrics } from './metrics.js';

/** Counted and told elsewhere; see `api/openfga/error-handling`. */
const TOLD_ELSEWHERE = new Set<ErrorCode>(['overloaded', 'issuer_unavailable']);

/** Counts what gateways were answered, and tells of failures of our own. */
export const edgeObserver = (log: Logger, metrics: Metrics): EdgeObserver => ({
  answered: (askedBy, reason) => {
    metrics.edge(askedBy, reason);
  },
  failed: (requestId, error) => {
    if (error instanceof PembaError && TOLD_ELSEWHERE.has(error.code)) return;
    log.error({ err: error, request_id: requestId }, 'a request failed');
  },
});
