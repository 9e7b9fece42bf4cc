import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Consistency } from '../../operations/consistency.js';

const HEADER = 'pemba-consistency-token';

/** AuthZEN has no word for how fresh an answer is to be: the header that all routes know has. */
export function consistencyOf({ headers }: FastifyRequest): Consistency {
  const token = headers[HEADER];
  return typeof token === 'string' && token !== ''
    ? { kind: 'at_least', token }
    : { kind: 'minimize_latency' };
}

export function stampRevision(
  reply: FastifyReply,
  { consistencyToken }: { readonly consistencyToken: string },
): void {
  void reply.header(HEADER, consistencyToken);
}
