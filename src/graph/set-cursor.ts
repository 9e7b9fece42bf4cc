/**
 * How the sets of a node stand in an array of words, and a cursor over them.
 *
 *   a set    two words: [kind · guarded · short length] [the only member, or where the list is]
 *   a list   its members in ascending order; a long one has its length before them
 */
import type { EdgeKind, Node } from './reader.js';

const LENGTH_BITS = 8;
/** This and more members: the length stands before the list. */
export const LONG = (1 << LENGTH_BITS) - 1;
const GUARDED = 1;

/** Which of a node's sets: those of a kind's plain edges and of its guarded ones are two. */
export type SetTag = number;

export const plainSet = (kind: EdgeKind): SetTag => kind << 1;
export const guardedSet = (kind: EdgeKind): SetTag => (kind << 1) | GUARDED;

export const setHeader = (tag: SetTag, length: number): number =>
  (tag << LENGTH_BITS) | Math.min(length, LONG);

export const tagOf = (header: number): SetTag => header >>> LENGTH_BITS;

export function lengthOf(words: Int32Array, set: number): number {
  const short = (words[set] ?? 0) & LONG;
  return short === LONG ? (words[words[set + 1] ?? 0] ?? 0) : short;
}

/** Of a list; a single member stands in the set itself. */
export const startOf = (words: Int32Array, set: number, length: number): number =>
  (words[set + 1] ?? 0) + (length >= LONG ? 1 : 0);

const NO_WORDS = new Int32Array(0);

export class SetCursor {
  words: Int32Array = NO_WORDS;
  /** Of the current set. */
  kind: EdgeKind = 0;
  isGuarded = false;
  start = 0;
  length = 0;
  #next = 0;
  #end = 0;

  open(words: Int32Array, first: number, count: number): void {
    this.words = words;
    this.#next = first;
    this.#end = first + 2 * count;
  }

  /** False at the end. */
  next(): boolean {
    const set = this.#next;
    if (set >= this.#end) return false;
    this.#next = set + 2;
    const { words } = this;
    const header = words[set] ?? 0;
    const short = header & LONG;
    this.kind = header >>> (LENGTH_BITS + 1);
    this.isGuarded = ((header >>> LENGTH_BITS) & GUARDED) !== 0;
    if (short === 1) {
      this.length = 1;
      this.start = set + 1;
    } else {
      this.length = lengthOf(words, set);
      this.start = startOf(words, set, this.length);
    }
    return true;
  }
}

/** Up to here a scan beats a binary search. */
const SCAN_LENGTH = 8;

/** How many of the list's members are smaller. */
export function lowerBound(words: Int32Array, start: number, length: number, node: Node): number {
  if (length <= SCAN_LENGTH) {
    let at = 0;
    while (at < length && (words[start + at] ?? 0) < node) at++;
    return at;
  }
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((words[start + middle] ?? 0) < node) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function contains(words: Int32Array, start: number, length: number, node: Node): boolean {
  if (length === 1) return words[start] === node;
  const at = lowerBound(words, start, length, node);
  return at < length && words[start + at] === node;
}

/** Sets of their own, for a reader that puts them together; lists follow the headers. */
export function encodeSets(sets: ReadonlyMap<SetTag, readonly Node[]>): Int32Array {
  const words: number[] = [];
  const lists: number[] = [];
  const listStart = 2 * sets.size;
  for (const [tag, members] of sets) {
    const { length } = members;
    words.push(setHeader(tag, length));
    if (length === 1) {
      words.push(...members);
      continue;
    }
    words.push(listStart + lists.length);
    if (length >= LONG) lists.push(length);
    for (const member of members) lists.push(member);
  }
  return Int32Array.from([...words, ...lists]);
}
