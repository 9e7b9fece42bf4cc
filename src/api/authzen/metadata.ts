/**
 * What clients find out by themselves. A decision point's document stands where its path is inserted
 * after `/.well-known/authzen-configuration`, and follows from the store's id alone, so it tells nothing
 * of whether there is such a store.
 *
 * `signed_metadata` says the same, signed as permits are. Where nothing can be signed it is left out.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Config } from '../../config.js';
import type { Signer } from '../../delegation/signing-keys.js';
import { PembaError, invalidRequest } from '../../errors.js';
import { isUlid } from '../../ids.js';
import type { StoreId } from '../../ids.js';
import { OBLIGATION_TYPES } from '../../schema/authzen-mapping-wire.js';
import type { JsonObject } from '../../tuple/tuple.js';
import { PATHS, decisionPointOf, mountsOf } from './store-route.js';

export interface MetadataParts {
  readonly config: Config;
  readonly signer: Pick<Signer, 'sign'>;
}

const WELL_KNOWN = '/.well-known/authzen-configuration';
/** It changes with the configuration; who reads it anew so often has it soon enough. */
const CACHE_CONTROL = 'public, max-age=300';
/** Of its own, so that it is taken for no token. */
const SIGNED_TYPE = 'authzen-configuration+jwt';

export function registerMetadata(plugin: FastifyInstance, parts: MetadataParts): void {
  const config = { right: 'public' } as const;
  for (const mount of mountsOf(parts.config)) {
    plugin.get<{ Params: { readonly storeId?: string } }>(
      `${WELL_KNOWN}${mount.prefix}`,
      { config },
      (request, reply) => {
        const { storeId = mount.storeId ?? '' } = request.params;
        if (!isUlid(storeId)) throw invalidRequest('store_id', 'must be a ULID (26 characters)');
        return answer(parts, decisionPointOf(parts.config, mount, storeId as StoreId), reply);
      },
    );
  }
}

function answer({ signer }: MetadataParts, point: string, reply: FastifyReply): FastifyReply {
  const metadata = metadataOf(point);
  const signed = signedBy(signer, { iss: point, ...metadata });
  return reply
    .header('cache-control', CACHE_CONTROL)
    .header('content-type', 'application/json; charset=utf-8')
    .send(
      JSON.stringify({ ...metadata, ...(signed !== undefined && { signed_metadata: signed }) }),
    );
}

const metadataOf = (point: string): JsonObject => ({
  policy_decision_point: point,
  access_evaluation_endpoint: `${point}${PATHS.evaluation}`,
  access_evaluations_endpoint: `${point}${PATHS.evaluations}`,
  search_subject_endpoint: `${point}${PATHS.searchSubject}`,
  search_resource_endpoint: `${point}${PATHS.searchResource}`,
  search_action_endpoint: `${point}${PATHS.searchAction}`,
  supported_obligations: OBLIGATION_TYPES,
});

function signedBy(signer: MetadataParts['signer'], claims: JsonObject): string | undefined {
  try {
    return signer.sign(SIGNED_TYPE, claims);
  } catch (error) {
    if (error instanceof PembaError && error.code === 'unavailable') return undefined;
    throw error;
  }
}
