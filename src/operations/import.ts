/**
 * The bulk path: many tuples, and attributes, in few transactions. Each chunk is one revision, and is
 * stored while the lines of the next one come in. Three are being stored at once, because most of it
 * can be done side by side; so no more than four are held, however many lines there are. What is
 * stored already is left as it is, so an import that broke off is sent again from anywhere before.
 */
import type { PembaError } from '../errors.js';
import { asRevision } from '../ids.js';
import type { ModelId, Revision, StoreId } from '../ids.js';
import type { Plan } from '../schema/plan.js';
import type { Deed } from '../storage/audit-chain.js';
import { ChunkGathering } from '../storage/chunk-rows.js';
import type { ChunkRows } from '../storage/chunk-rows.js';
import { importChunk } from '../storage/import-tuples.js';
import type { ImportedChunk } from '../storage/import-tuples.js';
import type { EntityAttributes } from '../tuple/attributes.js';
import type { RelationTuple } from '../tuple/tuple.js';
import { entityProblem } from './attributes.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';
import { resolve } from './resolve.js';
import { planOfOwners, scopeProblem, tupleProblem } from './write.js';

/**
 * One transaction of some tenth of a second, for the last part of which the store's other writes wait.
 * Applied to the graph it is 15 ms in which this process answers nobody; twice as many go no faster.
 */
const TUPLES_PER_CHUNK = 10_000;
/** One waits for its lines to come, one goes into the tuples, one is logged. Each has a connection. */
const CHUNKS_AT_ONCE = 3;
/** Tuples with large contexts make a chunk sooner. */
const BYTES_PER_CHUNK = 8 * 2 ** 20;

/** Lines that are not stored make a chunk as well, so that they are told of and forgotten. */
const REJECTS_PER_CHUNK = 1000;

export interface ImportLine {
  /** From 1. */
  readonly line: number;
  /** An error where the line could not be read. */
  readonly content: RelationTuple | EntityAttributes | PembaError;
  /** Of the line. */
  readonly length: number;
}

export interface ImportRequest {
  readonly storeId: StoreId;
  readonly modelId?: ModelId;
  /** Only tuples of relations that these modules define; anything when absent. */
  readonly modules?: ReadonlySet<string>;
  readonly deed?: Deed;
  /** Lines as they come, some at a time. */
  readonly lines: AsyncIterable<readonly ImportLine[]>;
}

export interface Reject {
  readonly line: number;
  readonly problem: string;
}

/** All up to the line is stored, or rejected. */
export interface ImportProgress {
  readonly line: number;
  readonly revision: Revision;
  /** Tuples and attributes that were not stored before. */
  readonly written: number;
  readonly rejected: number;
  /** Since it was last told. */
  readonly rejects: readonly Reject[];
}

/** With the rejects that were not told yet. */
export interface Imported extends ImportProgress {
  readonly consistencyToken: string;
}

interface Chunk {
  readonly rows: ChunkRows;
  readonly line: number;
  readonly rejects: readonly Reject[];
}

/**
 * Tells how far it is after each chunk, and returns the sum. A bad line does not keep the others from
 * being imported. When the lines break off, whole chunks are stored.
 */
export async function* importTuples(
  engine: Engine,
  request: ImportRequest,
): AsyncGenerator<ImportProgress, Imported, undefined> {
  const { storeId, modelId, modules } = request;
  const resolved = await resolve(engine, {
    storeId,
    ...(modelId !== undefined && { modelId }),
    consistency: { kind: 'minimize_latency' },
  });
  const { revision } = await headOfStore(engine, storeId);
  const { replica, plan } = resolved;
  const owners = await planOfOwners(engine, storeId, resolved);
  const gathering = new Gathering(engine, { plan, owners, modules });
  const storing = new Storing(engine, storeId, revision, request.deed);
  const lines = request.lines[Symbol.asyncIterator]();
  try {
    for (let arriving = lines.next(); ;) {
      yield* storing.news();
      const arrived = await Promise.race([arriving, storing.told()]);
      if (arrived === undefined) continue;
      if (arrived.done === true) break;
      for (const line of arrived.value) {
        gathering.add(line);
        if (gathering.isFull) await storing.begin(gathering.take());
      }
      arriving = lines.next();
    }
    await storing.begin(gathering.take());
    await storing.finish();
  } finally {
    await lines.return?.();
    await storing.settled();
  }
  const { progress } = storing;
  return {
    ...progress,
    rejects: storing.news().flatMap(({ rejects }) => rejects),
    consistencyToken: replica.tokens.of(progress.revision),
  };
}

/** What lines are held to. */
interface Rules {
  readonly plan: Plan;
  /** Tells whose a relation or a type is, and which types have attributes. */
  readonly owners: Plan;
  /** Whose tuples may be written; anybody's when absent. */
  readonly modules: ReadonlySet<string> | undefined;
}

/** Takes lines, and holds back what cannot be stored. */
class Gathering {
  readonly #engine: Engine;
  readonly #rules: Rules;
  readonly #rows = new ChunkGathering();
  #bytes = 0;
  #line = 0;
  #rejects: Reject[] = [];

  constructor(engine: Engine, rules: Rules) {
    this.#engine = engine;
    this.#rules = rules;
  }

  get isFull(): boolean {
    return (
      this.#rows.count >= TUPLES_PER_CHUNK ||
      this.#bytes >= BYTES_PER_CHUNK ||
      this.#rejects.length >= REJECTS_PER_CHUNK
    );
  }

  add({ line, content, length }: ImportLine): void {
    this.#line = line;
    const problem = content instanceof Error ? content.message : this.#take(content);
    if (problem === undefined) this.#bytes += length;
    else this.#rejects.push({ line, problem });
  }

  take(): Chunk {
    const rows = this.#rows.take();
    const rejects = this.#rejects;
    this.#rejects = [];
    this.#bytes = 0;
    return { rows, line: this.#line, rejects };
  }

  #take(content: RelationTuple | EntityAttributes): string | undefined {
    const { plan, owners, modules } = this.#rules;
    if ('entity' in content) {
      const problem = entityProblem(this.#engine, owners, content, modules);
      if (problem === undefined) this.#rows.addEntity(content);
      return problem;
    }
    const problem =
      tupleProblem(this.#engine, plan, content) ??
      (modules && scopeProblem(owners, content, modules));
    if (problem === undefined) this.#rows.addTuple(content);
    return problem;
  }
}

/** A chunk that is being stored. */
interface UnderWay {
  readonly rows: ChunkRows;
  readonly stored: Promise<ImportedChunk | undefined>;
  /** Of all up to it. */
  readonly told: Promise<void>;
}

/** Stores chunks, some at once, and tells of them in their order. */
class Storing {
  readonly #engine: Engine;
  readonly #storeId: StoreId;
  readonly #deed: Deed | undefined;
  #progress: ImportProgress;
  readonly #news: ImportProgress[] = [];
  readonly #underWay: UnderWay[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  /** What is sent again comes in a row. */
  #isLikelyStored = false;

  constructor(engine: Engine, storeId: StoreId, revision: Revision, deed: Deed | undefined) {
    this.#engine = engine;
    this.#storeId = storeId;
    this.#deed = deed;
    this.#progress = { line: 0, revision, written: 0, rejected: 0, rejects: [] };
  }

  /**
   * Begins with a chunk when there is room for it, and nothing of it is under way: of two lines with
   * the same key the first counts.
   */
  async begin(chunk: Chunk): Promise<void> {
    const { rows } = chunk;
    const isAlike = this.#underWay.some((other) => other.rows.overlap(rows));
    const limit = isAlike ? 1 : CHUNKS_AT_ONCE;
    while (this.#underWay.length >= limit) await this.#underWay[0]?.told;
    const before = this.#underWay.at(-1)?.told;
    const stored = rows.count === 0 ? Promise.resolve(undefined) : this.#store(rows);
    const told = Promise.all([stored, before]).then(([imported]) => {
      this.#tell(chunk, imported);
    });
    // Whoever awaits it next hears of its failure; that may be some time later.
    told.catch(() => undefined);
    this.#underWay.push({ rows, stored, told });
  }

  /** What has been stored since it was last asked. */
  news(): readonly ImportProgress[] {
    return this.#news.splice(0);
  }

  get progress(): ImportProgress {
    return this.#progress;
  }

  /** Resolves with the next news; never if none are to come, or if that fails. */
  told(): Promise<undefined> {
    return new Promise((resolve) => {
      this.#underWay[0]?.told.then(
        () => {
          resolve(undefined);
        },
        () => undefined,
      );
    });
  }

  /** All that has begun is stored. */
  async finish(): Promise<void> {
    while (this.#underWay.length > 0) await this.#underWay[0]?.told;
  }

  /** Resolves when nothing is being stored any more, however it ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.map(({ stored }) => stored));
  }

  async #store(rows: ChunkRows): Promise<ImportedChunk> {
    const { database, clock, replicas } = this.#engine;
    let giveUp: (() => void) | undefined;
    try {
      const chunk = await importChunk(database, this.#storeId, rows, new Date(clock.now()), {
        isLikelyStored: this.#isLikelyStored,
        inTurn: (work) => this.#inTurn(work),
        onCommit: (revision) => (giveUp = replicas.peek(this.#storeId)?.expectOwn(revision)),
        ...(this.#deed !== undefined && { deed: this.#deed }),
      });
      this.#isLikelyStored = chunk.changes.length < rows.count;
      const replica = replicas.peek(this.#storeId);
      await replica?.applyOwn(chunk.revision, chunk.changes);
      return chunk;
    } finally {
      giveUp?.();
    }
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #tell({ line, rejects }: Chunk, imported: ImportedChunk | undefined): void {
    const { revision, written, rejected } = this.#progress;
    this.#progress = {
      line,
      rejected: rejected + rejects.length,
      rejects,
      // A chunk can come before the one ahead of it.
      revision: asRevision(Math.max(revision, imported?.revision ?? 0)),
      written: written + (imported?.changes.length ?? 0),
    };
    this.#news.push(this.#progress);
    this.#underWay.shift();
  }
}
