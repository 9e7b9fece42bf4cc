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
import { grantCreator } from '../../identity/grants.js';
import type { Identity } from '../../identity/identity.js';
import { createStore, deleteStore, getStore, listStores } from '../../operations/stores.js';
import type { Engine } from '../../operations/engine.js';
import type { Store } from '../../storage/stores.js';
import { attributionOf } from '../attribution.js';
import { callerOf } from '../gate.js';
import { Needs } from '../needs.js';
import { ENGINE, IDENTITY } from '../tokens.js';
import { CreateStoreBody, ListStoresQuery } from './administrative.js';
import { validated } from '../validated.js';
import { storeIdOf } from './wire.js';

interface WireStore {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly updated_at: string;
}

@Controller('stores')
export class StoresController {
  readonly #engine: Engine;

  readonly #identity: Identity;

  constructor(@Inject(ENGINE) engine: Engine, @Inject(IDENTITY) identity: Identity) {
    this.#engine = engine;
    this.#identity = identity;
  }

  @Post()
  @Needs('deployment:create')
  async create(@Body() body: unknown, @Req() request: FastifyRequest): Promise<WireStore> {
    const { name } = validated(CreateStoreBody, body);
    const { systemStore } = this.#identity;
    const by = attributionOf(this.#engine.config, request);
    const store = await createStore(this.#engine, name, {
      ...(by !== undefined && { by }),
      prepare: async (id) => {
        if (systemStore === undefined) return;
        await grantCreator(this.#engine, systemStore, {
          caller: callerOf(request),
          storeId: id,
          by,
        });
      },
    });
    return storeToWire(store);
  }

  @Get()
  @Needs('authenticated')
  async list(@Query() query: unknown, @Req() request: FastifyRequest): Promise<object> {
    const { name, page_size, continuation_token } = validated(ListStoresQuery, query);
    const visible = (await this.#identity.rights?.visible(callerOf(request))) ?? 'all';
    const page = await listStores(this.#engine, {
      ...(visible !== 'all' && { among: visible }),
      continuationToken: continuation_token ?? '',
      ...(name !== undefined && name !== '' && { name }),
      ...(page_size !== undefined && { pageSize: page_size }),
    });
    return {
      stores: page.stores.map((store) => ({ ...storeToWire(store), deleted_at: null })),
      continuation_token: page.continuationToken,
    };
  }

  @Get(':storeId')
  @Needs('store:see')
  async get(@Param('storeId') storeId: string): Promise<WireStore> {
    return storeToWire(await getStore(this.#engine, storeIdOf(storeId)));
  }

  @Delete(':storeId')
  @Needs('store:delete')
  @HttpCode(204)
  async delete(@Param('storeId') storeId: string, @Req() request: FastifyRequest): Promise<void> {
    const by = attributionOf(this.#engine.config, request);
    const alsoIn = this.#identity.systemStore;
    await deleteStore(this.#engine, storeIdOf(storeId), by && { by, alsoIn });
  }
}

const storeToWire = (store: Store): WireStore => ({
  id: store.id,
  name: store.name,
  created_at: store.createdAt.toISOString(),
  updated_at: store.updatedAt.toISOString(),
});
