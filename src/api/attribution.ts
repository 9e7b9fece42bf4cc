import type { FastifyRequest } from 'fastify';
import { isAudited } from '../config.js';
import type { Config } from '../config.js';
import { principalName } from '../identity/principal.js';
import type { Attribution } from '../storage/audit-chain.js';
import { callerOf } from './gate.js';

/** To whom the audit log ascribes what a request does; undefined when nothing is audited. */
export function attributionOf(config: Config, request: FastifyRequest): Attribution | undefined {
  if (!isAudited(config)) return undefined;
  return {
    principal: principalName(callerOf(request).principal),
    address: request.ip,
    requestId: request.id,
  };
}
