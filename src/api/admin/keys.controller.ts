import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalidRequest } from '../../errors.js';
import { keyNotFound } from '../../identity/api-keys.js';
import type { Caller } from '../../identity/caller.js';
import type { Identity } from '../../identity/identity.js';
import { isUlid } from '../../ids.js';
import type { KeyId } from '../../ids.js';
import type { Engine } from '../../operations/engine.js';
import { decodeUlidToken, encodePageToken, pageSize } from '../../operations/page-token.js';
import type { ApiKeyRecord } from '../../storage/api-keys.js';
import { deploymentTokenKey } from '../../storage/settings.js';
import { attributionOf, deedOf } from '../attribution.js';
import { callerOf } from '../gate.js';
import { parseInstant } from '../../quantity.js';
import { Needs } from '../needs.js';
import { ENGINE, IDENTITY } from '../tokens.js';
import { PagingQuery, validated } from '../validated.js';
import { CreateKeyBody } from './requests.js';
import { assertMayGrant, isAdministrator, roleOf, roleToWire, whenOn } from './roles.js';

/** Callers see and revoke the keys that they made; administrators, all. */
@Controller('admin/keys')
export class KeysController {
  readonly #engine: Engine;
  readonly #identity: Identity;

  constructor(@Inject(ENGINE) engine: Engine, @Inject(IDENTITY) identity: Identity) {
    this.#engine = engine;
    this.#identity = identity;
  }

  @Post()
  @Needs('authenticated')
  async create(@Body() body: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { keys, rights } = whenOn(this.#identity);
    const wire = validated(CreateKeyBody, body, { strict: true });
    const roles = wire.roles.map((role, i) => roleOf(role, `roles[${i}]`));
    if (roles.length === 0 && !(await isAdministrator(rights, callerOf(request)))) {
      throw invalidRequest('roles', 'name at least one');
    }
    await assertMayGrant(rights, callerOf(request), roles);
    const expiresAt = wire.expires_at === undefined ? undefined : parseInstant(wire.expires_at);
    if (expiresAt !== undefined && !(expiresAt > this.#engine.clock.now())) {
      throw invalidRequest('expires_at', 'must be in the future');
    }
    const expiry = expiresAt === undefined ? null : new Date(expiresAt).toISOString();
    const { id, key } = await keys.create({
      label: wire.name,
      roles,
      createdBy: callerOf(request).name,
      ...deedOf(this.#engine.config, request, 'key.create', {
        name: wire.name,
        expires_at: expiry,
      }),
      ...(expiresAt !== undefined && { expiresAt }),
    });
    return {
      id,
      key,
      name: wire.name,
      roles: roles.map(roleToWire),
      expires_at: expiry,
    };
  }

  @Get()
  @Needs('authenticated')
  async list(@Query() query: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { keys, rights } = whenOn(this.#identity);
    const { page_size, continuation_token } = validated(PagingQuery, query);
    const isAdmin = await isAdministrator(rights, callerOf(request));
    const createdBy = isAdmin ? undefined : callerOf(request).name;
    const tokenKey = await deploymentTokenKey(this.#engine.database);
    const identity = ['list-keys', createdBy ?? ''];
    const limit = pageSize(page_size, this.#engine.config.maxPageSize);
    const found = await keys.list({
      after: decodeUlidToken(tokenKey, identity, continuation_token ?? '') ?? '',
      limit: limit + 1,
      ...(createdBy !== undefined && { createdBy }),
    });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      keys: page.map(keyToWire),
      continuation_token:
        found.length > limit && last !== undefined
          ? encodePageToken(tokenKey, identity, [last.id])
          : '',
    };
  }

  @Get(':keyId')
  @Needs('authenticated')
  async get(@Param('keyId') keyId: string, @Req() request: FastifyRequest): Promise<object> {
    return keyToWire(await this.#visible(keyId, callerOf(request)));
  }

  /** Refused from now on, in every process. */
  @Delete(':keyId')
  @Needs('authenticated')
  @HttpCode(204)
  async revoke(@Param('keyId') keyId: string, @Req() request: FastifyRequest): Promise<void> {
    const { id } = await this.#visible(keyId, callerOf(request));
    await whenOn(this.#identity).keys.revoke(id, attributionOf(this.#engine.config, request));
  }

  async #visible(keyId: string, caller: Caller): Promise<ApiKeyRecord> {
    const { keys, rights } = whenOn(this.#identity);
    if (!isUlid(keyId)) throw invalidRequest('key_id', 'must be a ULID (26 characters)');
    const found = await keys.get(keyId as KeyId);
    const isOwn = found.createdBy === caller.name;
    if (!isOwn && !(await isAdministrator(rights, caller))) throw keyNotFound(keyId);
    return found;
  }
}

const keyToWire = (key: ApiKeyRecord): object => ({
  id: key.id,
  name: key.label,
  created_by: key.createdBy,
  created_at: key.createdAt.toISOString(),
  expires_at: key.expiresAt?.toISOString() ?? null,
  revoked_at: key.revokedAt?.toISOString() ?? null,
});
