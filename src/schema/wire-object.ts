/**
 * A JSON object of a model with its path, read the way protobuf's JSON mapping reads: a member has
 * a snake_case and a camelCase spelling, null is the same as absent, unknown members are ignored.
 * What has the wrong shape is refused with its path. Only own members count, so that no name means
 * something inherited.
 */
import { PembaError } from '../errors.js';

export class WireObject {
  readonly path: string;
  readonly #members: object;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw refusal(path, `must be an object, not ${nameOf(value)}`);
    }
    this.path = path;
    this.#members = value;
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  /** '' when absent. */
  text(name: string): string {
    const value = this.#get(name) ?? '';
    if (typeof value !== 'string') {
      throw refusal(this.#pathOf(name), `must be a string, not ${nameOf(value)}`);
    }
    return value;
  }

  requiredText(name: string): string {
    const value = this.text(name);
    if (value === '') throw refusal(this.#pathOf(name), 'is required');
    return value;
  }

  object(name: string): WireObject | undefined {
    const value = this.#get(name);
    return value === undefined ? undefined : new WireObject(value, this.#pathOf(name));
  }

  requiredObject(name: string): WireObject {
    const object = this.object(name);
    if (object === undefined) throw refusal(this.#pathOf(name), 'is required');
    return object;
  }

  /** The objects of a list; none when absent. */
  list(name: string): readonly WireObject[] {
    const value = this.#get(name) ?? [];
    const path = this.#pathOf(name);
    if (!Array.isArray(value)) throw refusal(path, `must be a list, not ${nameOf(value)}`);
    return value.map((item, index) => new WireObject(item, `${path}[${index}]`));
  }

  /** The objects of a map by their keys, in the order of the text; none when absent. */
  map(name: string): ReadonlyMap<string, WireObject> {
    const map = this.object(name);
    const entries = map === undefined ? [] : Object.entries(map.#members);
    const path = this.#pathOf(name);
    return new Map(entries.map(([key, value]) => [key, new WireObject(value, `${path}.${key}`)]));
  }

  refusal(problem: string): PembaError {
    return refusal(this.path, problem);
  }

  #get(name: string): unknown {
    for (const spelling of [name, camelCase(name)]) {
      const value = ownMember(this.#members, spelling);
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  }

  #pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}

const ownMember = (members: object, name: string): unknown =>
  Object.hasOwn(members, name) ? (members as Record<string, unknown>)[name] : undefined;

const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A path ends up in a message: nested rewrites and a client's keys can make it long. */
const PATH_LENGTH_MAX = 300;

function refusal(path: string, problem: string): PembaError {
  const field = path.length <= PATH_LENGTH_MAX ? path : `${path.slice(0, PATH_LENGTH_MAX)}…`;
  return new PembaError('invalid_model', field === '' ? problem : `${field}: ${problem}`, {
    facts: { field },
  });
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
