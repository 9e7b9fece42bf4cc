/** Models: written once, and followed by newer ones. What is attached to one goes along. */
import { PembaError, invalidRequest } from '../errors.js';
import { ulidAfter } from '../ids.js';
import type { ModelId, StoreId } from '../ids.js';
import { ConsistencyTokens } from '../replica/consistency-tokens.js';
import { nextVersion } from '../schema/attachments.js';
import type {
  AttachmentChanges,
  AttachmentName,
  Attachments,
  Compiled,
} from '../schema/attachments.js';
import { implicationChanges } from '../schema/implications.js';
import type { ImplicationChanges } from '../schema/implications.js';
import { DEFAULT_MODEL_LIMITS } from '../schema/limits.js';
import type { ModelLimits } from '../schema/limits.js';
import type { ModelMetadata } from '../schema/model-metadata.js';
import type { Model } from '../schema/model.js';
import { compilePlan } from '../schema/plan.js';
import type { Positions } from '../schema/positions.js';
import { assertValidModel } from '../schema/validate.js';
import { modelFromWire, modelToWire } from '../schema/wire.js';
import type { Deed } from '../storage/audit-chain.js';
import { findModel, insertModel, listModels as readModels } from '../storage/models.js';
import type { ModelGround, NewModel, StoredModel } from '../storage/models.js';
import { storeNotFound } from '../storage/stores.js';
import type { Config } from '../config.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';
import { decodeUlidToken, encodePageToken, pageSize } from './page-token.js';
import { modelNotFound } from './plans.js';
import { noModel } from './resolve.js';

/** What goes with a version of a model, whatever it changes. */
export interface Writing {
  readonly deed?: Deed;
  readonly metadata?: ModelMetadata;
  readonly expected?: Expected;
}

/** How the writer knows the store: refused as `model_conflict` if it is not so any more. */
export interface Expected {
  /** Its newest model. */
  readonly model?: ModelId | 'none';
  /** A consistency token: no tuple has changed since. */
  readonly unchangedSince?: string;
}

export interface ModelSource extends Writing {
  readonly model: Model;
  /** Those of the DSL that the model was read from. */
  readonly positions?: Positions;
  /** What is not named here is that of the store's newest model. */
  readonly attachments?: AttachmentChanges;
}

export interface WrittenModel {
  readonly id: ModelId;
  /** Against the model before. */
  readonly implications: ImplicationChanges;
}

export async function writeModel(
  engine: Engine,
  storeId: StoreId,
  { model, positions, attachments: changes = {}, ...writing }: ModelSource,
): Promise<WrittenModel> {
  assertValidModel(model, { limits: limitsOf(engine.config), ...(positions && { positions }) });
  const plan = compilePlan(model);
  const body = modelToWire(model);
  let before: StoredModel | undefined;
  const id = await insert(engine, storeId, writing, (newest) => {
    before = newest;
    return { body, ...nextVersion(plan, newest?.attachments ?? {}, changes) };
  });
  return { id, implications: implicationChanges(before && modelFromWire(before.body), model) };
}

/** A new version of the store's newest model, which differs in its attachments alone. */
export async function writeAttachments(
  engine: Engine,
  storeId: StoreId,
  changes: AttachmentChanges,
  writing: Writing,
): Promise<ModelId> {
  return insert(engine, storeId, writing, (newest) => {
    if (newest === undefined) throw noModel(storeId);
    const { body, attachments } = newest;
    return { body, ...nextVersion(compilePlan(modelFromWire(body)), attachments, changes) };
  });
}

/** `{}` when the model, by default the store's newest, has none of that name. */
export async function readAttachment(
  engine: Engine,
  storeId: StoreId,
  name: AttachmentName,
  modelId?: ModelId,
): Promise<object> {
  await headOfStore(engine, storeId);
  const stored =
    modelId === undefined
      ? (await readModels(engine.database, storeId, { before: undefined, limit: 1 }))[0]
      : await findModel(engine.database, storeId, modelId);
  if (stored !== undefined) return stored.attachments[name] ?? {};
  throw modelId === undefined ? noModel(storeId) : modelNotFound(modelId);
}

interface Version extends Pick<NewModel, 'body' | 'attachments'> {
  readonly compiled: Compiled;
}

async function insert(
  engine: Engine,
  storeId: StoreId,
  { deed, metadata = {}, expected = {} }: Writing,
  make: (newest: StoredModel | undefined) => Version,
): Promise<ModelId> {
  const now = new Date(engine.clock.now());
  const written = await insertModel(
    engine.database,
    storeId,
    (ground) => {
      assertExpected(storeId, expected, ground);
      const { newest } = ground;
      return { id: nextId(engine, newest), metadata, ...make(newest) };
    },
    { now, deed },
  );
  if (written === undefined) throw storeNotFound(storeId);
  engine.plans.put(storeId, written.id, written.compiled);
  engine.replicas.peek(storeId)?.noteModel(written.id);
  return written.id;
}

/** The clock of the process that wrote the newest one may be ahead. */
function nextId(engine: Engine, newest: StoredModel | undefined): ModelId {
  const id = engine.newId();
  const isLater = newest === undefined || id > newest.id;
  return (isLater ? id : ulidAfter(newest.id)) as ModelId;
}

function assertExpected(
  storeId: StoreId,
  { model, unchangedSince }: Expected,
  { newest, head }: ModelGround,
): void {
  const current = newest?.id ?? 'none';
  if (model !== undefined && model !== current) {
    throw new PembaError('model_conflict', `the store's newest model is ${current}, not ${model}`, {
      facts: { authorization_model_id: current },
    });
  }
  if (unchangedSince === undefined) return;
  const revision = new ConsistencyTokens(storeId, head.tokenKey).revisionOf(unchangedSince);
  if (revision === undefined) {
    throw invalidRequest('pemba-expect-unchanged-since', 'is no consistency token of this store');
  }
  if (revision !== head.revision) {
    throw new PembaError('model_conflict', 'tuples of the store have changed meanwhile');
  }
}

export const limitsOf = (config: Config): ModelLimits => ({
  ...DEFAULT_MODEL_LIMITS,
  typesMax: config.maxTypes,
  conditionsMax: config.maxConditions,
  modelBytesMax: config.maxModelBytes,
});

export interface IdentifiedModel {
  readonly id: ModelId;
  readonly model: Model;
  readonly attachments: Attachments;
  readonly metadata: ModelMetadata;
  readonly createdAt: Date;
}

const identified = ({ body, ...rest }: StoredModel): IdentifiedModel => ({
  ...rest,
  model: modelFromWire(body),
});

export async function getModel(
  engine: Engine,
  storeId: StoreId,
  modelId: ModelId,
): Promise<IdentifiedModel> {
  const stored = await findModel(engine.database, storeId, modelId);
  if (stored === undefined) throw modelNotFound(modelId);
  return identified(stored);
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
    models: page.map(identified),
    continuationToken:
      found.length > limit && last !== undefined
        ? encodePageToken(tokenKey, identity, [last.id])
        : '',
  };
}
