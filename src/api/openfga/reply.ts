import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { ModelId, StoreId } from '../../ids.js';

export const CONSISTENCY_HEADER = 'pemba-consistency-token';
export const COMPLETE_HEADER = 'pemba-complete';
/** A streamed list has no body to put the token in. */
export const TOKEN_HEADER = 'pemba-continuation-token';

/** The consistency token that a request brings, if any; an empty one counts as none. */
export function consistencyTokenOf(request: {
  readonly headers: IncomingHttpHeaders;
}): string | undefined {
  const header = request.headers[CONSISTENCY_HEADER];
  const token = Array.isArray(header) ? header[0] : header;
  return token === '' ? undefined : token;
}

interface Source {
  readonly storeId: StoreId;
  readonly modelId?: ModelId;
  readonly consistencyToken: string;
}

const STORE_HEADER = 'openfga-store-id';
const MODEL_HEADER = 'openfga-authorization-model-id';

/** Says what an answer was computed from. */
export function stamp(reply: FastifyReply, from: Source): void {
  void reply.header(STORE_HEADER, from.storeId);
  if (from.modelId !== undefined) void reply.header(MODEL_HEADER, from.modelId);
  void reply.header(CONSISTENCY_HEADER, from.consistencyToken);
}

/** The same as a list of names and values. */
export const stampOf = (from: Source & { readonly modelId: ModelId }): readonly string[] => [
  STORE_HEADER,
  from.storeId,
  MODEL_HEADER,
  from.modelId,
  CONSISTENCY_HEADER,
  from.consistencyToken,
];
