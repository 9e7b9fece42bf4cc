/**
 * Answers are read member by member: what is not there, or of another type, is `invalid_response`.
 * So no answer of somebody else is ever taken for an allow.
 */
import { invalidResponse, requestIdOf } from './client-error.js';

type Members = Readonly<Record<string, unknown>>;

export class Answer {
  readonly headers: Headers;
  readonly #members: Members;

  constructor(value: unknown, headers: Headers) {
    if (typeof value !== 'object' || value === null) throw broken('it is no object', headers);
    this.#members = value as Members;
    this.headers = headers;
  }

  static async of(response: Response): Promise<Answer> {
    const text = await response.text();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw broken('it is not JSON', response.headers);
    }
    return new Answer(value, response.headers);
  }

  /** At which revision it was given. */
  get consistencyToken(): string | undefined {
    return this.headers.get('pemba-consistency-token') ?? undefined;
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined;
  }

  boolean(name: string): boolean {
    const value = this.#members[name];
    if (typeof value !== 'boolean') throw this.#wrong(name);
    return value;
  }

  string(name: string): string {
    const value = this.#members[name];
    if (typeof value !== 'string') throw this.#wrong(name);
    return value;
  }

  /** '' counts as none. */
  optionalString(name: string): string | undefined {
    const value = this.#members[name] ?? '';
    if (typeof value !== 'string') throw this.#wrong(name);
    return value === '' ? undefined : value;
  }

  number(name: string): number {
    const value = this.#members[name];
    if (typeof value !== 'number') throw this.#wrong(name);
    return value;
  }

  strings(name: string): readonly string[] {
    const values = this.#array(name);
    if (!values.every((value): value is string => typeof value === 'string')) {
      throw this.#wrong(name);
    }
    return values;
  }

  member(name: string): Answer {
    const value = this.#members[name];
    if (typeof value !== 'object' || value === null) throw this.#wrong(name);
    return new Answer(value, this.headers);
  }

  members(name: string): readonly Answer[] {
    return this.#array(name).map((value) => new Answer(value, this.headers));
  }

  /** As it is; what is in it is the server's word. */
  value(name: string): unknown {
    return this.#members[name];
  }

  #array(name: string): readonly unknown[] {
    const value = this.#members[name];
    if (!Array.isArray(value)) throw this.#wrong(name);
    return value;
  }

  #wrong(name: string): Error {
    return broken(`'${name}' is missing or of a wrong type`, this.headers);
  }
}

const broken = (problem: string, headers: Headers): Error =>
  invalidResponse(problem, { requestId: requestIdOf(headers) });
