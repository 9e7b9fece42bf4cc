/**
 * A set of (node, relation) pairs with a number each, for one walk at a time: emptied by moving on to
 * the next generation, so that a walk of a few dozen pairs costs nothing but these.
 */
import type { Node } from '../graph/reader.js';
import type { RelationIndex } from '../schema/plan.js';

const INITIAL_SLOTS = 512;
const WORDS_PER_SLOT = 4;
/** [generation] [node] [relation] [value] */
const NODE = 1;
const RELATION = 2;
const VALUE = 3;

export class NodeSet {
  #slots = new Int32Array(WORDS_PER_SLOT * INITIAL_SLOTS);
  #mask = INITIAL_SLOTS - 1;
  #generation = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** What `bytes` will be when another pair has been added. */
  get nextBytes(): number {
    return this.#isFullAt(this.#size + 1) ? 2 * this.bytes : this.bytes;
  }

  clear(): void {
    this.#size = 0;
    this.#generation++;
    if (this.#generation > 0x7ffffffe) {
      this.#slots.fill(0);
      this.#generation = 1;
    }
  }

  /** The pair's number, or -1. */
  get(node: Node, relation: RelationIndex): number {
    const at = this.#find(node, relation);
    return at < 0 ? -1 : (this.#slots[at + VALUE] ?? -1);
  }

  /** False when the pair is there already; its number stays. */
  add(node: Node, relation: RelationIndex, value: number): boolean {
    const at = this.#find(node, relation);
    if (at >= 0) return false;
    this.#insert(~at, node, relation, value);
    return true;
  }

  /** Like `add`, but of two numbers the smaller one stays. */
  addLeast(node: Node, relation: RelationIndex, value: number): boolean {
    const at = this.#find(node, relation);
    if (at < 0) {
      this.#insert(~at, node, relation, value);
      return true;
    }
    if (value < (this.#slots[at + VALUE] ?? 0)) this.#slots[at + VALUE] = value;
    return false;
  }

  set(node: Node, relation: RelationIndex, value: number): void {
    const at = this.#find(node, relation);
    if (at < 0) this.#insert(~at, node, relation, value);
    else this.#slots[at + VALUE] = value;
  }

  /** Where the pair stands, or the complement of where it would. */
  #find(node: Node, relation: RelationIndex): number {
    const slots = this.#slots;
    const generation = this.#generation;
    const mask = this.#mask;
    for (let slot = hashOf(node, relation) & mask; ; slot = (slot + 1) & mask) {
      const at = WORDS_PER_SLOT * slot;
      if (slots[at] !== generation) return ~at;
      if (slots[at + NODE] === node && slots[at + RELATION] === relation) return at;
    }
  }

  #insert(at: number, node: Node, relation: RelationIndex, value: number): void {
    const slots = this.#slots;
    slots[at] = this.#generation;
    slots[at + NODE] = node;
    slots[at + RELATION] = relation;
    slots[at + VALUE] = value;
    this.#size++;
    if (this.#isFullAt(this.#size)) this.#grow();
  }

  #isFullAt(size: number): boolean {
    return size > this.#mask >> 1;
  }

  #grow(): void {
    const old = this.#slots;
    const generation = this.#generation;
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = this.#slots.length / WORDS_PER_SLOT - 1;
    this.#size = 0;
    this.#generation = 1;
    for (let at = 0; at < old.length; at += WORDS_PER_SLOT) {
      if (old[at] !== generation) continue;
      this.add(old[at + NODE] ?? 0, old[at + RELATION] ?? 0, old[at + VALUE] ?? 0);
    }
  }
}

function hashOf(node: Node, relation: RelationIndex): number {
  const hash = Math.imul(node ^ (relation << 24), 0x9e3779b1) ^ relation;
  return hash ^ (hash >>> 15);
}
