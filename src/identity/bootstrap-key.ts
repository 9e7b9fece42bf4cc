/**
 * The first administrator. At the first start with authentication there is nobody who could grant
 * anything, so a key is made and shown, once in the life of a database. Whoever lost it makes
 * another one at the database itself: `pemba keys recover`.
 */
import { OURSELVES } from '../storage/audit-chain.js';
import { claimSetting } from '../storage/settings.js';
import type { Engine } from '../operations/engine.js';
import type { ApiKeys, CreatedKey } from './api-keys.js';

const SETTING = 'bootstrap_key';

export async function bootstrapKey(engine: Engine, keys: ApiKeys): Promise<CreatedKey | undefined> {
  const mine = { claim: engine.newId() };
  const claimed = (await claimSetting(engine.database, SETTING, mine)) as typeof mine;
  return claimed.claim === mine.claim ? administratorKey(keys, 'bootstrap') : undefined;
}

export const administratorKey = (keys: ApiKeys, label: string): Promise<CreatedKey> =>
  keys.create({
    label,
    roles: [{ of: 'deployment', role: 'admin' }],
    createdBy: 'pemba',
    deed: { action: 'key.create', by: OURSELVES, details: { name: label } },
  });
