import type { StoreId } from '../ids.js';
import { deploymentTokenKey } from '../storage/settings.js';
import {
  findStore,
  insertStore,
  listStores as readStores,
  softDeleteStore,
  storeNotFound,
} from '../storage/stores.js';
import type { Store } from '../storage/stores.js';
import type { Engine } from './engine.js';
import { decodeUlidToken, encodePageToken, pageSize } from './page-token.js';

/** `prepare` is done before anybody can find the store. */
export async function createStore(
  engine: Engine,
  name: string,
  prepare: (id: StoreId) => Promise<void> = () => Promise.resolve(),
): Promise<Store> {
  const now = new Date(engine.clock.now());
  const store = { id: engine.newId() as StoreId, name, createdAt: now, updatedAt: now };
  await prepare(store.id);
  await insertStore(engine.database, store);
  return store;
}

export async function getStore(engine: Engine, id: StoreId): Promise<Store> {
  const store = await findStore(engine.database, id);
  if (store === undefined) throw storeNotFound(id);
  return store;
}

/** Deleting a store that is not there is not an error. */
export async function deleteStore(engine: Engine, id: StoreId): Promise<void> {
  await softDeleteStore(engine.database, id, new Date(engine.clock.now()));
  engine.replicas.drop(id);
}

export interface StorePage {
  readonly stores: readonly Store[];
  readonly continuationToken: string;
}

export async function listStores(
  engine: Engine,
  request: {
    readonly name?: string;
    /** Only these, if they exist. */
    readonly among?: readonly StoreId[];
    readonly pageSize?: number;
    readonly continuationToken: string;
  },
): Promise<StorePage> {
  const identity = ['list-stores', request.name ?? ''];
  const limit = pageSize(request.pageSize, engine.config.maxPageSize);
  const tokenKey = await deploymentTokenKey(engine.database);
  const after = decodeUlidToken(tokenKey, identity, request.continuationToken) ?? '';
  const found = await readStores(engine.database, {
    after,
    limit: limit + 1,
    ...(request.name !== undefined && { name: request.name }),
    ...(request.among !== undefined && { among: request.among }),
  });
  const stores = found.slice(0, limit);
  const last = stores.at(-1);
  return {
    stores,
    continuationToken:
      found.length > limit && last !== undefined
        ? encodePageToken(tokenKey, identity, [last.id])
        : '',
  };
}
