/**
 * The write path. Requests that arrive together for one store share one transaction: the store's row
 * is locked, the tuples that any of them names are read, and the requests are decided one after the
 * other in memory, each on what the ones before it leave. Each that changes something gets the next
 * revision; one that is refused leaves no trace. Then one statement writes the sum of it all.
 *
 * GAPLESS: the head revision only moves under the row lock, in the transaction that also writes the
 * change log. Whoever can see revision R can see all of 1 … R.
 */
import { isDeepStrictEqual } from 'node:util';
import { PembaError } from '../errors.js';
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import { formatObject, formatSubject, formatTupleKey } from '../tuple/tuple.js';
import type { JsonObject, RelationTuple, TupleChange, TupleKey } from '../tuple/tuple.js';
import type { Database, Session, SqlValue } from './database.js';
import {
  KEY_COLUMNS,
  TUPLE_COLUMNS,
  columnArrays,
  keyValues,
  revisionOf,
  tupleOf,
  tupleValues,
} from './rows.js';
import { CHANGE_CHANNEL, storeNotFound } from './stores.js';

export interface WriteRequest {
  /** Applied before the writes. */
  readonly deletes: readonly TupleKey[];
  readonly writes: readonly RelationTuple[];
  readonly onMissing: 'error' | 'ignore';
  /** `ignore`: nothing happens if the stored tuple is identical. `replace`: swaps it. */
  readonly onDuplicate: 'error' | 'ignore' | 'replace';
  /** Delete only tuples that have expired by now: a sweeper's request. */
  readonly onlyExpired?: boolean;
}

export type WriteOutcome =
  | {
      readonly kind: 'written';
      /** The revision made, or the one found when there was nothing to change. */
      readonly revision: Revision;
      readonly changes: readonly TupleChange[];
    }
  | { readonly kind: 'refused'; readonly error: PembaError };

/** One outcome a request, in their order. Throws only if nothing at all was written. */
export async function writeTuples(
  database: Database,
  storeId: StoreId,
  requests: readonly WriteRequest[],
  now: Date,
): Promise<readonly WriteOutcome[]> {
  return database.transaction(async (session) => {
    const [store] = await session.query(
      `SELECT head_revision FROM store
       WHERE store_id = $1 AND deleted_at IS NULL FOR UPDATE`,
      [storeId],
    );
    if (store === undefined) throw storeNotFound(storeId);
    const head = revisionOf(store, 'head_revision');
    const ledger = new Ledger(await readNamed(session, storeId, requests), head, now);
    const outcomes = requests.map((request) => ledger.decide(request));
    await save(session, storeId, ledger, now);
    return outcomes;
  });
}

async function readNamed(
  session: Session,
  storeId: StoreId,
  requests: readonly WriteRequest[],
): Promise<ReadonlyMap<string, RelationTuple>> {
  const keys = new Map<string, TupleKey>();
  for (const { deletes, writes } of requests) {
    for (const key of [...deletes, ...writes]) keys.set(formatTupleKey(key), key);
  }
  const rows = await session.query(readNamedStatement, [
    storeId,
    ...columnArrays([...keys.values()].map(keyValues), KEY_COLUMNS.length),
  ]);
  return new Map(rows.map((row) => tupleOf(row)).map((tuple) => [formatTupleKey(tuple), tuple]));
}

/** The named tuples as they will stand, and the log that leads there. */
class Ledger {
  readonly #before: ReadonlyMap<string, RelationTuple>;
  readonly #after: Map<string, RelationTuple>;
  readonly #nowMs: number;
  readonly log: { readonly revision: Revision; readonly change: TupleChange }[] = [];
  head: Revision;

  constructor(before: ReadonlyMap<string, RelationTuple>, head: Revision, now: Date) {
    this.#before = before;
    this.#after = new Map(before);
    this.head = head;
    this.#nowMs = now.getTime();
  }

  decide(request: WriteRequest): WriteOutcome {
    const changes: TupleChange[] = [];
    for (const key of request.deletes) {
      const stored = this.#after.get(formatTupleKey(key));
      const live = stored !== undefined && this.#isLive(stored);
      if (stored !== undefined && (request.onlyExpired === true ? !live : live)) {
        changes.push({ operation: 'delete', tuple: keyOnly(key) });
      } else if (request.onMissing === 'error') {
        return { kind: 'refused', error: tupleMissing(key) };
      }
    }
    for (const tuple of request.writes.map(asStored)) {
      const stored = this.#after.get(formatTupleKey(tuple));
      if (stored !== undefined && this.#isLive(stored)) {
        const refusal = refuseDuplicate(request.onDuplicate, stored, tuple);
        if (refusal !== undefined) return { kind: 'refused', error: refusal };
        if (isSameTuple(stored, tuple)) continue;
      }
      if (stored !== undefined) changes.push({ operation: 'delete', tuple: keyOnly(tuple) });
      changes.push({ operation: 'write', tuple });
    }
    if (changes.length > 0) this.#apply(changes);
    return { kind: 'written', revision: this.head, changes };
  }

  removed(): readonly TupleKey[] {
    return [...this.#before].filter(([name]) => !this.#after.has(name)).map(([, tuple]) => tuple);
  }

  stored(): readonly RelationTuple[] {
    return [...this.#after]
      .filter(([name, tuple]) => this.#before.get(name) !== tuple)
      .map(([, tuple]) => tuple);
  }

  #apply(changes: readonly TupleChange[]): void {
    this.head = asRevision(this.head + 1);
    for (const change of changes) {
      this.log.push({ revision: this.head, change });
      const name = formatTupleKey(change.tuple);
      if (change.operation === 'write') this.#after.set(name, change.tuple);
      else this.#after.delete(name);
    }
  }

  #isLive(tuple: RelationTuple): boolean {
    return tuple.expiresAt === undefined || tuple.expiresAt > this.#nowMs;
  }
}

const keyOnly = ({ object, relation, subject }: TupleKey): TupleKey => ({
  object,
  relation,
  subject,
});

/** As it will be read back: JSON knows no -0 and no Infinity, and all replicas must agree. */
function asStored(tuple: RelationTuple): RelationTuple {
  if (tuple.condition === undefined) return tuple;
  const { name, context } = tuple.condition;
  return {
    ...tuple,
    condition: { name, context: JSON.parse(JSON.stringify(context)) as JsonObject },
  };
}

const isSameTuple = (a: RelationTuple, b: RelationTuple): boolean =>
  a.expiresAt === b.expiresAt && isDeepStrictEqual(a.condition, b.condition);

function refuseDuplicate(
  onDuplicate: WriteRequest['onDuplicate'],
  stored: RelationTuple,
  tuple: RelationTuple,
): PembaError | undefined {
  switch (onDuplicate) {
    case 'replace':
      return undefined;
    case 'ignore':
      return isSameTuple(stored, tuple) ? undefined : differingDuplicate(tuple);
    case 'error':
      return new PembaError(
        'tuple_exists',
        `cannot write a tuple which already exists: ${describe(tuple)}: ` +
          'tuple to be written already existed or the tuple to be deleted did not exist',
        { facts: { tuple: formatTupleKey(tuple) } },
      );
  }
}

const tupleMissing = (key: TupleKey): PembaError =>
  new PembaError(
    'tuple_missing',
    `cannot delete a tuple which does not exist: ${describe(key)}: ` +
      'tuple to be written already existed or the tuple to be deleted did not exist',
    { facts: { tuple: formatTupleKey(key) } },
  );

const differingDuplicate = (tuple: RelationTuple): PembaError =>
  new PembaError(
    'write_conflict',
    'transactional write failed due to conflict: attempted to write a tuple which already exists ' +
      `with a different condition or expiry: ${describe(tuple)}`,
    { facts: { tuple: formatTupleKey(tuple) } },
  );

const describe = ({ object, relation, subject }: TupleKey): string =>
  `user: '${formatSubject(subject)}', relation: '${relation}', object: '${formatObject(object)}'`;

async function save(session: Session, storeId: StoreId, ledger: Ledger, now: Date): Promise<void> {
  if (ledger.log.length === 0) return;
  const values: SqlValue[] = [storeId, now, ledger.head];
  values.push(...columnArrays(ledger.removed().map(keyValues), KEY_COLUMNS.length));
  values.push(...columnArrays(ledger.stored().map(tupleValues), TUPLE_COLUMNS.length));
  values.push(...columnArrays(logValues(ledger), TUPLE_COLUMNS.length + 3));
  await session.query(saveStatement, values);
}

function logValues(ledger: Ledger): (string | number | null)[][] {
  let ordinal = 0;
  let revision = 0;
  return ledger.log.map((entry) => {
    ordinal = entry.revision === revision ? ordinal + 1 : 0;
    revision = entry.revision;
    const { operation, tuple } = entry.change;
    return [revision, ordinal, operation, ...tupleValues(tuple)];
  });
}

const KEY_TYPES = KEY_COLUMNS.map(() => 'text');
const TUPLE_TYPES = [...KEY_TYPES, 'text', 'text', 'timestamptz'];

function unnested(first: number, types: readonly string[]): string {
  return `unnest(${types.map((type, i) => `$${first + i}::${type}[]`).join(', ')})`;
}

/**
 * The stored tuples whose keys are in the arrays from parameter `first` on, each looked up by its
 * key: as a plain join, some thousand keys would have PostgreSQL read the whole table instead.
 */
const stored = (first: number, columns: readonly string[]): string => `
  SELECT found.* FROM ${unnested(first, KEY_TYPES)} AS named (${KEY_COLUMNS.join(', ')})
  CROSS JOIN LATERAL (
    SELECT ${columns.join(', ')} FROM relation_tuple t
    WHERE t.store_id = $1 ${KEY_COLUMNS.map((c) => `AND t.${c} = named.${c}`).join(' ')} LIMIT 1
  ) AS found`;

const FIRST_NAMED = 2;
const readNamedStatement = stored(
  FIRST_NAMED,
  TUPLE_COLUMNS.map((column) => `t.${column}`),
);

const FIRST_REMOVED = 4;
const FIRST_STORED = FIRST_REMOVED + KEY_COLUMNS.length;
const FIRST_LOGGED = FIRST_STORED + TUPLE_COLUMNS.length;
const TUPLE_SELECTION = [
  ...KEY_COLUMNS,
  'condition_name',
  'condition_context::jsonb',
  'expires_at',
];

/**
 * The sets of removed and of stored keys are disjoint, so the order of the parts is of no matter.
 *
 * LOG TIME NEVER RUNS BACKWARDS: a revision bears no earlier time than the one before it, though it
 * may come from a process whose clock is behind, or that waited for the lock. Who reads the log
 * from a time on relies on it.
 */
const saveStatement = `
  WITH moment AS (
    SELECT greatest($2::timestamptz, max(changed_at)) AS saved_at
    FROM tuple_change WHERE store_id = $1
  ), removed AS (
    DELETE FROM relation_tuple
    WHERE store_id = $1 AND ctid = ANY (ARRAY(${stored(FIRST_REMOVED, ['t.ctid'])}))
  ), stored AS (
    INSERT INTO relation_tuple (store_id, ${TUPLE_COLUMNS.join(', ')}, written_at)
    SELECT $1, ${TUPLE_SELECTION.join(', ')}, saved_at
    FROM moment, ${unnested(FIRST_STORED, TUPLE_TYPES)} AS new (${TUPLE_COLUMNS.join(', ')})
    ON CONFLICT (store_id, ${KEY_COLUMNS.join(', ')}) DO UPDATE SET
      condition_name = excluded.condition_name, condition_context = excluded.condition_context,
      expires_at = excluded.expires_at, written_at = excluded.written_at
  ), logged AS (
    INSERT INTO tuple_change
      (store_id, revision, ordinal, operation, ${TUPLE_COLUMNS.join(', ')}, changed_at)
    SELECT $1, revision, ordinal, operation, ${TUPLE_SELECTION.join(', ')}, saved_at
    FROM moment, ${unnested(FIRST_LOGGED, ['bigint', 'integer', 'text', ...TUPLE_TYPES])}
      AS entry (revision, ordinal, operation, ${TUPLE_COLUMNS.join(', ')})
  ), moved AS (
    UPDATE store SET head_revision = $3 WHERE store_id = $1
  )
  SELECT pg_notify('${CHANGE_CHANNEL}', $1)`;
