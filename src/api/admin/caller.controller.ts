import { Controller, Get, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { DeploymentRight } from '../../identity/caller.js';
import type { Identity } from '../../identity/identity.js';
import { callerOf } from '../gate.js';
import { Needs } from '../needs.js';
import { IDENTITY } from '../tokens.js';

const RIGHTS: readonly DeploymentRight[] = [
  'deployment:admin',
  'deployment:create',
  'deployment:observe',
];

@Controller('admin/me')
export class CallerController {
  readonly #identity: Identity;

  constructor(@Inject(IDENTITY) identity: Identity) {
    this.#identity = identity;
  }

  /** As whom Pemba takes the caller: the name is what grants are made to. */
  @Get()
  @Needs('authenticated')
  async get(@Req() request: FastifyRequest): Promise<object> {
    const { rights } = this.#identity;
    const caller = callerOf(request);
    const held: string[] = [];
    for (const right of RIGHTS) {
      const verdict = rights === undefined ? undefined : await rights.verdict(caller, right);
      if (verdict === undefined || verdict.kind === 'allowed') held.push(right);
    }
    return {
      principal: caller.name,
      kind: caller.principal.kind,
      roles: caller.roles.map((role) => `role:${role}#assignee`),
      rights: held,
    };
  }
}
