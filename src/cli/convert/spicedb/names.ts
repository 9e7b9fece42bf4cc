/**
 * What SpiceDB's names are called in the converted model. Nearly all stay; those that are words of
 * the model's language, or longer than it allows, get another that is still free.
 */
import { createHash } from 'node:crypto';
import { DEFAULT_MODEL_LIMITS } from '../../../schema/limits.js';
import type { Findings } from '../finding.js';
import type { Name } from './syntax.js';

const { typeNameLengthMax, nameLengthMax } = DEFAULT_MODEL_LIMITS;

const TYPE_WORDS = ['and', 'or', 'from', 'with', 'relations', 'define', 'condition', 'in'];

/** Names the DSL cannot have at these places, and those that a valid model cannot have. */
const RESERVED = {
  type: new Set([...TYPE_WORDS, 'self', 'this']),
  relation: new Set([...TYPE_WORDS, 'self', 'this']),
  condition: new Set([
    ...[...TYPE_WORDS, 'type', 'model', 'schema', 'module', 'extend', 'relation'],
    ...['int', 'uint', 'double', 'bool', 'string', 'list', 'map', 'timestamp', 'duration'],
    'ipaddress',
  ]),
};

const HASH_LENGTH = 8;

/** The names of one kind. */
export class Names {
  readonly #kind: keyof typeof RESERVED;
  readonly #findings: Findings;
  readonly #names = new Map<string, string>();
  readonly #taken: Set<string>;

  /** All names are given at once, so that a new one never takes one that is yet to come. */
  constructor(kind: keyof typeof RESERVED, all: readonly Name[], findings: Findings) {
    this.#kind = kind;
    this.#findings = findings;
    this.#taken = new Set(all.map(({ text }) => text));
    for (const name of all) if (!this.#names.has(name.text)) this.#add(name);
  }

  /** Undefined for a name that is not declared. */
  of(name: string): string | undefined {
    return this.#names.get(name);
  }

  /** A name for something that SpiceDB's schema does not have. */
  invent(wanted: string): string {
    const short = this.#shortened(wanted);
    let name = this.#allowed(short) ? short : `${short}_`;
    for (let number = 2; this.#taken.has(name); number += 1) name = `${short}_${number}`;
    this.#taken.add(name);
    return name;
  }

  #add({ text, position }: Name): void {
    const plain = this.#kind === 'condition' ? text.replaceAll('/', '_') : text;
    const name = plain === text && this.#allowed(text) ? text : this.invent(plain);
    this.#names.set(text, name);
    if (name !== text) {
      this.#findings.add('changed', `'${text}' is called '${name}' in the model`, position);
    }
  }

  #allowed(name: string): boolean {
    return (
      !RESERVED[this.#kind].has(name) && name.length <= this.#lengthMax() && /^[a-z_]/i.test(name)
    );
  }

  #lengthMax(): number {
    return this.#kind === 'type' ? typeNameLengthMax : nameLengthMax;
  }

  /** With space for a number, and a digest so that two long names stay two. */
  #shortened(name: string): string {
    const ascii = name.replace(/[^A-Za-z0-9_/]/g, '_');
    if (ascii.length < this.#lengthMax() && ascii === name) return name;
    const digest = createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH);
    return `${ascii.slice(0, nameLengthMax - HASH_LENGTH - 4)}_${digest}`;
  }
}
