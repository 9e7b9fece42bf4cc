/**
 * The latest changes to edges of the kinds that somebody watches: what is derived from those edges
 * can be kept right without looking at all of them again. A reader remembers the place up to which it
 * has read. One that comes back late has lost its place, and starts anew.
 */
import { grown } from './grow.js';
import type { EdgeKind, Node } from './reader.js';

/** A reader that has missed more is better off without. */
const CAPACITY = 1024;

export class EdgeJournal {
  /** By kind, 1 where it is watched. */
  #watched = new Int32Array(16);
  /** Pairs of kind and subject, each overwritten by the one so many later. */
  readonly #entries = new Int32Array(2 * CAPACITY);
  #end = 0;

  /** The place after the last entry. */
  get end(): number {
    return this.#end;
  }

  watch(kind: EdgeKind): void {
    if (kind >= this.#watched.length) this.#watched = grown(this.#watched, kind + 1);
    this.#watched[kind] = 1;
  }

  note(kind: EdgeKind, subject: Node): void {
    if (this.#watched[kind] !== 1) return;
    const at = 2 * (this.#end++ % CAPACITY);
    this.#entries[at] = kind;
    this.#entries[at + 1] = subject;
  }

  /** Visits the entries from a place on; false when some of them are held no longer. */
  since(place: number, visit: (kind: EdgeKind, subject: Node) => void): boolean {
    if (this.#end - place > CAPACITY) return false;
    for (let entry = place; entry < this.#end; entry++) {
      const at = 2 * (entry % CAPACITY);
      visit(this.#entries[at] ?? 0, this.#entries[at + 1] ?? 0);
    }
    return true;
  }
}
