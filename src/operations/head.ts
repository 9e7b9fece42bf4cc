import type { StoreId } from '../ids.js';
import { storeHeads, storeNotFound } from '../storage/stores.js';
import type { StoreHead } from '../storage/stores.js';
import type { Engine } from './engine.js';

/** What the database says now; throws `store_not_found`. */
export async function headOfStore(engine: Engine, storeId: StoreId): Promise<StoreHead> {
  const head = (await storeHeads(engine.database, [storeId])).get(storeId);
  if (head === undefined) throw storeNotFound(storeId);
  return head;
}
