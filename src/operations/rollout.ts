/**
 * Whether every process that serves answers with a model.
 *
 *   a model is written   takes the next number, under a lock that is held until it is committed: who
 *                        reads a number finds every model up to it
 *   a process, every 2 s, says that it is there and how far it has come (`models_seen`), and reads the
 *   and when it hears    last number. If that is another one, the process learns the newest model of
 *   of a model           each store that it holds, compiles it, and says so
 *   ready                `models_seen` is not below the model's number
 *
 * A store that is not held is loaded with the newest model, so it needs nothing; one that was being
 * loaded while the number was read is waited for.
 *
 * A process that was not seen for 10 s does not count: it has ended, or has no database. One that is
 * only cut off may go on answering with what it knows for as long as `maxStalenessMs` allows; nobody
 * can ask it. No answer depends on anything here.
 *
 * Rejected: comparing ids of models, which are not in the order of commits; the ids of transactions,
 * which a long import holds back.
 */
import type { ModelId, StoreId } from '../ids.js';
import type { StoreReplica } from '../replica/store-replica.js';
import { beat, countProcesses, removeProcess } from '../storage/processes.js';
import type { ProcessCount } from '../storage/processes.js';
import type { Engine } from './engine.js';
import { modelNotFound } from './plans.js';

const BEAT_MS = 2000;
/** Five beats: one that is late, or a pause of the process, makes it no dead one. */
export const SILENT_MS = 10_000;
/** Of models that are written one after another, the processes need not say each. */
const GATHER_MS = 50;

export class Rollout {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #onError: (error: unknown) => void;
  /** Of stores that are held, the models that were compiled here. */
  readonly #compiled = new WeakMap<StoreReplica, ModelId>();
  #modelsSeen = 0;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #isWanted = false;
  #beating: Promise<void> | undefined;
  #isLearning = false;
  #isFailing = false;
  #isStopping = false;

  constructor(engine: Engine, onError: (error: unknown) => void) {
    this.#engine = engine;
    this.#id = engine.newId();
    this.#onError = onError;
  }

  /** Resolves when the process counts; before that it must not serve. */
  async start(): Promise<void> {
    this.#engine.replicas.watchModels(() => {
      this.#soon ??= setTimeout(() => {
        this.#soon = undefined;
        void this.beat();
      }, GATHER_MS).unref();
    });
    this.#timer = setInterval(() => void this.beat(), BEAT_MS).unref();
    await this.beat();
  }

  /** What is being learned is not waited for: it may wait for a large store. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    await this.#beating;
    // Without the database, others will see that it is silent.
    await removeProcess(this.#engine.database, this.#id).catch(() => undefined);
  }

  /** Never rejects. One that is wanted while another is under way follows it. */
  beat(): Promise<void> {
    this.#isWanted = true;
    this.#beating ??= this.#beat();
    return this.#beating;
  }

  async #beat(): Promise<void> {
    while (this.#isWanted && !this.#isStopping) {
      this.#isWanted = false;
      try {
        const last = await beat(this.#engine.database, this.#id, this.#modelsSeen);
        if (last === this.#modelsSeen) this.#isFailing = false;
        else if (!this.#isLearning) void this.#learn(last);
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#beating = undefined;
  }

  /** The process goes on saying that it is there, however long it takes. */
  async #learn(last: number): Promise<void> {
    const { replicas } = this.#engine;
    this.#isLearning = true;
    try {
      await replicas.learnModels();
      for (const replica of [...replicas.stores]) await this.#compile(replica);
      this.#modelsSeen = last;
      void this.beat();
    } catch (error) {
      this.#failed(error);
    }
    this.#isLearning = false;
  }

  async #compile(replica: StoreReplica): Promise<void> {
    const { storeId, newestModel } = replica;
    if (newestModel === undefined || this.#compiled.get(replica) === newestModel) return;
    const { plans, replicas } = this.#engine;
    try {
      await plans.get(storeId, newestModel);
      this.#compiled.set(replica, newestModel);
    } catch (error) {
      // Deleted meanwhile.
      if (replicas.peek(storeId) === replica) throw error;
    }
  }

  /** Once until it works again: it is the same every time. */
  #failed(error: unknown): void {
    if (!this.#isFailing && !this.#isStopping) this.#onError(error);
    this.#isFailing = true;
  }
}

export interface RolloutState extends ProcessCount {
  readonly complete: boolean;
}

/** How many processes serve, and how many of them answer with this model or a later one. */
export async function rolloutOf(
  { database }: Engine,
  storeId: StoreId,
  modelId: ModelId,
): Promise<RolloutState> {
  const count = await countProcesses(database, storeId, modelId, SILENT_MS);
  if (count === undefined) throw modelNotFound(modelId);
  return { ...count, complete: count.processes > 0 && count.ready === count.processes };
}
