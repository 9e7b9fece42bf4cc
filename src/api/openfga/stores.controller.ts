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
} from '@nestjs/common';
import { createStore, deleteStore, getStore, listStores } from '../../operations/stores.js';
import type { Engine } from '../../operations/engine.js';
import type { Store } from '../../storage/stores.js';
import { ENGINE } from '../tokens.js';
import { CreateStoreBody, ListStoresQuery, administrative } from './administrative.js';
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

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
  }

  @Post()
  async create(@Body() body: unknown): Promise<WireStore> {
    const { name } = administrative(CreateStoreBody, body);
    return storeToWire(await createStore(this.#engine, name));
  }

  @Get()
  async list(@Query() query: unknown): Promise<object> {
    const { name, page_size, continuation_token } = administrative(ListStoresQuery, query);
    const page = await listStores(this.#engine, {
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
  async get(@Param('storeId') storeId: string): Promise<WireStore> {
    return storeToWire(await getStore(this.#engine, storeIdOf(storeId)));
  }

  @Delete(':storeId')
  @HttpCode(204)
  async delete(@Param('storeId') storeId: string): Promise<void> {
    await deleteStore(this.#engine, storeIdOf(storeId));
  }
}

const storeToWire = (store: Store): WireStore => ({
  id: store.id,
  name: store.name,
  created_at: store.createdAt.toISOString(),
  updated_at: store.updatedAt.toISOString(),
});
