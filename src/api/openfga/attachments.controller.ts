/**
 * What is kept with a model, each kind under an address of its own. Bodies are JSON, or YAML with its
 * content-type. A model is never changed, so to write one makes a newer version.
 */
import { Body, Controller, Get, HttpCode, Inject, Param, Put, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../../errors.js';
import type { Engine } from '../../operations/engine.js';
import { readAttachment, writeAttachments } from '../../operations/models.js';
import { attachmentChangesFrom } from '../../schema/attachments.js';
import type { AttachmentName } from '../../schema/attachments.js';
import { deedOf } from '../attribution.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { writingOf } from './model-writing.js';
import { modelIdOf, storeIdOf } from './wire.js';

@Controller('stores/:storeId')
export class AttachmentsController {
  readonly #engine: Engine;

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
  }

  @Put('claims-mapping')
  @Needs('store:model')
  @HttpCode(201)
  async writeClaimsMapping(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    return this.#write('claims_mapping', storeId, body, request);
  }

  @Get('claims-mapping')
  @Needs('store:read')
  async readClaimsMapping(
    @Param('storeId') storeId: string,
    @Query('authorization_model_id') modelId: unknown,
  ): Promise<object> {
    return this.#read('claims_mapping', storeId, modelId);
  }

  @Put('delegation-settings')
  @Needs('store:model')
  @HttpCode(201)
  async writeDelegationSettings(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    return this.#write('delegation_settings', storeId, body, request);
  }

  @Get('delegation-settings')
  @Needs('store:read')
  async readDelegationSettings(
    @Param('storeId') storeId: string,
    @Query('authorization_model_id') modelId: unknown,
  ): Promise<object> {
    return this.#read('delegation_settings', storeId, modelId);
  }

  @Put('authzen-mapping')
  @Needs('store:model')
  @HttpCode(201)
  async writeAuthzenMapping(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    return this.#write('authzen_mapping', storeId, body, request);
  }

  @Get('authzen-mapping')
  @Needs('store:read')
  async readAuthzenMapping(
    @Param('storeId') storeId: string,
    @Query('authorization_model_id') modelId: unknown,
  ): Promise<object> {
    return this.#read('authzen_mapping', storeId, modelId);
  }

  @Put('route-table')
  @Needs('store:model')
  @HttpCode(201)
  async writeRouteTable(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    return this.#write('route_table', storeId, body, request);
  }

  @Get('route-table')
  @Needs('store:read')
  async readRouteTable(
    @Param('storeId') storeId: string,
    @Query('authorization_model_id') modelId: unknown,
  ): Promise<object> {
    return this.#read('route_table', storeId, modelId);
  }

  async #write(
    name: AttachmentName,
    storeId: string,
    body: unknown,
    request: FastifyRequest,
  ): Promise<object> {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new PembaError('invalid_request', 'the body must be object', {
        facts: { field: 'body' },
      });
    }
    const changes = attachmentChangesFrom({ [name]: body });
    const id = await writeAttachments(this.#engine, storeIdOf(storeId), changes, {
      ...writingOf(request),
      ...deedOf(this.#engine.config, request, 'model.write', { [name]: true }),
    });
    return { authorization_model_id: id };
  }

  async #read(name: AttachmentName, storeId: string, modelId: unknown): Promise<object> {
    if (modelId !== undefined && typeof modelId !== 'string') {
      throw invalidRequest('authorization_model_id', 'must be given once');
    }
    const id = modelId === undefined || modelId === '' ? undefined : modelIdOf(modelId);
    return readAttachment(this.#engine, storeIdOf(storeId), name, id);
  }
}
