/**
 * Edges in one direction: for every node, and for every kind of its edges, the sorted nodes at the
 * other end, as `set-cursor.ts` draws them.
 *
 *   a node   two words: [where its sets stand] [how many there are]
 *
 * Most sets have one member and need no list. A node has sets only for the kinds that it uses, so a
 * model with hundreds of relations costs its nodes nothing. (A fixed block of descriptors by type, as
 * one would index fastest, was half empty on realistic data, and had to move with every new model.)
 */
import { grown } from './grow.js';
import { classFor } from './list-pool.js';
import type { ListPool } from './list-pool.js';
import type { Node, NodeList } from './reader.js';
import { LONG, contains, lengthOf, lowerBound, setHeader, startOf, tagOf } from './set-cursor.js';
import type { SetCursor, SetTag } from './set-cursor.js';

export class EdgeSets {
  readonly #pool: ListPool;
  #nodes = new Int32Array(32);
  #edges = 0;

  constructor(pool: ListPool) {
    this.#pool = pool;
  }

  get edges(): number {
    return this.#edges;
  }

  /** Of the table of nodes; the sets themselves are the pool's. */
  get bytes(): number {
    return 4 * this.#nodes.length;
  }

  openAll(from: Node, cursor: SetCursor): void {
    const count = this.#nodes[2 * from + 1] ?? 0;
    cursor.open(this.#pool.words, this.#nodes[2 * from] ?? 0, count);
  }

  /** The nodes at the other end, into `list`. */
  open(from: Node, tag: SetTag, list: NodeList): void {
    const { words } = this.#pool;
    const set = this.#find(from, tag);
    list.words = words;
    if (set === 0) {
      list.length = 0;
      return;
    }
    const length = lengthOf(words, set);
    list.length = length;
    list.start = length === 1 ? set + 1 : startOf(words, set, length);
  }

  has(from: Node, tag: SetTag, to: Node): boolean {
    const { words } = this.#pool;
    const set = this.#find(from, tag);
    if (set === 0) return false;
    const length = lengthOf(words, set);
    return contains(words, length === 1 ? set + 1 : startOf(words, set, length), length, to);
  }

  /** False when the edge is there already. */
  add(from: Node, tag: SetTag, to: Node): boolean {
    const set = this.#find(from, tag);
    if (set === 0) {
      this.#addSet(from, tag, to);
      this.#edges++;
      return true;
    }
    const isNew = this.#insert(set, to);
    if (isNew) this.#edges++;
    return isNew;
  }

  /** False when there is no such edge. */
  remove(from: Node, tag: SetTag, to: Node): boolean {
    const { words } = this.#pool;
    const set = this.#find(from, tag);
    if (set === 0) return false;
    if (lengthOf(words, set) > 1) {
      if (!this.#take(set, to)) return false;
    } else {
      if (words[set + 1] !== to) return false;
      this.#removeSet(from, set);
    }
    this.#edges--;
    return true;
  }

  /** The address of the node's set, 0 if it has none. */
  #find(from: Node, tag: SetTag): number {
    const { words } = this.#pool;
    const count = this.#nodes[2 * from + 1] ?? 0;
    let set = this.#nodes[2 * from] ?? 0;
    for (const end = set + 2 * count; set < end; set += 2) {
      if (tagOf(words[set] ?? 0) === tag) return set;
    }
    return 0;
  }

  #addSet(from: Node, tag: SetTag, to: Node): void {
    if (2 * from >= this.#nodes.length) this.#nodes = grown(this.#nodes, 2 * from + 2);
    const count = this.#nodes[2 * from + 1] ?? 0;
    const old = this.#nodes[2 * from] ?? 0;
    const base = this.#resized(old, 2 * count, 2 * count + 2);
    const { words } = this.#pool;
    words[base + 2 * count] = setHeader(tag, 1);
    words[base + 2 * count + 1] = to;
    this.#nodes[2 * from] = base;
    this.#nodes[2 * from + 1] = count + 1;
  }

  #removeSet(from: Node, set: number): void {
    const { words } = this.#pool;
    const count = (this.#nodes[2 * from + 1] ?? 0) - 1;
    const base = this.#nodes[2 * from] ?? 0;
    const last = base + 2 * count;
    words[set] = words[last] ?? 0;
    words[set + 1] = words[last + 1] ?? 0;
    this.#nodes[2 * from] = this.#resized(base, 2 * count + 2, 2 * count);
    this.#nodes[2 * from + 1] = count;
  }

  #insert(set: number, to: Node): boolean {
    const { words } = this.#pool;
    const length = lengthOf(words, set);
    if (length === 1) {
      const only = words[set + 1] ?? 0;
      if (only === to) return false;
      const list = this.#pool.allocate(classFor(2));
      const after = this.#pool.words;
      after[list] = Math.min(only, to);
      after[list + 1] = Math.max(only, to);
      after[set + 1] = list;
      setLength(after, set, 2);
      return true;
    }
    const start = startOf(words, set, length);
    const at = lowerBound(words, start, length, to);
    if (at < length && words[start + at] === to) return false;
    this.#relist(set, length, length + 1);
    const after = this.#pool.words;
    const begin = startOf(after, set, length + 1);
    after.copyWithin(begin + at + 1, begin + at, begin + length);
    after[begin + at] = to;
    return true;
  }

  /** Takes a member out of a list of two or more. */
  #take(set: number, to: Node): boolean {
    const { words } = this.#pool;
    const length = lengthOf(words, set);
    const start = startOf(words, set, length);
    const at = lowerBound(words, start, length, to);
    if (at === length || words[start + at] !== to) return false;
    if (length === 2) {
      const list = words[set + 1] ?? 0;
      const other = words[start + 1 - at] ?? 0;
      this.#pool.release(list, classFor(2));
      words[set + 1] = other;
      setLength(words, set, 1);
      return true;
    }
    words.copyWithin(start + at, start + at + 1, start + length);
    this.#relist(set, length, length - 1);
    return true;
  }

  /** Makes the list of a set fit another length; both are at least 2. */
  #relist(set: number, length: number, newLength: number): void {
    const { words } = this.#pool;
    const list = words[set + 1] ?? 0;
    const kept = Math.min(length, newLength);
    const start = startOf(words, set, length);
    const oldSize = length + (length >= LONG ? 1 : 0);
    const newSize = newLength + (newLength >= LONG ? 1 : 0);
    const sameHead = length >= LONG === newLength >= LONG;
    if (classFor(oldSize) === classFor(newSize) && sameHead) {
      setLength(words, set, newLength);
      if (newLength >= LONG) words[list] = newLength;
      return;
    }
    const moved = this.#pool.allocate(classFor(newSize));
    const after = this.#pool.words;
    after[set + 1] = moved;
    setLength(after, set, newLength);
    if (newLength >= LONG) after[moved] = newLength;
    after.copyWithin(startOf(after, set, newLength), start, start + kept);
    this.#pool.release(list, classFor(oldSize));
  }

  /** A block of sets with room for another number of words. */
  #resized(block: number, oldWords: number, newWords: number): number {
    if (newWords === 0) {
      this.#pool.release(block, classFor(oldWords));
      return 0;
    }
    if (oldWords > 0 && classFor(oldWords) === classFor(newWords)) return block;
    const moved = this.#pool.allocate(classFor(newWords));
    if (oldWords > 0) {
      const { words } = this.#pool;
      words.copyWithin(moved, block, block + Math.min(oldWords, newWords));
      this.#pool.release(block, classFor(oldWords));
    }
    return moved;
  }
}

function setLength(words: Int32Array, set: number, length: number): void {
  words[set] = setHeader(tagOf(words[set] ?? 0), length);
}
