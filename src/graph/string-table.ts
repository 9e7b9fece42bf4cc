/**
 * Names as small integers: (type, text) → 0, 1, 2 … in typed arrays, because a Map of strings costs
 * twice the memory, half a second of garbage collection at ten million, and ends at 16.7 million.
 *
 *   slots    pairs [hash, record]; open addressing with linear probing; record 0 is an empty slot
 *   records  [id] [type · wide · length] [characters …], four to a word, or two where one of them
 *            does not fit in a byte; a length that does not fit follows in a word of its own
 */
import { grown } from './grow.js';

const INITIAL_SLOTS = 64;
/** Beyond, probes get long. */
const MAX_LOAD = 0.7;

const LENGTH_BITS = 11;
const LONG = (1 << LENGTH_BITS) - 1;
const WIDE = 1 << LENGTH_BITS;
const TYPE_SHIFT = LENGTH_BITS + 1;

export class StringTable {
  readonly #seed: number;
  #slots = new Int32Array(2 * INITIAL_SLOTS);
  #records = new Int32Array(16 * INITIAL_SLOTS);
  /** Where the next record goes; 0 is no record. */
  #end = 1;
  #recordOf = new Int32Array(INITIAL_SLOTS);
  #count = 0;

  /**
   * `seed` is any number, best a random one: ids come from clients, and whoever knows how they are
   * hashed can make thousands that land on one slot.
   */
  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  get size(): number {
    return this.#count;
  }

  /** Bytes in use, without what is reserved beyond. */
  get bytes(): number {
    return 4 * (this.#slots.length + this.#end + this.#count);
  }

  /** -1 when the name was never interned. */
  find(type: number, text: string): number {
    const record = this.#probe(type, text, hashOf(this.#seed, type, text));
    return record < 0 ? -1 : (this.#records[record] ?? -1);
  }

  intern(type: number, text: string): number {
    const hash = hashOf(this.#seed, type, text);
    const found = this.#probe(type, text, hash);
    if (found >= 0) return this.#records[found] ?? -1;
    if (this.#count >= (this.#slots.length / 2) * MAX_LOAD) {
      this.#rehash();
      return this.#insert(~this.#probe(type, text, hash), hash, type, text);
    }
    return this.#insert(~found, hash, type, text);
  }

  type(id: number): number {
    const record = this.#recordOf[id] ?? 0;
    return (this.#records[record + 1] ?? 0) >>> TYPE_SHIFT;
  }

  text(id: number): string {
    const record = this.#recordOf[id] ?? 0;
    const header = this.#records[record + 1] ?? 0;
    const isLong = (header & LONG) === LONG;
    const length = isLong ? (this.#records[record + 2] ?? 0) : header & LONG;
    const start = 4 * (record + (isLong ? 3 : 2));
    const bytes = Buffer.from(this.#records.buffer, start, length * (header & WIDE ? 2 : 1));
    return header & WIDE ? bytes.toString('utf16le') : bytes.toString('latin1');
  }

  /** The record, or the complement of the slot where it would go. */
  #probe(type: number, text: string, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const record = slots[2 * slot + 1] ?? 0;
      if (record === 0) return ~slot;
      if (slots[2 * slot] === hash && this.#holds(record, type, text)) return record;
    }
  }

  #holds(record: number, type: number, text: string): boolean {
    const records = this.#records;
    const header = records[record + 1] ?? 0;
    const { length } = text;
    if (header >>> TYPE_SHIFT !== type || (header & LONG) !== Math.min(length, LONG)) return false;
    let at = record + 2;
    if (length >= LONG && records[at++] !== length) return false;
    if ((header & WIDE) === 0) {
      for (let i = 0; i < length; i += 4) if (records[at++] !== packed(text, i)) return false;
      return !isWide(text);
    }
    for (let i = 0; i < length; i += 2) if (records[at++] !== packedWide(text, i)) return false;
    return true;
  }

  #insert(slot: number, hash: number, type: number, text: string): number {
    const id = this.#count++;
    const record = this.#end;
    const { length } = text;
    const needed = record + 3 + Math.ceil(length / 2);
    if (needed > this.#records.length) this.#records = grown(this.#records, needed);
    if (id >= this.#recordOf.length) this.#recordOf = grown(this.#recordOf, id + 1);
    const records = this.#records;
    const wide = isWide(text);
    let at = record;
    records[at++] = id;
    records[at++] = (type << TYPE_SHIFT) | (wide ? WIDE : 0) | Math.min(length, LONG);
    if (length >= LONG) records[at++] = length;
    if (wide) for (let i = 0; i < length; i += 2) records[at++] = packedWide(text, i);
    else for (let i = 0; i < length; i += 4) records[at++] = packed(text, i);
    this.#end = at;
    this.#recordOf[id] = record;
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = record;
    return id;
  }

  #rehash(): void {
    const old = this.#slots;
    const slots = new Int32Array(old.length * 2);
    const mask = slots.length / 2 - 1;
    for (let i = 0; i < old.length; i += 2) {
      const record = old[i + 1] ?? 0;
      if (record === 0) continue;
      const hash = old[i] ?? 0;
      let slot = hash & mask;
      while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      slots[2 * slot] = hash;
      slots[2 * slot + 1] = record;
    }
    this.#slots = slots;
  }
}

/** FNV-1a over UTF-16 units, stirred at the end so that the low bits depend on all. */
export function hashOf(seed: number, type: number, text: string): number {
  let hash = 0x811c9dc5 ^ seed ^ type;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return hash ^ (hash >>> 15);
}

function isWide(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return true;
  return false;
}

/**
 * charCodeAt beyond the end is NaN, which the bit operators take for 0. Of a wide character this
 * loses or smears bits: that `d` and `\u0164` pack alike must never make two names one.
 */
const packed = (text: string, i: number): number =>
  text.charCodeAt(i) |
  (text.charCodeAt(i + 1) << 8) |
  (text.charCodeAt(i + 2) << 16) |
  (text.charCodeAt(i + 3) << 24);

const packedWide = (text: string, i: number): number =>
  text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16);
