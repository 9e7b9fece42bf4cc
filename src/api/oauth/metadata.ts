/**
 * What clients and verifiers find out by themselves (RFC 8414). The document of a store follows from
 * its id alone, so it tells nothing of whether there is such a store.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { publicUrlOf } from '../../config.js';
import type { Config } from '../../config.js';
import { issuerOf, permitsStoreOf } from '../../delegation/issuer.js';
import type { SupportedMethods } from '../../identity/clients.js';
import { ALGORITHMS } from '../../identity/issuers.js';
import { isUlid } from '../../ids.js';
import type { StoreId } from '../../ids.js';
import { PERMISSION_TYPE } from './details.js';
import { TOKEN_EXCHANGE } from './exchange-request.js';

export interface MetadataParts {
  readonly config: Config;
  readonly methods: SupportedMethods;
}

const WELL_KNOWN = '/.well-known/oauth-authorization-server';
/** It changes with the configuration; who reads it anew so often has it soon enough. */
const CACHE_CONTROL = 'public, max-age=300';
const NOT_FOUND = {
  error: 'invalid_request',
  error_description: 'there is no authorization server here',
};

export function registerMetadata(plugin: FastifyInstance, parts: MetadataParts): void {
  const config = { right: 'public' } as const;
  plugin.get(WELL_KNOWN, { config }, (request, reply) =>
    answer(parts, permitsStoreOf(parts.config), request, reply),
  );
  plugin.get<{ Params: { readonly storeId: string } }>(
    `${WELL_KNOWN}/stores/:storeId`,
    { config },
    (request, reply) => {
      const { storeId } = request.params;
      return answer(parts, isUlid(storeId) ? (storeId as StoreId) : undefined, request, reply);
    },
  );
}

function answer(
  parts: MetadataParts,
  storeId: StoreId | undefined,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  void reply.header('content-type', 'application/json; charset=utf-8');
  if (storeId === undefined) {
    return reply.code(404).header('cache-control', 'no-store').send(JSON.stringify(NOT_FOUND));
  }
  const text = JSON.stringify(metadataOf(parts, storeId));
  const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
  void reply.header('cache-control', CACHE_CONTROL).header('etag', tag);
  return isMatch(headers['if-none-match'], tag)
    ? reply.removeHeader('content-type').code(304).send()
    : reply.send(text);
}

/** Two spellings of one tag are weakly the same (RFC 9110, 13.1.2). */
const isMatch = (header: string | undefined, tag: string): boolean =>
  header === '*' ||
  (header ?? '').split(',').some((given) => given.trim().replace(/^W\//, '') === tag);

export function metadataOf({ config, methods }: MetadataParts, storeId: StoreId): object {
  const issuer = issuerOf(config, storeId);
  return {
    issuer,
    token_endpoint: `${issuer}/oauth/token`,
    jwks_uri: `${publicUrlOf(config)}/.well-known/jwks.json`,
    // There is no authorization endpoint, and the member is required.
    response_types_supported: [],
    grant_types_supported: [TOKEN_EXCHANGE],
    token_endpoint_auth_methods_supported: methods.names,
    ...(methods.algorithms.length > 0 && {
      token_endpoint_auth_signing_alg_values_supported: methods.algorithms,
    }),
    authorization_details_types_supported: [PERMISSION_TYPE],
    dpop_signing_alg_values_supported: ALGORITHMS,
    tls_client_certificate_bound_access_tokens: methods.readsCertificates,
    pemba_revocations_endpoint: `${issuer}/revocations`,
  };
}
