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
import { PembaError } from '../errors.js';
import type { Revision, StoreId } from '../ids.js';
import { isOfTuple } from '../tuple/attributes.js';
import type { AttributesChange, StoreChange } from '../tuple/attributes.js';
import { formatObject, formatTupleKey } from '../tuple/tuple.js';
import type { JsonObject, ObjectRef, TupleKey } from '../tuple/tuple.js';
import { chained } from './audit-chain.js';
import type { AuditHead } from './audit-chain.js';
import { auditHeadOf, entryColumns } from './audit.js';
import { isDeadlock } from './database.js';
import type { Database, Session, SqlValue } from './database.js';
import {
  KEY_COLUMNS,
  TUPLE_COLUMNS,
  columnArrays,
  dateOf,
  keyValues,
  revisionOf,
  textOf,
  tupleOf,
  tupleValues,
} from './rows.js';
import { storeNotFound } from './stores.js';
import { Ledger } from './write-ledger.js';
import type { Named, WriteOutcome, WriteRequest } from './write-ledger.js';
import {
  ATTRIBUTE_COLUMNS,
  readAttributesStatement,
  readNamedStatement,
  saveAuditedStatement,
  saveAuditedWritesStatement,
  saveStatement,
  saveWritesStatement,
} from './write-statements.js';

/** One outcome a request, in their order. Throws only if nothing at all was written. */
export async function writeTuples(
  database: Database,
  storeId: StoreId,
  requests: readonly WriteRequest[],
  now: Date,
): Promise<readonly WriteOutcome[]> {
  for (let deadlocks = 0; ; deadlocks++) {
    try {
      const outcomes = await attempt(database, storeId, requests, now);
      return (
        outcomes ??
        (await database.transaction((session) => retry(session, storeId, requests, now)))
      );
    } catch (error) {
      if (!isDeadlock(error) || deadlocks === DEADLOCKS_MAX) throw error;
    }
  }
}

/** With imports of the same keys, which wait for the store while their keys are waited for here. */
const DEADLOCKS_MAX = 3;

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
  if (found === undefined) return undefined;
  const ledger = new Ledger(found, found.head, now);
  const outcomes = requests.map((request) => ledger.decide(request));
  if (ledger.log.length === 0) return outcomes;
  const isSaved = await save(session, storeId, ledger, { found, at: later(found, now) });
  return isSaved ? outcomes : undefined;
}

/**
 * LOG TIME NEVER RUNS BACKWARDS: a revision bears no earlier time than the one before it, though it
 * may come from a process whose clock is behind, or that waited for the lock. Who reads the log
 * from a time on relies on it.
 */
const later = ({ headChangedAt }: Found, now: Date): Date =>
  headChangedAt !== undefined && headChangedAt > now ? headChangedAt : now;

interface Found extends Named {
  readonly head: Revision;
  readonly headChangedAt: Date | undefined;
  readonly auditHead: AuditHead;
}

/** Undefined when the head moved between two readings. */

async function readNamed(
  session: Session,
  storeId: StoreId,
  requests: readonly WriteRequest[],
): Promise<Found | undefined> {
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
  const head = revisionOf(first, 'head_revision');
  const attributes = await readAttributes(session, storeId, { requests, head });
  return (
    attributes && {
      head,
      headChangedAt:
        first['head_changed_at'] === null ? undefined : dateOf(first, 'head_changed_at'),
      auditHead: auditHeadOf(first),
      tuples: new Map(tuples.map((tuple) => [formatTupleKey(tuple), tuple])),
      attributes,
    }
  );
}

/** As of the head; undefined when it is another one by now. */
async function readAttributes(
  session: Session,
  storeId: StoreId,
  { requests, head }: { readonly requests: readonly WriteRequest[]; readonly head: Revision },
): Promise<Named['attributes'] | undefined> {
  const entities = new Map<string, ObjectRef>();
  for (const { attributes = [] } of requests) {
    for (const { entity } of attributes) entities.set(formatObject(entity), entity);
  }
  if (entities.size === 0) return NO_ATTRIBUTES;
  const rows = await session.query(readAttributesStatement, [
    storeId,
    ...columnArrays([...entities.values()].map(entityValues), 2),
  ]);
  const [first] = rows;
  if (first === undefined) throw storeNotFound(storeId);
  if (revisionOf(first, 'head_revision') !== head) return undefined;
  return new Map(
    rows
      .filter((row) => row['object_type'] !== null)
      .map((row) => [
        `${textOf(row, 'object_type')}:${textOf(row, 'object_id')}`,
        row['attributes'] as JsonObject,
      ]),
  );
}

const NO_ATTRIBUTES: Named['attributes'] = new Map();

const entityValues = ({ type, id }: ObjectRef): string[] => [type, id];

const attributeValues = ({ entity, attributes }: AttributesChange): (string | null)[] => [
  ...entityValues(entity),
  attributes === undefined ? null : JSON.stringify(attributes),
];

/** False when the head is not the one it was decided on. */
async function save(
  session: Session,
  storeId: StoreId,
  ledger: Ledger,
  { found, at }: { readonly found: Found; readonly at: Date },
): Promise<boolean> {
  const common = [storeId, found.head, ledger.head, at];
  const audit = auditValues(storeId, found.auditHead, ledger, at);
  const entries = logValues(ledger);
  const isOnlyWrites = ledger.log.every(({ change }) => change.operation === 'write');
  if (isOnlyWrites) {
    const statement = audit.length > 0 ? saveAuditedWritesStatement : saveWritesStatement;
    const rows = await session.prepared(statement, [
      ...common,
      ...columnArrays(entries, LOG_VALUES),
      ...audit,
    ]);
    return rows.length > 0;
  }
  const attributes = ledger.attributes();
  const given = attributes.filter((change) => change.attributes !== undefined);
  const taken = attributes.filter((change) => change.attributes === undefined);
  const rows = await session.query(audit.length > 0 ? saveAuditedStatement : saveStatement, [
    ...common,
    ...columnArrays(entries, LOG_VALUES + 1),
    ...columnArrays(ledger.stored().map(tupleValues), TUPLE_COLUMNS.length),
    ...columnArrays(ledger.removed().map(keyValues), KEY_COLUMNS.length),
    ...columnArrays(given.map(attributeValues), ATTRIBUTE_COLUMNS.length),
    ...columnArrays(
      taken.map(({ entity }) => entityValues(entity)),
      2,
    ),
    ...audit,
  ]);
  return rows.length > 0;
}

/** Empty when there is nothing to record. */
function auditValues(storeId: StoreId, head: AuditHead, ledger: Ledger, at: Date): SqlValue[] {
  const entries = chained(storeId, head, ledger.deeds, at);
  const last = entries.at(-1);
  if (last === undefined) return [];
  const hash = Buffer.from(last.hash).toString('hex');
  return [head.sequence, last.sequence, hash, ...entryColumns(entries)];
}

/** Of an entry about a tuple. */
const LOG_VALUES = 3 + TUPLE_COLUMNS.length;

/** Each with what it says of attributes at its end. */
function logValues(ledger: Ledger): (string | number | null)[][] {
  let ordinal = 0;
  let revision = 0;
  return ledger.log.map((entry) => {
    ordinal = entry.revision === revision ? ordinal + 1 : 0;
    revision = entry.revision;
    return [revision, ordinal, entry.change.operation, ...changeValues(entry.change)];
  });
}

function changeValues(change: StoreChange): (string | null)[] {
  if (isOfTuple(change)) return [...tupleValues(change.tuple), null];
  const [type = '', id = '', attributes = null] = attributeValues(change);
  return [type, id, '', '', '', '', null, null, null, attributes];
}
