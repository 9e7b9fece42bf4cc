/**
 * One store's graph in this process, kept at a revision that only rises.
 *
 *   loading ── snapshot at head H ──▶ following: revisions H+1, H+2 … are applied in order
 *                                        │ a revision is missing in the log
 *                                        ▼
 *                                     reloading: a new snapshot replaces the graph in one step
 *
 * `graph` is read synchronously by a query; between two awaits it never changes.
 */
import { strict as assert } from 'node:assert';
import type { Clock } from '../clock.js';
import { PembaError } from '../errors.js';
import { ResidentGraph } from '../graph/resident.js';
import { asRevision } from '../ids.js';
import type { ModelId, Revision, StoreId } from '../ids.js';
import { Binding } from '../query/binding.js';
import type { Plan } from '../schema/plan.js';
import { readRevisions } from '../storage/changes.js';
import type { Database } from '../storage/database.js';
import { readSnapshot } from '../storage/snapshot.js';
import { storeNotFound } from '../storage/stores.js';
import type { StoreHead } from '../storage/stores.js';
import type { StoreChanges } from '../tuple/attributes.js';
import { ConsistencyTokens } from './consistency-tokens.js';

/** Some thousand changes at a time: queries get their turn between two readings. */
const REVISIONS_PER_READING = 500;

/** How often a graph that is being loaded is held against the memory it may take. */
const ROWS_PER_LOOK = 4096;

/** Who has to know of every change, in the turn in which answers begin to show it. */
export interface ReplicaWatcher {
  /** Undefined when the graph is another one, and what has changed is not known. */
  changed(changes: StoreChanges | undefined): void;
  modelChanged(modelId: ModelId): void;
  /** The replica follows no longer. */
  dropped(): void;
}

export class StoreReplica {
  readonly storeId: StoreId;
  /** For tokens of all kinds. */
  readonly tokenKey: Uint8Array;
  readonly tokens: ConsistencyTokens;
  readonly #database: Database;
  #graph: ResidentGraph;
  #bindings = new WeakMap<Plan, Binding>();
  #newestModel: ModelId | undefined;
  #currentAt: number;
  /** The greatest that was heard of. */
  #head: Revision;
  #catchingUp: Promise<void> | undefined;
  /** Of this process, on their way into the database, until it is known how that ended. */
  readonly #own = new Map<Revision, OwnCommit>();
  readonly #maxBytes: number;
  #isCompacting = false;
  #watcher: ReplicaWatcher | undefined;
  /** Set by whoever decides which stores stay: greater for those used later. */
  lastUse = 0;

  private constructor(
    storeId: StoreId,
    database: Database,
    options: { readonly loadedAt: number; readonly maxBytes: number },
    { graph, head }: Loaded,
  ) {
    this.storeId = storeId;
    this.tokenKey = head.tokenKey;
    this.tokens = new ConsistencyTokens(storeId, head.tokenKey);
    this.#database = database;
    this.#graph = graph;
    this.#newestModel = head.newestModel;
    this.#currentAt = options.loadedAt;
    this.#head = head.revision;
    this.#maxBytes = options.maxBytes;
  }

  /** Throws `store_not_found`, and `store_too_large` when the graph takes more than `maxBytes`. */
  static async load(
    storeId: StoreId,
    database: Database,
    clock: Clock,
    maxBytes = Infinity,
  ): Promise<StoreReplica> {
    const options = { loadedAt: clock.monotonic(), maxBytes };
    const loaded = await loadGraph(storeId, database, maxBytes);
    return new StoreReplica(storeId, database, options, loaded);
  }

  get graph(): ResidentGraph {
    return this.#graph;
  }

  get revision(): Revision {
    return this.#graph.revision;
  }

  /** For an answer that is computed now. */
  get consistencyToken(): string {
    return this.tokens.of(this.revision);
  }

  get newestModel(): ModelId | undefined {
    return this.#newestModel;
  }

  /** Monotonic milliseconds at which the replica was last known to be at the head. */
  get currentAt(): number {
    return this.#currentAt;
  }

  /** Whether it knows of a revision that it has not reached. */
  get isBehind(): boolean {
    return this.#head > this.revision;
  }

  binding(plan: Plan): Binding {
    const known = this.#bindings.get(plan);
    if (known !== undefined) return known;
    const binding = new Binding(plan, this.#graph.kinds);
    this.#bindings.set(plan, binding);
    return binding;
  }

  watch(watcher: ReplicaWatcher | undefined): void {
    this.#watcher = watcher;
  }

  /** By whoever holds the replicas: it is one of them no more. */
  drop(): void {
    this.#watcher?.dropped();
  }

  noteModel(modelId: ModelId | undefined): void {
    if (modelId === undefined || modelId <= (this.#newestModel ?? '')) return;
    this.#newestModel = modelId;
    this.#watcher?.modelChanged(modelId);
  }

  /**
   * A revision that this process has just committed; without changes, the one that its write found
   * and had nothing to add to.
   */
  async applyOwn(revision: Revision, changes: StoreChanges): Promise<void> {
    // Who waits for it goes on in a later turn.
    this.#endOwn(revision);
    if (revision === this.revision + 1 && changes.length > 0) {
      this.#apply(this.#graph, revision, changes);
    } else if (revision > this.revision) {
      await this.catchUp(revision);
    }
  }

  /**
   * A revision that this process is about to commit: the notice of it can come before the answer to the
   * commit, and what it changes need not be read from the log. Ends with `applyOwn`, or with a call of
   * what is returned.
   */
  expectOwn(revision: Revision): () => void {
    let settle: () => void = () => undefined;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    this.#own.set(revision, { settled, settle });
    return () => {
      this.#endOwn(revision);
    };
  }

  /** Follows the log to the head that was read at `readAt`. */
  async keepUp(head: StoreHead, readAt: number): Promise<void> {
    this.noteModel(head.newestModel);
    if (head.revision > this.revision) await this.catchUp(head.revision);
    this.#currentAt = Math.max(this.#currentAt, readAt);
  }

  /** Resolves when the replica is at the revision or past it; the caller knows that it exists. */
  async catchUp(revision: Revision): Promise<void> {
    if (revision > this.#head) this.#head = revision;
    while (this.revision < revision) {
      const own = this.#own.get(asRevision(this.revision + 1));
      if (own !== undefined) {
        await own.settled;
        continue;
      }
      this.#catchingUp ??= this.#readLog().finally(() => {
        this.#catchingUp = undefined;
      });
      await this.#catchingUp;
    }
  }

  /**
   * Makes the graph anew, without what deletes have left behind. The old one answers and follows
   * meanwhile; the new one takes its place when it is as far.
   */
  async compact(): Promise<void> {
    if (this.#isCompacting) return;
    this.#isCompacting = true;
    try {
      const { graph } = await loadGraph(this.storeId, this.#database, this.#maxBytes);
      while (graph.revision < this.revision) {
        if (!(await this.#advance(graph))) return;
      }
      this.#stand(graph);
    } finally {
      this.#isCompacting = false;
    }
  }

  #endOwn(revision: Revision): void {
    this.#own.get(revision)?.settle();
    this.#own.delete(revision);
  }

  async #readLog(): Promise<void> {
    if (!(await this.#advance(this.#graph))) await this.#reload();
  }

  /** Brings a graph some revisions further; false when the log does not go on from where it is. */
  async #advance(graph: ResidentGraph): Promise<boolean> {
    const from = graph.revision;
    const revisions = await readRevisions(
      this.#database,
      this.storeId,
      from,
      REVISIONS_PER_READING,
    );
    for (const { revision, changes } of revisions) {
      // Own writes are applied to the graph that stands, also between two readings.
      if (revision <= graph.revision) continue;
      if (revision !== graph.revision + 1) break;
      this.#apply(graph, revision, changes);
    }
    return graph.revision > from;
  }

  #apply(graph: ResidentGraph, revision: Revision, changes: StoreChanges): void {
    graph.apply(revision, changes);
    if (graph === this.#graph) this.#watcher?.changed(changes);
  }

  /** The log does not go on from here: it was trimmed, or the database was restored. */
  async #reload(): Promise<void> {
    const from = this.revision;
    const { graph, head } = await loadGraph(this.storeId, this.#database, this.#maxBytes);
    if (graph.revision <= from) {
      throw new PembaError('internal', 'the store went back to an older revision');
    }
    this.noteModel(head.newestModel);
    // Own writes can have been applied meanwhile, and be newer than the snapshot.
    if (graph.revision > this.revision) this.#stand(graph);
  }

  #stand(graph: ResidentGraph): void {
    this.#graph = graph;
    this.#bindings = new WeakMap();
    this.#watcher?.changed(undefined);
  }
}

interface OwnCommit {
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

interface Loaded {
  readonly graph: ResidentGraph;
  readonly head: StoreHead;
}

async function loadGraph(storeId: StoreId, database: Database, maxBytes: number): Promise<Loaded> {
  let graph: ResidentGraph | undefined;
  let rows = 0;
  const assertRoom = (loaded: ResidentGraph): void => {
    if (++rows % ROWS_PER_LOOK === 0 && loaded.bytes > maxBytes) {
      throw storeTooLarge(storeId, loaded, maxBytes);
    }
  };
  const head = await readSnapshot(database, storeId, {
    begin: ({ revision }) => {
      graph = new ResidentGraph(revision);
    },
    tuple: (tuple) => {
      if (graph === undefined) return;
      graph.load(tuple);
      assertRoom(graph);
    },
    attributes: (entity, attributes) => {
      if (graph === undefined) return;
      graph.loadAttributes(entity, attributes);
      assertRoom(graph);
    },
  });
  if (head === undefined) throw storeNotFound(storeId);
  assert(graph !== undefined, 'a snapshot begins with its head');
  return { graph, head };
}

const storeTooLarge = (
  storeId: StoreId,
  { tupleCount }: ResidentGraph,
  maxBytes: number,
): PembaError =>
  new PembaError(
    'store_too_large',
    `the graph of store '${storeId}' needs more than the ${Math.floor(maxBytes / 2 ** 20)} MB that ` +
      `PEMBA_GRAPH_MEMORY leaves for one process: ${tupleCount} of its tuples filled them`,
    { facts: { store_id: storeId, max_bytes: maxBytes } },
  );
