import type { ModelId, StoreId } from '../ids.js';
import { DEFAULT_MODEL_LIMITS } from '../schema/limits.js';
import type { ModelLimits } from '../schema/limits.js';
import type { Model } from '../schema/model.js';
import { compilePlan } from '../schema/plan.js';
import type { Positions } from '../schema/positions.js';
import { assertValidModel } from '../schema/validate.js';
import { modelFromWire, modelToWire } from '../schema/wire.js';
import { findModel, insertModel, listModels as readModels } from '../storage/models.js';
import { storeNotFound } from '../storage/stores.js';
import type { Config } from '../config.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';
import { decodeUlidToken, encodePageToken, pageSize } from './page-token.js';
import { modelNotFound } from './plans.js';

/** `positions` are those of the DSL that the model was read from. */
export async function writeModel(
  engine: Engine,
  storeId: StoreId,
  { model, positions }: { readonly model: Model; readonly positions?: Positions },
): Promise<ModelId> {
  assertValidModel(model, { limits: limitsOf(engine.config), ...(positions && { positions }) });
  const plan = compilePlan(model);
  const id = engine.newId() as ModelId;
  const now = new Date(engine.clock.now());
  const written = await insertModel(
    engine.database,
    storeId,
    { id, body: modelToWire(model) },
    now,
  );
  if (!written) throw storeNotFound(storeId);
  engine.plans.put(storeId, id, plan);
  engine.replicas.peek(storeId)?.noteModel(id);
  return id;
}

const limitsOf = (config: Config): ModelLimits => ({
  ...DEFAULT_MODEL_LIMITS,
  typesMax: config.maxTypes,
  conditionsMax: config.maxConditions,
  modelBytesMax: config.maxModelBytes,
});

export interface IdentifiedModel {
  readonly id: ModelId;
  readonly model: Model;
}

export async function getModel(
  engine: Engine,
  storeId: StoreId,
  modelId: ModelId,
): Promise<IdentifiedModel> {
  const stored = await findModel(engine.database, storeId, modelId);
  if (stored === undefined) throw modelNotFound(modelId);
  return { id: stored.id, model: modelFromWire(stored.body) };
}

export interface ModelPage {
  readonly models: readonly IdentifiedModel[];
  readonly continuationToken: string;
}

/** Newest first. */
export async function listModels(
  engine: Engine,
  storeId: StoreId,
  request: { readonly pageSize?: number; readonly continuationToken: string },
): Promise<ModelPage> {
  const identity = ['list-models', storeId];
  const limit = pageSize(request.pageSize, engine.config.maxPageSize);
  const { tokenKey } = await headOfStore(engine, storeId);
  const before = decodeUlidToken(tokenKey, identity, request.continuationToken);
  const found = await readModels(engine.database, storeId, {
    before,
    limit: limit + 1,
  });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    models: page.map(({ id, body }) => ({ id, model: modelFromWire(body) })),
    continuationToken:
      found.length > limit && last !== undefined
        ? encodePageToken(tokenKey, identity, [last.id])
        : '',
  };
}
