/**
 * The bulk path: many tuples in few transactions. Each chunk is one revision. Tuples that are stored
 * already are left as they are, so an import that broke off is sent again from anywhere before.
 */
import type { PembaError } from '../errors.js';
import type { ModelId, StoreId } from '../ids.js';
import { importChunk } from '../storage/import-tuples.js';
import type { RelationTuple } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';
import { resolve } from './resolve.js';
import { tupleProblem } from './write.js';

/** One transaction: some tenths of a second, in which the store's other writes wait. */
const TUPLES_PER_CHUNK = 10_000;

/** More than these are only counted: the mistake is in the file, not in a line. */
const MAX_REJECTS = 100;

export interface ImportLine {
  /** From 1. */
  readonly line: number;
  /** An error where the line could not be read. */
  readonly tuple: RelationTuple | PembaError;
}

export interface ImportRequest {
  readonly storeId: StoreId;
  readonly modelId?: ModelId;
  readonly lines: readonly ImportLine[];
}

export interface Reject {
  readonly line: number;
  readonly problem: string;
}

export interface Imported {
  readonly consistencyToken: string;
  /** Tuples that were not stored before. */
  readonly written: number;
  readonly rejected: number;
  /** The first of them. */
  readonly rejects: readonly Reject[];
}

/** A bad line does not keep the others from being imported. */
export async function importTuples(engine: Engine, request: ImportRequest): Promise<Imported> {
  const { storeId, modelId } = request;
  const { replica, plan } = await resolve(engine, {
    storeId,
    ...(modelId !== undefined && { modelId }),
    consistency: { kind: 'minimize_latency' },
  });
  const rejects: Reject[] = [];
  const tuples: RelationTuple[] = [];
  for (const { line, tuple } of request.lines) {
    const problem = tuple instanceof Error ? tuple.message : tupleProblem(engine, plan, tuple);
    if (problem !== undefined) rejects.push({ line, problem });
    else if (!(tuple instanceof Error)) tuples.push(tuple);
  }
  let { revision } = await headOfStore(engine, storeId);
  let written = 0;
  for (let i = 0; i < tuples.length; i += TUPLES_PER_CHUNK) {
    const chunk = tuples.slice(i, i + TUPLES_PER_CHUNK);
    const now = new Date(engine.clock.now());
    const imported = await importChunk(engine.database, storeId, chunk, now);
    revision = imported.revision;
    written += imported.written;
    await engine.replicas.peek(storeId)?.catchUp(revision);
  }
  return {
    consistencyToken: replica.tokens.of(revision),
    written,
    rejected: rejects.length,
    rejects: rejects.slice(0, MAX_REJECTS),
  };
}
