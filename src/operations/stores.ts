import type { StoreId } from '../ids.js';
import type { Attribution } from '../storage/audit-chain.js';
import { appendDeeds } from '../storage/audit.js';
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

export interface StoreCreation {
  readonly by?: Attribution;
  /** Done before anybody can find the store. */
  readonly prepare?: (id: StoreId) => Promise<void>;
}

export async function createStore(
  engine: Engine,
  name: string,
  { by, prepare }: StoreCreation = {},
): Promise<Store> {
  const now = new Date(engine.clock.now());
  const store = { id: engine.newId() as StoreId, name, createdAt: now, updatedAt: now };
  await prepare?.(store.id);
  await engine.database.transaction(async (session) => {
    await insertStore(session, store);
    if (by === undefined) return;
    await appendDeeds(session, store.id, [{ action: 'store.create', by, details: { name } }], now);
  });
  return store;
}

export async function getStore(engine: Engine, id: StoreId): Promise<Store> {
  const store = await findStore(engine.database, id);
  if (store === undefined) throw storeNotFound(id);
  return store;
}

/**
 * Deleting a store that is not there is not an error. It is recorded in the store's log and, where
 * somebody can still read it afterwards, in that of the store of rights.
 */
export async function deleteStore(
  engine: Engine,
  id: StoreId,
  record?: { readonly by: Attribution; readonly alsoIn: StoreId | undefined },
): Promise<void> {
  const now = new Date(engine.clock.now());
  await softDeleteStore(engine.database, id, now, async (session) => {
    if (record === undefined) return;
    const { by, alsoIn } = record;
    const deed = { action: 'store.delete', by, details: { store_id: id } } as const;
    await appendDeeds(session, id, [deed], now);
    if (alsoIn !== undefined) await appendDeeds(session, alsoIn, [deed], now);
  });
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
