import { PembaError } from '../errors.js';
import type { ModelId, StoreId } from '../ids.js';
import { compilePlan } from '../schema/plan.js';
import type { Plan } from '../schema/plan.js';
import { modelFromWire } from '../schema/wire.js';
import type { Database } from '../storage/database.js';
import { findModel } from '../storage/models.js';

/** A plan is some tens of kilobytes; stores use one or two models at a time. */
const MAX_PLANS = 1000;

/** Compiled models, by store and id. Models never change, so the newest used are kept as they are. */
export class Plans {
  readonly #database: Database;
  readonly #plans = new Map<string, Plan>();
  readonly #loading = new Map<string, Promise<Plan>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Throws `model_not_found`. */
  async get(storeId: StoreId, modelId: ModelId): Promise<Plan> {
    const key = `${storeId}/${modelId}`;
    const known = this.#plans.get(key);
    if (known !== undefined) {
      this.#keep(key, known);
      return known;
    }
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#load(storeId, modelId).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  put(storeId: StoreId, modelId: ModelId, plan: Plan): void {
    this.#keep(`${storeId}/${modelId}`, plan);
  }

  async #load(storeId: StoreId, modelId: ModelId): Promise<Plan> {
    const stored = await findModel(this.#database, storeId, modelId);
    if (stored === undefined) throw modelNotFound(modelId);
    const plan = compilePlan(modelFromWire(stored.body));
    this.put(storeId, modelId, plan);
    return plan;
  }

  #keep(key: string, plan: Plan): void {
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    if (this.#plans.size <= MAX_PLANS) return;
    const [oldest] = this.#plans.keys();
    if (oldest !== undefined) this.#plans.delete(oldest);
  }
}

export const modelNotFound = (modelId: string): PembaError =>
  new PembaError('model_not_found', `Authorization Model '${modelId}' not found`, {
    facts: { authorization_model_id: modelId },
  });
