/** Reading the audit log, and verifying that it is what was written. */
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';
import { changesDigest, entryHash } from '../storage/audit-chain.js';
import type { AuditEntry, AuditHead } from '../storage/audit-chain.js';
import { findAuditHead, readAuditEntries } from '../storage/audit.js';
import { readRevisions } from '../storage/changes.js';
import type { LoggedRevision } from '../storage/changes.js';
import type { StoreChange } from '../tuple/attributes.js';
import type { Engine } from './engine.js';

/** A filter may let nothing through: a page looks at no more entries than this. */
const LOOKED_AT_PER_PAGE = 5000;

export interface AuditQuery {
  readonly storeId: StoreId;
  readonly action?: string;
  readonly principal?: string;
  /** Milliseconds since 1970, inclusive and exclusive. */
  readonly since?: number;
  readonly until?: number;
  readonly order: 'oldest' | 'newest';
  readonly limit: number;
  /** The sequence to go on from; absent for the first page. */
  readonly from?: number;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Where to go on; undefined at the end. */
  readonly next: number | undefined;
}

export async function readAudit(engine: Engine, query: AuditQuery): Promise<AuditPage> {
  const { order, limit } = query;
  const from = query.from ?? (order === 'oldest' ? 0 : Number.MAX_SAFE_INTEGER);
  const looked = await readAuditEntries(engine.database, query.storeId, {
    from,
    order,
    limit: isFiltered(query) ? LOOKED_AT_PER_PAGE : limit + 1,
  });
  const entries = looked.filter((entry) => matches(entry, query)).slice(0, limit);
  const isWhole = !isFiltered(query)
    ? looked.length <= limit
    : looked.length < LOOKED_AT_PER_PAGE && entries.length < limit;
  const last = entries.length === limit ? entries.at(-1) : looked.at(-1);
  return { entries, next: isWhole ? undefined : last?.sequence };
}

const isFiltered = ({ action, principal, since, until }: AuditQuery): boolean =>
  [action, principal, since, until].some((filter) => filter !== undefined);

const matches = (entry: AuditEntry, { action, principal, since, until }: AuditQuery): boolean =>
  (action === undefined || entry.action === action) &&
  (principal === undefined || entry.by.principal === principal) &&
  (since === undefined || entry.recordedAt.getTime() >= since) &&
  (until === undefined || entry.recordedAt.getTime() < until);

export interface Verification {
  /** Entries that were looked at. */
  readonly entries: number;
  /** Up to which the chain holds; to be noted elsewhere, and given the next time. */
  readonly head: AuditHead;
  readonly problems: readonly AuditProblem[];
  /** Whether the end of the log was reached. */
  readonly isWhole: boolean;
}

export interface AuditProblem {
  readonly sequence: number;
  readonly problem: string;
}

const ENTRIES_PER_STEP = 1000;
const STEPS_PER_CALL = 20;
/** More would tell nothing new. */
const MAX_PROBLEMS = 20;

/** From a head that is trusted on, at the beginning the empty one. */
export async function verifyAudit(
  engine: Engine,
  storeId: StoreId,
  from: AuditHead,
): Promise<Verification> {
  // Read first: entries that are added meanwhile are beyond it.
  const end = await findAuditHead(engine.database, storeId);
  const problems = [...(await problemsOfStart(engine, storeId, from))];
  const log = new LogAhead(engine, storeId);
  let head = from;
  let entries = 0;
  for (let step = 0; step < STEPS_PER_CALL; step++) {
    const page = await readAuditEntries(engine.database, storeId, {
      from: head.sequence,
      order: 'oldest',
      limit: ENTRIES_PER_STEP,
    });
    for (const entry of page) {
      problems.push(...(await problemsOf(log, storeId, head, entry)));
      head = { sequence: entry.sequence, hash: entry.hash };
    }
    entries += page.length;
    const isWhole = page.length < ENTRIES_PER_STEP;
    if (isWhole) problems.push(...(await problemsOfEnd(engine, storeId, head, end)));
    if (isWhole || problems.length >= MAX_PROBLEMS) {
      return { entries, head, problems: problems.slice(0, MAX_PROBLEMS), isWhole };
    }
  }
  return { entries, head, problems, isWhole: false };
}

/** A log that was cut off below the head has nothing after it that could be wrong. */
async function problemsOfStart(
  engine: Engine,
  storeId: StoreId,
  { sequence, hash }: AuditHead,
): Promise<readonly AuditProblem[]> {
  return (await holds(engine, storeId, { sequence, hash }))
    ? []
    : [{ sequence, problem: 'the log does not have the head that was given' }];
}

/** The store's row knows the end: `end` as it was when the log was not yet read. */
async function problemsOfEnd(
  engine: Engine,
  storeId: StoreId,
  { sequence }: AuditHead,
  end: AuditHead | undefined,
): Promise<readonly AuditProblem[]> {
  const endNow = await findAuditHead(engine.database, storeId);
  if (end === undefined || endNow === undefined) return [];
  const known = `the store knows of ${endNow.sequence}`;
  if (end.sequence > sequence) {
    return [{ sequence: end.sequence, problem: `the last entries are missing: ${known}` }];
  }
  if (endNow.sequence < sequence) {
    return [{ sequence, problem: `there are more entries than there may be: ${known}` }];
  }
  return (await holds(engine, storeId, end))
    ? []
    : [{ sequence: end.sequence, problem: 'its hash is not the one that the store knows' }];
}

async function holds(engine: Engine, storeId: StoreId, head: AuditHead): Promise<boolean> {
  if (head.sequence === 0) return head.hash.length === 0;
  const [entry] = await readAuditEntries(engine.database, storeId, {
    from: head.sequence - 1,
    order: 'oldest',
    limit: 1,
  });
  return entry?.sequence === head.sequence && Buffer.compare(entry.hash, head.hash) === 0;
}

/** The change log, read ahead of whoever goes through it in order. */
class LogAhead {
  readonly #engine: Engine;
  readonly #storeId: StoreId;
  #read: readonly LoggedRevision[] = [];

  constructor(engine: Engine, storeId: StoreId) {
    this.#engine = engine;
    this.#storeId = storeId;
  }

  async changesOf(revision: Revision): Promise<readonly StoreChange[] | undefined> {
    const first = this.#read[0]?.revision ?? Infinity;
    const last = this.#read.at(-1)?.revision ?? 0;
    if (revision < first || revision > last) {
      const after = asRevision(revision - 1);
      this.#read = await readRevisions(
        this.#engine.database,
        this.#storeId,
        after,
        REVISIONS_AHEAD,
      );
    }
    return this.#read.find((logged) => logged.revision === revision)?.changes;
  }
}

const REVISIONS_AHEAD = 100;

async function problemsOf(
  log: LogAhead,
  storeId: StoreId,
  before: AuditHead,
  entry: AuditEntry,
): Promise<readonly AuditProblem[]> {
  const problem = (text: string): AuditProblem => ({ sequence: entry.sequence, problem: text });
  const problems: AuditProblem[] = [];
  if (entry.sequence !== before.sequence + 1) {
    problems.push(problem(`entries are missing after ${before.sequence}`));
  }
  const expected = entryHash(storeId, before.hash, entry);
  if (Buffer.compare(expected, entry.hash) !== 0) {
    problems.push(problem('its hash does not follow from what it says and the entry before it'));
  }
  const { digest } = entry.details;
  if (typeof digest === 'string' && entry.revision !== undefined) {
    const changes = await log.changesOf(entry.revision);
    if (changes === undefined || changesDigest(changes) !== digest) {
      problems.push(problem(`the change log of revision ${entry.revision} was changed`));
    }
  }
  return problems;
}
