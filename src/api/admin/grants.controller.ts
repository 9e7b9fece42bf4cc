import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalidRequest } from '../../errors.js';
import { changeGrants, listGrants } from '../../identity/grants.js';
import type { Role } from '../../identity/grants.js';
import type { Identity } from '../../identity/identity.js';
import type { StoreId } from '../../ids.js';
import type { Engine } from '../../operations/engine.js';
import { deedOf } from '../attribution.js';
import { callerOf } from '../gate.js';
import { Needs } from '../needs.js';
import { ENGINE, IDENTITY } from '../tokens.js';
import { validated } from '../validated.js';
import { ChangeGrantsBody, ListGrantsQuery } from './requests.js';
import { assertMayGrant, grantOf, grantToWire, whenOn } from './roles.js';

/** Roles on the deployment, on stores and on modules: administrators of each say who has them. */
@Controller('admin/grants')
export class GrantsController {
  readonly #engine: Engine;
  readonly #identity: Identity;

  constructor(@Inject(ENGINE) engine: Engine, @Inject(IDENTITY) identity: Identity) {
    this.#engine = engine;
    this.#identity = identity;
  }

  /** All of it or nothing. */
  @Post()
  @Needs('authenticated')
  @HttpCode(200)
  async change(@Body() body: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { rights, systemStore } = whenOn(this.#identity);
    const wire = validated(ChangeGrantsBody, body, { strict: true });
    const add = wire.add.map((grant, i) => grantOf(grant, `add[${i}]`));
    const remove = wire.remove.map((grant, i) => grantOf(grant, `remove[${i}]`));
    if (add.length + remove.length === 0) {
      throw invalidRequest('add', 'name at least one grant to add or to remove');
    }
    await assertMayGrant(
      rights,
      callerOf(request),
      [...add, ...remove].map(({ role }) => role),
    );
    await changeGrants(this.#engine, systemStore, {
      add,
      remove,
      ...deedOf(this.#engine.config, request, 'grants.change'),
    });
    return {};
  }

  @Get()
  @Needs('authenticated')
  async list(@Query() query: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { rights, systemStore } = whenOn(this.#identity);
    const storeId = validated(ListGrantsQuery, query).store_id as StoreId | undefined;
    const asked: Role =
      storeId === undefined
        ? { of: 'deployment', role: 'admin' }
        : { of: 'store', role: 'admin', storeId };
    await assertMayGrant(rights, callerOf(request), [asked]);
    const grants = await listGrants(this.#engine, systemStore, storeId);
    return { grants: grants.map(grantToWire) };
  }
}
