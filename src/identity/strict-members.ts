/**
 * A mapping of a settings file, read member by member. A member that nobody asked for, a wrong
 * shape, a missing one: each is refused with the place where it stands, so that a slip of the pen
 * cannot quietly mean less protection.
 */
import { PembaError } from '../errors.js';
import { parseDuration } from '../quantity.js';

export class StrictMembers {
  /** Such as `issuers.yaml, issuer 'corp', callers`. */
  readonly #place: string;
  readonly #members: ReadonlyMap<string, unknown>;
  readonly #asked = new Set<string>();

  constructor(value: unknown, place: string) {
    this.#place = place;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new PembaError('cannot_start', `${place}: must be a mapping, not ${nameOf(value)}.`);
    }
    this.#members = new Map(Object.entries(value));
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Null, which YAML makes of a member left empty, is no value and not the same as absent. */
  get(name: string): unknown {
    this.#asked.add(name);
    const value = this.#members.get(name);
    if (value === null) throw this.refusal(name, 'has no value');
    return value;
  }

  text(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === 'string') return value;
    throw this.refusal(name, `must be a string, not ${nameOf(value)}`);
  }

  requiredText(name: string): string {
    return this.#required(name, this.text(name));
  }

  flag(name: string): boolean | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.refusal(name, `must be true or false, not ${nameOf(value)}`);
  }

  /** Different strings, none of them empty; at least one. */
  texts(name: string): readonly string[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const isText = (item: unknown): item is string => typeof item === 'string' && item !== '';
    if (!Array.isArray(value) || value.length === 0 || !value.every(isText)) {
      throw this.refusal(name, 'must be a list of strings, with one at least');
    }
    if (new Set(value).size < value.length) throw this.refusal(name, 'names something twice');
    return value;
  }

  requiredTexts(name: string): readonly string[] {
    return this.#required(name, this.texts(name));
  }

  /** `500ms`, `5s`, `10m`, `24h` or `7d`, in milliseconds. */
  durationMs(
    name: string,
    max: { readonly ms: number; readonly text: string },
  ): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = parseDuration(text);
    if (Number.isNaN(ms)) {
      throw this.refusal(name, `must be a duration such as 5s, 10m or 24h, not '${text}'`);
    }
    if (!(ms <= max.ms)) throw this.refusal(name, `must be at most ${max.text}`);
    return ms;
  }

  members(name: string): StrictMembers | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : new StrictMembers(value, `${this.#place}, ${name}`);
  }

  requiredMembers(name: string): StrictMembers {
    return this.#required(name, this.members(name));
  }

  list(name: string): readonly unknown[] {
    const value = this.#required(name, this.get(name));
    if (!Array.isArray(value) || value.length === 0) {
      throw this.refusal(name, 'must be a list, with one item at least');
    }
    return value;
  }

  /** To be called when everything known was asked for. */
  refuseOthers(): void {
    for (const name of this.#members.keys()) {
      if (!this.#asked.has(name)) {
        throw this.refusal(name, `is not known; known are ${[...this.#asked].join(', ')}`);
      }
    }
  }

  refusal(name: string, problem: string): PembaError {
    return new PembaError('cannot_start', `${this.#place}: ${name} ${problem}.`, {
      facts: { field: name },
    });
  }

  #required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw this.refusal(name, 'is required');
    return value;
  }
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}
