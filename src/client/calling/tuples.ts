/** Tuples: written, and read as they are stored. */
import type { Answer } from './answer.js';
import { invalidResponse } from './client-error.js';
import { ask, storeIdOf, targetOf } from './connection.js';
import type { Session } from './connection.js';
import type { Paging } from './lists.js';
import type { CallOptions, WriteOptions } from './options.js';
import { wireKey, wireTuple } from './wire.js';
import type { JsonObject, Tuple, TupleKey } from './wire.js';

/** All of it or nothing: 100 tuples at most, no tuple twice. */
export interface Changes {
  readonly writes?: readonly Tuple[] | undefined;
  readonly deletes?: readonly TupleKey[] | undefined;
  /** When a tuple is there already. `replace` swaps its condition and expiry. Default `error`. */
  readonly onDuplicate?: 'error' | 'ignore' | 'replace' | undefined;
  /** When a tuple is not there. Default `error`. */
  readonly onMissing?: 'error' | 'ignore' | undefined;
}

export interface Written {
  /** Of the revision that the write made. */
  readonly consistencyToken: string;
}

export async function write(
  session: Session,
  { writes = [], deletes = [], onDuplicate, onMissing }: Changes,
  options: WriteOptions,
): Promise<Written> {
  const target = targetOf(session, { ...options, consistency: 'minimize_latency' });
  const body = {
    writes: writes.length === 0 ? undefined : writesOf(writes, onDuplicate),
    deletes: deletes.length === 0 ? undefined : deletesOf(deletes, onMissing),
  };
  const isRepeatable =
    (writes.length === 0 || onDuplicate === 'ignore') &&
    (deletes.length === 0 || onMissing === 'ignore');
  // Even one that fails may have been done: what was decided before it is not to be used again.
  const forgetPermits = (): void => session.connection.permits?.clear();
  return ask(
    session,
    options,
    { target, verb: 'write', body, isRepeatable, isWrite: true },
    (answer) => {
      const { consistencyToken } = answer;
      if (consistencyToken === undefined) throw invalidResponse('a write has a consistency token');
      return { consistencyToken };
    },
  ).finally(forgetPermits);
}

const writesOf = (tuples: readonly Tuple[], onDuplicate: string | undefined): object => ({
  tuple_keys: tuples.map(wireTuple),
  on_duplicate: onDuplicate,
});

const deletesOf = (keys: readonly TupleKey[], onMissing: string | undefined): object => ({
  tuple_keys: keys.map(wireKey),
  on_missing: onMissing,
});

/** Any of them; `document:` and `user:` mean the whole type. All tuples when there is none. */
export interface TupleFilter {
  readonly user?: string | undefined;
  readonly relation?: string | undefined;
  readonly object?: string | undefined;
}

export interface StoredTuple extends TupleKey {
  readonly condition: { readonly name: string; readonly context: JsonObject } | undefined;
  readonly expiresAt: Date | undefined;
  readonly writtenAt: Date;
}

export interface TuplePage {
  readonly tuples: readonly StoredTuple[];
  /** To go on from, after this page, at another time. */
  readonly continuationToken: string | undefined;
}

/** Page by page, as it is asked for. The deadline is each page's. */
export async function* read(
  session: Session,
  filter: TupleFilter,
  { pageSize, continuationToken, ...options }: CallOptions & Paging,
): AsyncGenerator<TuplePage, void, undefined> {
  const { user, relation, object } = filter;
  const isFiltered = (user ?? relation ?? object) !== undefined;
  const target = { storeId: storeIdOf(session, options), token: undefined, wire: {} };
  let next = continuationToken;
  do {
    const body = {
      tuple_key: isFiltered ? { user, relation, object } : undefined,
      page_size: pageSize,
      continuation_token: next,
    };
    const page = await ask(session, options, { target, verb: 'read', body }, pageOf);
    yield page;
    next = page.continuationToken;
  } while (next !== undefined);
}

const pageOf = (answer: Answer): TuplePage => ({
  tuples: answer.members('tuples').map(storedTupleOf),
  continuationToken: answer.optionalString('continuation_token'),
});

function storedTupleOf(entry: Answer): StoredTuple {
  const key = entry.member('key');
  const condition = key.value('condition') === null ? undefined : key.member('condition');
  const expiresAt = key.optionalString('expires_at');
  return {
    user: key.string('user'),
    relation: key.string('relation'),
    object: key.string('object'),
    condition: condition && {
      name: condition.string('name'),
      context: condition.value('context') as JsonObject,
    },
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    writtenAt: new Date(entry.string('timestamp')),
  };
}
