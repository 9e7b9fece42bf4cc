/**
 * What conditional and expiring edges carry, apart from the edges themselves: (object, kind, subject)
 * → condition, context, expiry. Open addressing over typed arrays, as most stores have none or few,
 * and some have a condition on every tuple.
 *
 *   keys      triples [object, kind, subject]; object -1 is an empty slot, -2 a deleted one
 *   grants    a name of the string table of (condition, context as JSON), or -1 for no condition
 *   expiries  milliseconds since 1970, or Infinity
 *
 * Equal contexts are kept once. Of the parsed ones only the recently used stay: a context a tuple
 * would otherwise be an object a tuple.
 */
import type { JsonObject } from '../tuple/tuple.js';
import type { EdgeFacts, EdgeKind, Node } from './reader.js';
import { StringTable } from './string-table.js';

const INITIAL_SLOTS = 16;
const MAX_LOAD = 0.6;
const EMPTY = -1;
const DELETED = -2;
const NO_GRANT = -1;

/** Parsed contexts that stay; some kilobytes each at the most, and most are far smaller. */
const MAX_PARSED = 4096;

interface Grant {
  readonly name: string;
  readonly context: JsonObject;
}

export class FactsTable {
  #keys = new Int32Array(3 * INITIAL_SLOTS).fill(EMPTY);
  #grants = new Int32Array(INITIAL_SLOTS);
  #expiries = new Float64Array(INITIAL_SLOTS);
  /** Slots that are not empty, deleted ones included. */
  #taken = 0;
  #size = 0;
  readonly #contexts: StringTable;
  readonly #conditionNames: string[] = [];
  readonly #conditions = new Map<string, number>();
  readonly #parsed = new Map<number, Grant>();

  constructor(hashSeed: number) {
    this.#contexts = new StringTable(hashSeed);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return 4 * this.#keys.length + 12 * this.#grants.length + this.#contexts.bytes;
  }

  get(object: Node, kind: EdgeKind, subject: Node): EdgeFacts | undefined {
    const slot = this.#find(object, kind, subject);
    if (slot < 0) return undefined;
    const grant = this.#grants[slot] ?? NO_GRANT;
    const expiresAt = this.#expiries[slot] ?? Infinity;
    return {
      ...(grant !== NO_GRANT && { condition: this.#grant(grant) }),
      ...(expiresAt !== Infinity && { expiresAt }),
    };
  }

  set(object: Node, kind: EdgeKind, subject: Node, facts: EdgeFacts): void {
    let slot = this.#find(object, kind, subject);
    if (slot < 0) {
      if (this.#taken >= this.#grants.length * MAX_LOAD) {
        this.#rehash();
        slot = this.#find(object, kind, subject);
      }
      slot = ~slot;
      if (this.#keys[3 * slot] === EMPTY) this.#taken++;
      this.#size++;
      this.#keys[3 * slot] = object;
      this.#keys[3 * slot + 1] = kind;
      this.#keys[3 * slot + 2] = subject;
    }
    const { condition, expiresAt = Infinity } = facts;
    this.#grants[slot] = condition === undefined ? NO_GRANT : this.#internGrant(condition);
    this.#expiries[slot] = expiresAt;
  }

  delete(object: Node, kind: EdgeKind, subject: Node): void {
    const slot = this.#find(object, kind, subject);
    if (slot < 0) return;
    this.#keys[3 * slot] = DELETED;
    this.#size--;
  }

  /** The slot, or the complement of the one to use. */
  #find(object: Node, kind: EdgeKind, subject: Node): number {
    const keys = this.#keys;
    const mask = this.#grants.length - 1;
    let free = -1;
    for (let slot = hashOf(object, kind, subject) & mask; ; slot = (slot + 1) & mask) {
      const key = keys[3 * slot];
      if (key === EMPTY) return ~(free < 0 ? slot : free);
      if (key === DELETED) {
        if (free < 0) free = slot;
      } else if (key === object && keys[3 * slot + 1] === kind && keys[3 * slot + 2] === subject) {
        return slot;
      }
    }
  }

  #rehash(): void {
    const keys = this.#keys;
    const grants = this.#grants;
    const expiries = this.#expiries;
    const slots = grants.length * (this.#size > grants.length * (MAX_LOAD / 2) ? 2 : 1);
    this.#keys = new Int32Array(3 * slots).fill(EMPTY);
    this.#grants = new Int32Array(slots);
    this.#expiries = new Float64Array(slots);
    for (let slot = 0; slot < grants.length; slot++) {
      const object = keys[3 * slot] ?? EMPTY;
      if (object < 0) continue;
      const kind = keys[3 * slot + 1] ?? 0;
      const subject = keys[3 * slot + 2] ?? 0;
      const to = ~this.#find(object, kind, subject);
      this.#keys.set([object, kind, subject], 3 * to);
      this.#grants[to] = grants[slot] ?? NO_GRANT;
      this.#expiries[to] = expiries[slot] ?? Infinity;
    }
    this.#taken = this.#size;
  }

  #internGrant({ name, context }: Grant): number {
    let condition = this.#conditions.get(name);
    if (condition === undefined) {
      condition = this.#conditionNames.push(name) - 1;
      this.#conditions.set(name, condition);
    }
    return this.#contexts.intern(condition, JSON.stringify(context));
  }

  #grant(id: number): Grant {
    const known = this.#parsed.get(id);
    if (known !== undefined) return known;
    const grant = {
      name: this.#conditionNames[this.#contexts.type(id)] ?? '',
      context: JSON.parse(this.#contexts.text(id)) as JsonObject,
    };
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear();
    this.#parsed.set(id, grant);
    return grant;
  }
}

function hashOf(object: Node, kind: EdgeKind, subject: Node): number {
  let hash =
    Math.imul(object, 0x9e3779b1) ^ Math.imul(subject, 0x85ebca6b) ^ Math.imul(kind, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
