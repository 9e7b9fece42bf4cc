/**
 * The attributes of nodes, as JSON text: node → bytes in one array, so that a million of them are no
 * million objects. Attributes are replaced more often than tuples are, so what is replaced counts as
 * waste, and the array is copied without it when there is more of it than of the rest.
 *
 *   slots    pairs [node + 1, record]; open addressing; node 0 is an empty slot, record 0 one whose
 *            node has no attributes any more
 *   records  [bytes] [text as UTF-8 …], at whole words
 *
 * Of the parsed ones only the recently used stay. Asked for twice, they are the same object, by which
 * conditions keep what they made of it.
 */
import type { JsonObject } from '../tuple/tuple.js';
import { grown } from './grow.js';
import type { Node } from './reader.js';

const INITIAL_SLOTS = 16;
const MAX_LOAD = 0.6;

/** Not worth a copy below it. */
const WASTE_WORDS = 4096;

/** Some kilobytes each at the most, and most are far smaller. */
const MAX_PARSED = 4096;

export class AttributesTable {
  #slots = new Int32Array(2 * INITIAL_SLOTS);
  #words = new Int32Array(INITIAL_SLOTS);
  /** Where the next record goes; 0 is no record. */
  #end = 1;
  #wasted = 0;
  /** Slots that are not empty. */
  #taken = 0;
  #size = 0;
  readonly #parsed = new Map<Node, JsonObject>();

  /** Nodes that have attributes. */
  get size(): number {
    return this.#size;
  }

  /** In use, without what is reserved beyond. */
  get bytes(): number {
    return 4 * (this.#slots.length + this.#end);
  }

  get(node: Node): JsonObject | undefined {
    const known = this.#parsed.get(node);
    if (known !== undefined) return known;
    const record = this.#slots[2 * this.#find(node) + 1] ?? 0;
    if (record === 0) return undefined;
    const attributes = JSON.parse(this.#text(record)) as JsonObject;
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear();
    this.#parsed.set(node, attributes);
    return attributes;
  }

  set(node: Node, attributes: JsonObject): void {
    this.delete(node);
    if (this.#taken >= (this.#slots.length / 2) * MAX_LOAD) this.#renew();
    const slot = this.#find(node);
    if (this.#slots[2 * slot] === 0) this.#taken++;
    this.#slots[2 * slot] = node + 1;
    this.#slots[2 * slot + 1] = this.#write(JSON.stringify(attributes));
    this.#size++;
  }

  delete(node: Node): void {
    const slot = this.#find(node);
    const record = this.#slots[2 * slot + 1] ?? 0;
    if (record === 0) return;
    this.#parsed.delete(node);
    this.#slots[2 * slot + 1] = 0;
    this.#size--;
    this.#wasted += this.#lengthOf(record);
    if (this.#wasted > WASTE_WORDS && this.#wasted > this.#end / 2) this.#renew();
  }

  /** Visits the nodes in no order, until `visit` returns true. */
  some(visit: (node: Node) => boolean): boolean {
    const slots = this.#slots;
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1] !== 0 && visit((slots[at] ?? 0) - 1)) return true;
    }
    return false;
  }

  /** The node's slot, or the one to use for it. */
  #find(node: Node): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let slot = hashOf(node) & mask; ; slot = (slot + 1) & mask) {
      const taken = slots[2 * slot];
      if (taken === 0 || taken === node + 1) return slot;
    }
  }

  #lengthOf(record: number): number {
    return 1 + Math.ceil((this.#words[record] ?? 0) / 4);
  }

  #text(record: number): string {
    const length = this.#words[record] ?? 0;
    return Buffer.from(this.#words.buffer, 4 * (record + 1), length).toString('utf8');
  }

  #write(text: string): number {
    const record = this.#end;
    const length = Buffer.byteLength(text);
    this.#end += 1 + Math.ceil(length / 4);
    if (this.#end > this.#words.length) this.#words = grown(this.#words, this.#end);
    this.#words[record] = length;
    Buffer.from(this.#words.buffer, 4 * (record + 1), length).write(text, 'utf8');
    return record;
  }

  /** Without waste, and with room for as many again. */
  #renew(): void {
    const [slots, words] = [this.#slots, this.#words];
    let wanted = INITIAL_SLOTS;
    while (wanted * MAX_LOAD < 2 * (this.#size + 1)) wanted *= 2;
    this.#slots = new Int32Array(2 * wanted);
    this.#words = new Int32Array(Math.max(INITIAL_SLOTS, this.#end - this.#wasted));
    this.#end = 1;
    this.#wasted = 0;
    this.#taken = this.#size;
    for (let at = 0; at < slots.length; at += 2) {
      const record = slots[at + 1] ?? 0;
      if (record === 0) continue;
      const node = (slots[at] ?? 0) - 1;
      const length = 1 + Math.ceil((words[record] ?? 0) / 4);
      const slot = this.#find(node);
      this.#slots[2 * slot] = node + 1;
      this.#slots[2 * slot + 1] = this.#end;
      this.#words.set(words.subarray(record, record + length), this.#end);
      this.#end += length;
    }
  }
}

function hashOf(node: Node): number {
  const hash = Math.imul(node, 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
