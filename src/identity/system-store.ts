/**
 * The store that holds the rights, with `schema/pemba.fga` as its model. It is made at the first
 * start with authentication, under an id that is claimed first, by steps that may be taken again; a
 * newer version of Pemba gives it its newer model.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { getModel, writeModel } from '../operations/models.js';
import { modelFromDsl, modelToDsl } from '../schema/dsl.js';
import { claimSetting, findSetting } from '../storage/settings.js';
import { insertStore } from '../storage/stores.js';

const FILE = fileURLToPath(new URL('../../schema/pemba.fga', import.meta.url));
const SETTING = 'system_store';
const NAME = 'pemba';

interface Claim {
  readonly id: StoreId;
}

/** For the one process that prepares the database. */
export async function prepareSystemStore(engine: Engine): Promise<StoreId> {
  const wanted: Claim = { id: engine.newId() as StoreId };
  const { id } = (await claimSetting(engine.database, SETTING, wanted)) as Claim;
  const now = new Date(engine.clock.now());
  await insertStore(engine.database, { id, name: NAME, createdAt: now, updatedAt: now });
  const source = modelFromDsl(readFileSync(FILE, 'utf8'));
  const { newestModel } = await engine.replicas.open(id);
  const isCurrent =
    newestModel !== undefined &&
    modelToDsl((await getModel(engine, id, newestModel)).model) === modelToDsl(source.model);
  if (!isCurrent) await writeModel(engine, id, source);
  return id;
}

export async function findSystemStore(engine: Engine): Promise<StoreId> {
  const claim = (await findSetting(engine.database, SETTING)) as Claim | undefined;
  if (claim === undefined) throw new PembaError('cannot_start', 'There is no system store yet.');
  return claim.id;
}
