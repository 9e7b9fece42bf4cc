/**
 * The bulk path: many tuples in few transactions. Each chunk is one revision, and is stored while the
 * lines of the next one come in: no more than two are held, however many lines there are. Tuples that
 * are stored already are left as they are, so an import that broke off is sent again from anywhere
 * before.
 */
import type { PembaError } from '../errors.js';
import type { ModelId, Revision, StoreId } from '../ids.js';
import type { Plan } from '../schema/plan.js';
import type { Deed } from '../storage/audit-chain.js';
import { importChunk } from '../storage/import-tuples.js';
import type { RelationTuple } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';
import { resolve } from './resolve.js';
import { planOfOwners, scopeProblem, tupleProblem } from './write.js';

/** One transaction: some tenths of a second, in which the store's other writes wait. */
const TUPLES_PER_CHUNK = 20_000;
/** Tuples with large contexts make a chunk sooner. */
const BYTES_PER_CHUNK = 8 * 2 ** 20;

/** More than these are only counted: the mistake is in the file, not in a line. */
const MAX_REJECTS = 100;

export interface ImportLine {
  /** From 1. */
  readonly line: number;
  /** An error where the line could not be read. */
  readonly tuple: RelationTuple | PembaError;
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
  /** Tuples that were not stored before. */
  readonly written: number;
  readonly rejected: number;
}

export interface Imported extends ImportProgress {
  readonly consistencyToken: string;
  /** The first of them. */
  readonly rejects: readonly Reject[];
}

interface Chunk {
  readonly tuples: readonly RelationTuple[];
  readonly line: number;
  /** Up to here. */
  readonly rejected: number;
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
  const scope = modules && { modules, owners: await planOfOwners(engine, storeId, resolved) };
  const gathering = new Gathering(engine, plan, scope);
  const storing = new Storing(engine, storeId, revision, request.deed);
  try {
    for await (const lines of request.lines) {
      for (const line of lines) {
        gathering.add(line);
        if (gathering.isFull) await storing.begin(gathering.take());
      }
      yield* storing.news();
    }
    await storing.begin(gathering.take());
    yield* storing.news();
  } finally {
    await storing.settled();
  }
  const last = await storing.last();
  return {
    ...last,
    consistencyToken: replica.tokens.of(last.revision),
    rejects: gathering.rejects,
  };
}

/** The modules whose relations may be written, and the plan that tells whose they are. */
interface Scope {
  readonly modules: ReadonlySet<string>;
  readonly owners: Plan;
}

/** Takes lines, and holds back what cannot be stored. */
class Gathering {
  readonly #engine: Engine;
  readonly #plan: Plan;
  readonly #scope: Scope | undefined;
  #tuples: RelationTuple[] = [];
  #bytes = 0;
  #line = 0;
  #rejected = 0;
  readonly rejects: Reject[] = [];

  constructor(engine: Engine, plan: Plan, scope: Scope | undefined) {
    this.#engine = engine;
    this.#plan = plan;
    this.#scope = scope;
  }

  get isFull(): boolean {
    return this.#tuples.length >= TUPLES_PER_CHUNK || this.#bytes >= BYTES_PER_CHUNK;
  }

  add({ line, tuple, length }: ImportLine): void {
    this.#line = line;
    if (tuple instanceof Error) {
      this.#reject(line, tuple.message);
      return;
    }
    const problem = tupleProblem(this.#engine, this.#plan, tuple) ?? this.#scopeProblem(tuple);
    if (problem !== undefined) {
      this.#reject(line, problem);
      return;
    }
    this.#tuples.push(tuple);
    this.#bytes += length;
  }

  take(): Chunk {
    const chunk = { tuples: this.#tuples, line: this.#line, rejected: this.#rejected };
    this.#tuples = [];
    this.#bytes = 0;
    return chunk;
  }

  #scopeProblem(tuple: RelationTuple): string | undefined {
    return this.#scope && scopeProblem(this.#scope.owners, tuple, this.#scope.modules);
  }

  #reject(line: number, problem: string): void {
    this.#rejected += 1;
    if (this.rejects.length < MAX_REJECTS) this.rejects.push({ line, problem });
  }
}

/** Stores one chunk at a time. */
class Storing {
  readonly #engine: Engine;
  readonly #storeId: StoreId;
  readonly #deed: Deed | undefined;
  #progress: ImportProgress;
  readonly #news: ImportProgress[] = [];
  #current: Promise<ImportProgress> | undefined;
  /** What is sent again comes in a row. */
  #isLikelyStored = false;

  constructor(engine: Engine, storeId: StoreId, revision: Revision, deed: Deed | undefined) {
    this.#engine = engine;
    this.#storeId = storeId;
    this.#deed = deed;
    this.#progress = { line: 0, revision, written: 0, rejected: 0 };
  }

  /** Begins with a chunk when the one before is stored. */
  async begin(chunk: Chunk): Promise<void> {
    await this.#current;
    this.#current = this.#store(chunk);
    // Whoever awaits it next hears of its failure; that may be some time later.
    this.#current.catch(() => undefined);
  }

  /** What has been stored since it was last asked. */
  news(): readonly ImportProgress[] {
    return this.#news.splice(0);
  }

  async last(): Promise<ImportProgress> {
    return (await this.#current) ?? this.#progress;
  }

  /** Resolves when nothing is being stored any more, however it ended. */
  async settled(): Promise<void> {
    await this.#current?.catch(() => undefined);
  }

  async #store({ tuples, line, rejected }: Chunk): Promise<ImportProgress> {
    let { revision, written } = this.#progress;
    if (tuples.length > 0) {
      const { database, clock, replicas } = this.#engine;
      const chunk = await importChunk(database, this.#storeId, tuples, new Date(clock.now()), {
        isLikelyStored: this.#isLikelyStored,
        ...(this.#deed !== undefined && { deed: this.#deed }),
      });
      const replica = replicas.peek(this.#storeId);
      if (chunk.changes === undefined) await replica?.catchUp(chunk.revision);
      else await replica?.applyOwn(chunk.revision, chunk.changes);
      this.#isLikelyStored = chunk.written < tuples.length;
      written += chunk.written;
      revision = chunk.revision;
    }
    this.#progress = { line, revision, written, rejected };
    this.#news.push(this.#progress);
    return this.#progress;
  }
}
