import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ModelId, StoreId } from '../../ids.js';

export const CONSISTENCY_HEADER = 'pemba-consistency-token';
export const COMPLETE_HEADER = 'pemba-complete';
/** A streamed list has no body to put the token in. */
export const TOKEN_HEADER = 'pemba-continuation-token';

/** The consistency token that a request brings, if any; an empty one counts as none. */
export function consistencyTokenOf(request: FastifyRequest): string | undefined {
  const header = request.headers[CONSISTENCY_HEADER];
  const token = Array.isArray(header) ? header[0] : header;
  return token === '' ? undefined : token;
}

/** Says what an answer was computed from. */
export function stamp(
  reply: FastifyReply,
  from: {
    readonly storeId: StoreId;
    readonly modelId?: ModelId;
    readonly consistencyToken: string;
  },
): void {
  void reply.header('openfga-store-id', from.storeId);
  if (from.modelId !== undefined) {
    void reply.header('openfga-authorization-model-id', from.modelId);
  }
  void reply.header(CONSISTENCY_HEADER, from.consistencyToken);
}
