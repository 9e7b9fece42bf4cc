import { PembaError } from '../errors.js';
import type { ModelId, StoreId } from '../ids.js';
import { compile } from '../schema/attachments.js';
import type { Compiled } from '../schema/attachments.js';
import { modelFromWire } from '../schema/wire.js';
import type { Database } from '../storage/database.js';
import { findModel } from '../storage/models.js';

/** A plan is some tens of kilobytes; stores use one or two models at a time. */
const MAX_PLANS = 1000;

interface Kept {
  readonly storeId: StoreId;
  readonly compiled: Compiled;
}

/** Compiled models by id. Models never change; of too many, the ones made first go. */
export class Plans {
  readonly #database: Database;
  readonly #kept = new Map<ModelId, Kept>();
  readonly #loading = new Map<string, Promise<Compiled>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** What needs no waiting. */
  peek(storeId: StoreId, modelId: ModelId): Compiled | undefined {
    const kept = this.#kept.get(modelId);
    return kept?.storeId === storeId ? kept.compiled : undefined;
  }

  /** Throws `model_not_found`. */
  async get(storeId: StoreId, modelId: ModelId): Promise<Compiled> {
    const known = this.peek(storeId, modelId);
    if (known !== undefined) return known;
    const key = `${storeId}/${modelId}`;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#load(storeId, modelId).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  put(storeId: StoreId, modelId: ModelId, compiled: Compiled): void {
    this.#kept.set(modelId, { storeId, compiled });
    if (this.#kept.size <= MAX_PLANS) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  async #load(storeId: StoreId, modelId: ModelId): Promise<Compiled> {
    const stored = await findModel(this.#database, storeId, modelId);
    if (stored === undefined) throw modelNotFound(modelId);
    const compiled = compile(modelFromWire(stored.body), stored.attachments);
    this.put(storeId, modelId, compiled);
    return compiled;
  }
}

export const modelNotFound = (modelId: string): PembaError =>
  new PembaError('model_not_found', `Authorization Model '${modelId}' not found`, {
    facts: { authorization_model_id: modelId },
  });
