import { Body, Controller, Get, HttpCode, Inject, Param, Put, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../../errors.js';
import type { Engine } from '../../operations/engine.js';
import { readClaimsMapping, writeClaimsMapping } from '../../operations/models.js';
import { claimsMappingFromWire } from '../../schema/claims-mapping-wire.js';
import { deedOf } from '../attribution.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { modelIdOf, storeIdOf } from './wire.js';

@Controller('stores/:storeId/claims-mapping')
export class ClaimsMappingController {
  readonly #engine: Engine;

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
  }

  /** JSON, or YAML with its content-type. A model is never changed, so this makes a newer one. */
  @Put()
  @Needs('store:model')
  @HttpCode(201)
  async write(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new PembaError('invalid_request', 'the body must be object', {
        facts: { field: 'body' },
      });
    }
    const mapping = claimsMappingFromWire(body);
    const { deed } = deedOf(this.#engine.config, request, 'model.write', { claims_mapping: true });
    const id = await writeClaimsMapping(this.#engine, storeIdOf(storeId), mapping, deed);
    return { authorization_model_id: id };
  }

  @Get()
  @Needs('store:read')
  async read(
    @Param('storeId') storeId: string,
    @Query('authorization_model_id') modelId: unknown,
  ): Promise<object> {
    if (modelId !== undefined && typeof modelId !== 'string') {
      throw invalidRequest('authorization_model_id', 'must be given once');
    }
    const id = modelId === undefined || modelId === '' ? undefined : modelIdOf(modelId);
    return readClaimsMapping(this.#engine, storeIdOf(storeId), id);
  }
}
