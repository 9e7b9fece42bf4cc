import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Consistency } from '../../operations/consistency.js';

export const CONSISTENCY_HEADER = 'pemba-consistency-token';

/** AuthZEN has no word for how fresh an answer is to be: the header that all routes know has. */
export function consistencyOf({ headers }: { readonly headers: IncomingHttpHeaders }): Consistency {
  const token = headers[CONSISTENCY_HEADER];
  return typeof token === 'string' && token !== ''
    ? { kind: 'at_least', token }
    : { kind: 'minimize_latency' };
}

export function stampRevision(
  reply: FastifyReply,
  { consistencyToken }: { readonly consistencyToken: string },
): void {
  void reply.header(CONSISTENCY_HEADER, consistencyToken);
}
