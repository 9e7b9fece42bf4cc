/**
 * Reads what people write beside a model, as JSON or YAML gives it. A member that means nothing is
 * refused rather than ignored, so that a slip of the pen is noticed, and every problem names its
 * field. Null is as good as absent: YAML makes it of a member that is left empty.
 */
import { PembaError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { quote } from './problem.js';

export class AttachmentReader {
  readonly #code: ErrorCode;

  /** Everything wrong is told with this code. */
  constructor(code: ErrorCode) {
    this.#code = code;
  }

  problem(field: string, problem: string): PembaError {
    return new PembaError(this.#code, `${field}: ${problem}`, { facts: { field } });
  }

  /** Those of an object that has no others. */
  members<Name extends string>(
    value: unknown,
    field: string,
    names: readonly Name[],
  ): Partial<Record<Name, unknown>> {
    const object = this.#object(value, field, 'an object');
    const known: readonly string[] = names;
    const unknown = Object.keys(object).find((name) => !known.includes(name));
    if (unknown !== undefined) {
      throw this.problem(field, `has no member ${quote(unknown)}: ${names.join(', ')}`);
    }
    return object;
  }

  /** An object whose members have names of the writer's choice. */
  record<Item>(
    value: unknown,
    field: string,
    max: number,
    read: (name: string, item: unknown) => Item,
    what = 'an object',
  ): Readonly<Record<string, Item>> {
    const entries = Object.entries(this.#object(value, field, what));
    this.#assertFew(entries, field, max);
    return Object.fromEntries(entries.map(([name, item]) => [name, read(name, item)]));
  }

  list<Item>(
    value: unknown,
    field: string,
    max: number,
    read: (item: unknown, field: string) => Item,
  ): readonly Item[] {
    if (!Array.isArray(value)) throw this.problem(field, 'must be a list');
    this.#assertFew(value, field, max);
    return value.map((item, i) => read(item, `${field}[${i}]`));
  }

  text(value: unknown, field: string, lengthMax: number): string {
    if (typeof value !== 'string') {
      throw this.problem(field, isGiven(value) ? 'must be a string' : 'value is required');
    }
    if (value === '') throw this.problem(field, 'must not be empty');
    if (value.length > lengthMax) {
      throw this.problem(field, `can have ${lengthMax} characters at most`);
    }
    const problem = printableProblem(value);
    if (problem !== undefined) throw this.problem(field, problem);
    return value;
  }

  #object(value: unknown, field: string, what: string): object {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    throw this.problem(field, `must be ${what}`);
  }

  #assertFew(entries: readonly unknown[], field: string, max: number): void {
    if (entries.length <= max) return;
    throw this.problem(field, `can have ${max} entries at most, not ${entries.length}`);
  }
}

export const isGiven = (value: unknown): boolean => value !== null && value !== undefined;

const UNPRINTABLE = /[\p{Cc}]|[\ud800-\udfff]/u;

export const printableProblem = (value: string): string | undefined =>
  UNPRINTABLE.test(value) ? 'holds control characters or half of a surrogate pair' : undefined;
