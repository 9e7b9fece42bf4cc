/**
 * A new store out of a backup: the same models under the same ids, so that what names them still
 * means them; their assertions; all tuples and attributes, whether the newest model admits them or
 * not. Its log begins with these, at revisions after the backup's. It has a token key of its own: who
 * can read a backup must not be able to make tokens.
 *
 * What has expired since is left out. That a service acts for somebody is never stored.
 */
import { PembaError } from '../errors.js';
import { asRevision } from '../ids.js';
import type { ModelId, StoreId } from '../ids.js';
import { formatDuration } from '../quantity.js';
import { ConsistencyTokens } from '../replica/consistency-tokens.js';
import { attachmentChangesFrom, nextVersion } from '../schema/attachments.js';
import { compilePlan } from '../schema/plan.js';
import { assertValidModel } from '../schema/validate.js';
import { modelFromWire } from '../schema/wire.js';
import type { Attribution } from '../storage/audit-chain.js';
import { ChunkGathering } from '../storage/chunk-rows.js';
import { restoreStore as inOneTransaction } from '../storage/restore-store.js';
import type { Restoring } from '../storage/restore-store.js';
import type { KeptAssertions, KeptModel } from '../storage/snapshot-lines.js';
import { attributesProblem } from '../tuple/attributes.js';
import type { EntityAttributes } from '../tuple/attributes.js';
import { actingForProblem } from '../tuple/delegation.js';
import type { RelationTuple } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { limitsOf } from './models.js';
import { contextProblem } from './write.js';

/** Of what is kept, how much there is. */
export interface StoreCounts {
  readonly models: number;
  readonly assertions: number;
  readonly tuples: number;
  readonly attributes: number;
}

export type BackupContent =
  | {
      readonly kind: 'store';
      readonly id: StoreId;
      readonly name: string;
      readonly revision: number;
    }
  | { readonly kind: 'model'; readonly model: KeptModel }
  | { readonly kind: 'assertions'; readonly assertions: KeptAssertions }
  | { readonly kind: 'tuple'; readonly tuple: RelationTuple }
  | { readonly kind: 'attributes'; readonly attributes: EntityAttributes }
  /** The last, and what there should have been before. */
  | { readonly kind: 'end'; readonly revision: number; readonly counts: StoreCounts };

export interface BackupLine {
  /** From 1. */
  readonly line: number;
  readonly length: number;
  readonly content: BackupContent;
}

export interface RestoreRequest {
  /** As they come; what cannot be read throws. */
  readonly lines: AsyncIterable<readonly BackupLine[]>;
  /** The store has the id that it had; else a new one. */
  readonly keepId: boolean;
  readonly by?: Attribution;
  /** Done when all is in, before anybody can find the store. */
  readonly prepare?: (id: StoreId) => Promise<void>;
}

export interface RestoredStore extends StoreCounts {
  readonly id: StoreId;
  readonly name: string;
  readonly revision: number;
  readonly consistencyToken: string;
}

/** As for an import: what is held at a time. */
const ROWS_PER_CHUNK = 20_000;
const BYTES_PER_CHUNK = 8 * 2 ** 20;

/** All of it or nothing. Throws `invalid_request` for what is no whole backup, and `store_exists`. */
export async function restoreStore(
  engine: Engine,
  request: RestoreRequest,
): Promise<RestoredStore> {
  const { snapshotTimeoutMs } = engine.config;
  const deadline = engine.clock.monotonic() + snapshotTimeoutMs;
  return inOneTransaction(engine.database, snapshotTimeoutMs, async (restoring) => {
    const restore = new Restore(engine, restoring, request);
    for await (const lines of request.lines) {
      for (const line of lines) await restore.take(line);
      if (engine.clock.monotonic() > deadline) throw tooLate(snapshotTimeoutMs);
    }
    return restore.finish();
  });
}

const tooLate = (ms: number): PembaError =>
  new PembaError(
    'request_timeout',
    `the backup did not arrive within PEMBA_SNAPSHOT_TIMEOUT=${formatDuration(ms)}`,
  );

/** In which order the kinds come. */
const RANKS = { store: 0, model: 1, assertions: 2, tuple: 3, attributes: 3, end: 4 } as const;

class Restore {
  readonly #engine: Engine;
  readonly #restoring: Restoring;
  readonly #request: RestoreRequest;
  readonly #now: number;
  #newestModel = '';
  /** That no assertions have come for. */
  readonly #models = new Set<ModelId>();
  readonly #arrived = { models: 0, assertions: 0, tuples: 0, attributes: 0 };
  #rank = -1;
  #store: (BackupContent & { readonly kind: 'store' }) | undefined;
  #restored: (Pick<RestoredStore, 'id' | 'name'> & { readonly tokenKey: Uint8Array }) | undefined;
  readonly #rows = new ChunkGathering();
  #bytes = 0;

  constructor(engine: Engine, restoring: Restoring, request: RestoreRequest) {
    this.#engine = engine;
    this.#restoring = restoring;
    this.#request = request;
    this.#now = engine.clock.now();
  }

  async take({ line, length, content }: BackupLine): Promise<void> {
    const rank = RANKS[content.kind];
    const isOnlyOne = content.kind === 'store' || content.kind === 'end';
    if ((this.#rank < 0 && rank > 0) || rank < this.#rank || (isOnlyOne && rank === this.#rank)) {
      throw wrongLine(line, `'${content.kind}' is out of place`);
    }
    this.#rank = rank;
    this.#bytes += length;
    await this.#takeContent(line, content);
    if (this.#rows.count >= ROWS_PER_CHUNK || this.#bytes >= BYTES_PER_CHUNK)
      await this.#flush(line);
  }

  async finish(): Promise<RestoredStore> {
    const { by, prepare } = this.#request;
    if (this.#restored === undefined || this.#rank < RANKS.end) {
      throw new PembaError('invalid_request', 'the backup breaks off: it has no end');
    }
    const { id, name, tokenKey } = this.#restored;
    const revision = this.#restoring.head;
    const details = { name, from: this.#store?.id ?? '', ...this.#arrived };
    await this.#restoring.finish(by && { action: 'store.restore', by, details, revision });
    await prepare?.(id);
    const consistencyToken = new ConsistencyTokens(id, tokenKey).of(revision);
    return { id, name, revision, ...this.#arrived, consistencyToken };
  }

  async #takeContent(line: number, content: BackupContent): Promise<void> {
    switch (content.kind) {
      case 'store':
        await this.#begin(content);
        return;
      case 'model':
        await this.#takeModel(line, content.model);
        return;
      case 'assertions': {
        const { assertions } = content;
        if (!this.#models.delete(assertions.modelId)) {
          throw wrongLine(line, `there is no model ${assertions.modelId} that lacks assertions`);
        }
        this.#arrived.assertions += 1;
        await this.#restoring.assertions(assertions);
        return;
      }
      case 'tuple':
        this.#takeTuple(line, content.tuple);
        return;
      case 'attributes': {
        const { attributes } = content.attributes;
        const problem = attributesProblem(attributes, this.#engine.config.maxAttributesBytes);
        if (problem !== undefined) throw wrongLine(line, problem);
        this.#arrived.attributes += 1;
        this.#rows.addEntity(content.attributes);
        return;
      }
      case 'end':
        await this.#flush(line);
        this.#compare(line, content);
    }
  }

  async #begin(store: BackupContent & { readonly kind: 'store' }): Promise<void> {
    const id = this.#request.keepId ? store.id : (this.#engine.newId() as StoreId);
    const { name } = store;
    this.#store = store;
    const revision = asRevision(store.revision);
    const tokenKey = await this.#restoring.begin({ id, name, revision, now: new Date(this.#now) });
    this.#restored = { id, name, tokenKey };
  }

  /** Held to the rules of today, for all that runs it relies on them. */
  async #takeModel(line: number, kept: KeptModel): Promise<void> {
    const { id, body, attachments } = kept;
    if (id <= this.#newestModel) {
      throw wrongLine(line, 'models come in the order of their ids');
    }
    const model = modelFromWire(body);
    assertValidModel(model, { limits: limitsOf(this.#engine.config) });
    const changes = attachmentChangesFrom(attachments);
    const checked = nextVersion(compilePlan(model), {}, changes).attachments;
    this.#newestModel = id;
    this.#models.add(id);
    this.#arrived.models += 1;
    await this.#restoring.model({ ...kept, attachments: checked });
  }

  #takeTuple(line: number, tuple: RelationTuple): void {
    const problem = actingForProblem(tuple) ?? contextProblem(this.#engine, tuple);
    if (problem !== undefined) throw wrongLine(line, problem);
    this.#arrived.tuples += 1;
    if (tuple.expiresAt === undefined || tuple.expiresAt > this.#now) this.#rows.addTuple(tuple);
  }

  async #flush(line: number): Promise<void> {
    const { count } = this.#rows;
    const rows = this.#rows.take();
    this.#bytes = 0;
    if (count === 0) return;
    if (rows.count < count || !(await this.#restoring.content(rows))) {
      throw wrongLine(line, 'something before it was there twice');
    }
  }

  #compare(line: number, { revision, counts }: BackupContent & { readonly kind: 'end' }): void {
    const wanted = { ...counts, revision };
    const found = { ...this.#arrived, revision: this.#store?.revision };
    for (const name of ['models', 'assertions', 'tuples', 'attributes', 'revision'] as const) {
      if (wanted[name] === found[name]) continue;
      throw wrongLine(line, `${name}: ${wanted[name]} there should be, ${found[name]} arrived`);
    }
  }
}

const wrongLine = (line: number, problem: string): PembaError =>
  new PembaError('invalid_request', `line ${line}: ${problem}`, { facts: { line } });
