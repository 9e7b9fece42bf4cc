import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import type { ModelId, StoreId } from '../../ids.js';
import { delegations } from '../../operations/delegations.js';
import type { Engine } from '../../operations/engine.js';
import { implicationToWire } from '../implications.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { validated } from '../validated.js';
import { ModelQuery } from './requests.js';

/** What the services of a store can cause for users, and why. */
@Controller('stores/:storeId/delegations')
export class DelegationsController {
  readonly #engine: Engine;

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
  }

  @Get()
  @Needs('store:read')
  async read(@Param('storeId') storeId: string, @Query() query: unknown): Promise<object> {
    const { authorization_model_id: modelId = '' } = validated(ModelQuery, query);
    const found = await delegations(this.#engine, {
      // The gate has seen that it is one.
      storeId: storeId as StoreId,
      ...(modelId !== '' && { modelId: modelId as ModelId }),
    });
    return {
      authorization_model_id: found.modelId,
      implications: found.implications.map(implicationToWire),
      services: found.services.map(({ service, ceilings }) => ({
        service,
        ceilings: ceilings.map(({ type, relation, uses }) => ({
          type,
          relation,
          uses: uses.map(({ implication, objects }) => ({ implication, objects: objects ?? null })),
        })),
      })),
      chains: found.chains,
      problems: found.problems,
      complete: found.isComplete,
    };
  }
}
