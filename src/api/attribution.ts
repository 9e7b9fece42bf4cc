import type { FastifyRequest } from 'fastify';
import { isAudited } from '../config.js';
import type { Config } from '../config.js';
import type { Attribution, AuditAction, Deed } from '../storage/audit-chain.js';
import type { JsonObject } from '../tuple/tuple.js';
import { callerOf } from './gate.js';

/** What the audit log is to say, to be spread into an operation's request. */
export function deedOf(
  config: Config,
  request: FastifyRequest,
  action: AuditAction,
  details: JsonObject = {},
): { readonly deed?: Deed } {
  const by = attributionOf(config, request);
  return by === undefined ? {} : { deed: { action, by, details } };
}

/** To whom the audit log ascribes what a request does; undefined when nothing is audited. */
export function attributionOf(config: Config, request: FastifyRequest): Attribution | undefined {
  if (!isAudited(config)) return undefined;
  return {
    principal: callerOf(request).name,
    address: request.ip,
    requestId: request.id,
  };
}
