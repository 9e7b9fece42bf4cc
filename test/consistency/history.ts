/**
 * What the clients of one store wrote and saw, and what of it must not have happened. All that the
 * store holds was written by them, so the history knows what every revision contains, and judges
 * after the event. An answer is
 *
 *   stale   when its revision is lower than the one that the client was entitled to,
 *   wrong   when it is not what the tuples of its revision say,
 *   torn    when it shows both of two rivals, or neither: at every revision one of them is there;
 *
 * and the writes are a broken log when their revisions have a gap or one stands twice, or when one
 * made what was already there.
 *
 * Facts and tuples are texts such as `document:1#viewer@user:anne`.
 */
export type Freshness =
  /** The client's latest token. */
  | 'token'
  /** HIGHER_CONSISTENCY: whatever was acknowledged to anybody. */
  | 'head'
  /** Nothing is asked for, of the process that the client wrote to last. */
  | 'own'
  /** Nothing is asked for, so nothing is owed. */
  | 'nothing';

export interface Written {
  readonly revision: number;
  readonly deletes: readonly string[];
  readonly writes: readonly string[];
}

export interface Reading {
  readonly endpoint: string;
  readonly freshness: Freshness;
  /** The revision that the client was entitled to, and the newest one acknowledged, when it asked. */
  readonly owed: number;
  readonly acknowledged: number;
  readonly revision: number;
  readonly saw: ReadonlyMap<string, boolean>;
}

export interface Violation {
  readonly kind: 'stale' | 'wrong' | 'torn' | 'log';
  /** Of the reading, if it is about one. */
  readonly freshness?: Freshness;
  readonly text: string;
}

export class History {
  readonly written: Written[] = [];
  readonly readings: Reading[] = [];
  /** The newest revision whose write anybody was told of. */
  acknowledged = 0;

  addWritten(written: Written): void {
    this.written.push(written);
    this.acknowledged = Math.max(this.acknowledged, written.revision);
  }

  violations(): readonly Violation[] {
    const found: Violation[] = [];
    const tuples = new Set<string>();
    const log = byRevision(this.written);
    let applied = 0;
    for (const reading of byRevision(this.readings)) {
      for (; (log[applied]?.revision ?? Infinity) <= reading.revision; applied += 1) {
        found.push(...applyTo(tuples, log, applied));
      }
      found.push(...judge(reading, tuples));
    }
    for (; applied < log.length; applied += 1) found.push(...applyTo(tuples, log, applied));
    return found;
  }
}

const byRevision = <Item extends { readonly revision: number }>(items: readonly Item[]): Item[] =>
  [...items].sort((a, b) => a.revision - b.revision);

function applyTo(tuples: Set<string>, log: readonly Written[], index: number): Violation[] {
  const { revision, deletes, writes } = log[index]!; // the caller's loop ends before the log does
  const problems: string[] = [];
  if (revision !== index + 1) problems.push(`is write ${index + 1}`);
  for (const tuple of deletes) if (!tuples.delete(tuple)) problems.push(`deleted ${tuple} again`);
  for (const tuple of writes) {
    if (tuples.has(tuple)) problems.push(`wrote ${tuple} again`);
    tuples.add(tuple);
  }
  return problems.map((problem) => ({ kind: 'log', text: `revision ${revision} ${problem}` }));
}

function judge(reading: Reading, tuples: ReadonlySet<string>): Violation[] {
  const { endpoint, freshness, owed, revision, saw } = reading;
  const found: Violation[] = [];
  const add = (kind: Violation['kind'], problem: string): void => {
    const text = `${endpoint} (${freshness}) at revision ${revision} ${problem}`;
    found.push({ kind, freshness, text });
  };
  if (revision < owed) add('stale', `instead of ${owed}`);
  for (const [fact, isSeen] of saw) {
    if (isSeen !== holds(fact, tuples)) add('wrong', `said ${isSeen} of ${fact}`);
    if (isSeen === saw.get(rivalOf(fact))) add('torn', `said ${isSeen} of ${fact} and its rival`);
  }
  return found;
}

/** The other one of two tuples of which one is there at any time; else what no reading has. */
const rivalOf = (fact: string): string =>
  fact.includes('left') ? fact.replace('left', 'right') : '';

/** A viewer is whom it is granted to, directly or as the member of the group named like the user. */
function holds(fact: string, tuples: ReadonlySet<string>): boolean {
  const [, object, name] = /^(.+)#viewer@user:(.+)$/.exec(fact) ?? [];
  if (object === undefined || name === undefined) return tuples.has(fact);
  return (
    tuples.has(`${object}#granted@user:${name}`) ||
    (tuples.has(`${object}#granted@group:${name}#member`) &&
      tuples.has(`group:${name}#member@user:${name}`))
  );
}
