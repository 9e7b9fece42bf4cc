/**
 * The write path. Requests that arrive together for one store share one transaction: one statement
 * reads the head and the tuples that any of them names, and the requests are decided one after the
 * other in memory, each on what the ones before it leave. Each that changes something gets the next
 * revision; one that is refused leaves no trace. Then one statement writes the sum of it all, if the
 * head is still the one that was read: nothing of the store has changed then, for nothing changes
 * without the head. Else another process was faster, and all is done again with the store's row
 * locked from the beginning. (To lock it always costs three more round trips, during which no other
 * process can write. To lock and read in one statement is wrong: it would read what was there before
 * it got the lock.)
 *
 * GAPLESS: the head revision only moves from the one that was read, in the statement that also
 * writes the change log. Whoever can see revision R can see all of 1 … R.
 */
import { isDeepStrictEqual } from 'node:util';
import { PembaError } from '../errors.js';
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import { formatObject, formatSubject, formatTupleKey } from '../tuple/tuple.js';
import type { RelationTuple, TupleChange, TupleKey } from '../tuple/tuple.js';
import type { Database, Prepared, Session } from './database.js';
import {
  KEY_COLUMNS,
  TUPLE_COLUMNS,
  asStored,
  columnArrays,
  dateOf,
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
  const outcomes = await attempt(database, storeId, requests, now);
  return outcomes ?? database.transaction((session) => retry(session, storeId, requests, now));
}

async function retry(
  session: Session,
  storeId: StoreId,
  requests: readonly WriteRequest[],
  now: Date,
): Promise<readonly WriteOutcome[]> {
  await session.query(`SELECT FROM store WHERE store_id = $1 FOR UPDATE`, [storeId]);
  const outcomes = await attempt(session, storeId, requests, now);
  if (outcomes === undefined) throw new PembaError('internal', 'a locked store has changed');
  return outcomes;
}

/** Undefined when the head moved meanwhile; then nothing was written. */
async function attempt(
  session: Session,
  storeId: StoreId,
  requests: readonly WriteRequest[],
  now: Date,
): Promise<readonly WriteOutcome[] | undefined> {
  const found = await readNamed(session, storeId, requests);
  const ledger = new Ledger(found.tuples, found.head, now);
  const outcomes = requests.map((request) => ledger.decide(request));
  if (ledger.log.length === 0) return outcomes;
  const isSaved = await save(session, storeId, ledger, {
    after: found.head,
    at: later(found, now),
  });
  return isSaved ? outcomes : undefined;
}

/**
 * LOG TIME NEVER RUNS BACKWARDS: a revision bears no earlier time than the one before it, though it
 * may come from a process whose clock is behind, or that waited for the lock. Who reads the log
 * from a time on relies on it.
 */
const later = ({ headChangedAt }: Found, now: Date): Date =>
  headChangedAt !== undefined && headChangedAt > now ? headChangedAt : now;

interface Found {
  readonly head: Revision;
  readonly headChangedAt: Date | undefined;
  readonly tuples: ReadonlyMap<string, RelationTuple>;
}

async function readNamed(
  session: Session,
  storeId: StoreId,
  requests: readonly WriteRequest[],
): Promise<Found> {
  const keys = new Map<string, TupleKey>();
  for (const { deletes, writes } of requests) {
    for (const key of deletes) keys.set(formatTupleKey(key), key);
    for (const key of writes) keys.set(formatTupleKey(key), key);
  }
  const rows = await session.query(readNamedStatement, [
    storeId,
    ...columnArrays([...keys.values()].map(keyValues), KEY_COLUMNS.length),
  ]);
  const [first] = rows;
  if (first === undefined) throw storeNotFound(storeId);
  const tuples = rows.filter((row) => row['object_type'] !== null).map((row) => tupleOf(row));
  return {
    head: revisionOf(first, 'head_revision'),
    headChangedAt: first['head_changed_at'] === null ? undefined : dateOf(first, 'head_changed_at'),
    tuples: new Map(tuples.map((tuple) => [formatTupleKey(tuple), tuple])),
  };
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

/** False when the head is not the one it was decided on. */
async function save(
  session: Session,
  storeId: StoreId,
  ledger: Ledger,
  moment: { readonly after: Revision; readonly at: Date },
): Promise<boolean> {
  const common = [storeId, moment.after, ledger.head, moment.at];
  const logged = columnArrays(logValues(ledger), TUPLE_COLUMNS.length + 3);
  const isOnlyWrites = ledger.log.every(({ change }) => change.operation === 'write');
  const rows = isOnlyWrites
    ? await session.prepared(saveWritesStatement, [...common, ...logged])
    : await session.query(saveStatement, [
        ...common,
        ...logged,
        ...columnArrays(ledger.stored().map(tupleValues), TUPLE_COLUMNS.length),
        ...columnArrays(ledger.removed().map(keyValues), KEY_COLUMNS.length),
      ]);
  return rows.length > 0;
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
/** One row a tuple found, one without a tuple if none was; no row when there is no such store. */
const readNamedStatement = `
  SELECT s.head_revision, t.*, (
    SELECT changed_at FROM tuple_change
    WHERE store_id = $1 ORDER BY revision DESC, ordinal DESC LIMIT 1
  ) AS head_changed_at
  FROM store s LEFT JOIN LATERAL (
    ${stored(
      FIRST_NAMED,
      TUPLE_COLUMNS.map((column) => `t.${column}`),
    )}
  ) AS t ON true
  WHERE s.store_id = $1 AND s.deleted_at IS NULL`;

const LOG_COLUMNS = ['revision', 'ordinal', 'operation', ...TUPLE_COLUMNS] as const;
const LOG_TYPES = ['bigint', 'integer', 'text', ...TUPLE_TYPES];
const TUPLE_SELECTION = [
  ...KEY_COLUMNS,
  'condition_name',
  'condition_context::jsonb',
  'expires_at',
];

const FIRST_LOGGED = 5;
const FIRST_STORED = FIRST_LOGGED + LOG_COLUMNS.length;
const FIRST_REMOVED = FIRST_STORED + TUPLE_COLUMNS.length;

/**
 * Everything else depends on its row. A store that was deleted since it was read takes the write with
 * it, as if that had come first. (Asking here whether it is deleted offers PostgreSQL an index that
 * holds only stores that are not, by name, and a plan that reads all of it may be kept for long.)
 */
const moved = `moved AS (
    UPDATE store SET head_revision = $3
    WHERE store_id = $1 AND head_revision = $2 RETURNING store_id
  )`;

const storedFrom = (source: string): string => `stored AS (
    INSERT INTO relation_tuple (store_id, ${TUPLE_COLUMNS.join(', ')}, written_at)
    SELECT store_id, ${TUPLE_SELECTION.join(', ')}, $4::timestamptz FROM moved, ${source}
    ON CONFLICT (store_id, ${KEY_COLUMNS.join(', ')}) DO UPDATE SET
      condition_name = excluded.condition_name, condition_context = excluded.condition_context,
      expires_at = excluded.expires_at, written_at = excluded.written_at
  )`;

const LOGGED = `${unnested(FIRST_LOGGED, LOG_TYPES)} AS entry (${LOG_COLUMNS.join(', ')})`;
const logged = `logged AS (
    INSERT INTO tuple_change (store_id, revision, ordinal, operation,
      ${TUPLE_COLUMNS.join(', ')}, changed_at)
    SELECT store_id, revision, ordinal, operation, ${TUPLE_SELECTION.join(', ')}, $4::timestamptz
    FROM moved, ${LOGGED}
  )`;

const notified = `SELECT pg_notify('${CHANGE_CHANNEL}', store_id) FROM moved`;

/** As a rule nothing is deleted: what is logged is what is stored. */
const saveWritesStatement: Prepared = {
  name: 'save_writes',
  text: `WITH ${moved}, ${storedFrom(LOGGED)}, ${logged} ${notified}`,
};

/**
 * The sets of removed and of stored keys are disjoint, so the order of the parts is of no matter.
 * It is planned each time: a plan that is kept from when the table was small would read all of it.
 */
const saveStatement = `
  WITH ${moved}, removed AS (
    DELETE FROM relation_tuple
    WHERE store_id = $1 AND EXISTS (SELECT FROM moved)
      AND ctid = ANY (ARRAY(${stored(FIRST_REMOVED, ['t.ctid'])}))
  ), ${storedFrom(
    `${unnested(FIRST_STORED, TUPLE_TYPES)} AS new (${TUPLE_COLUMNS.join(', ')})`,
  )}, ${logged} ${notified}`;
