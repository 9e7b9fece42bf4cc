import type { Answering, Decision, RecordDecisions } from '../api/decision.js';
import type { DecisionLog } from './decision-log/decision-log.js';
import type { Metrics } from './metrics.js';

export interface Recorders {
  readonly metrics: Metrics;
  readonly decisionLog: DecisionLog | undefined;
}

/** Counts decisions, and logs them where there is a log. `nameOf` tells who asked. */
export function recorderOf(
  { metrics, decisionLog }: Recorders,
  nameOf?: (request: Answering['request']) => string | undefined,
): RecordDecisions {
  const count = (api: string, decisions: readonly Decision[]): void => {
    for (const { result } of decisions) {
      if ('count' in result) continue;
      metrics.decision(api, 'error' in result ? 'error' : result.allowed ? 'allowed' : 'denied');
    }
  };
  if (decisionLog === undefined) {
    return (_reply, api, _from, decisions) => {
      count(api, decisions);
    };
  }
  return (reply, api, from, decisions) => {
    decisionLog.record(reply, api, from, decisions, nameOf?.(reply.request));
    count(api, decisions);
  };
}
