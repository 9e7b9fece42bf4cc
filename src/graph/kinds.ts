import type { EdgeKind, TypeSymbol } from './reader.js';

const SEPARATOR = '\u0000';

/**
 * The integers that stand for a store's type names and edge kinds. It only grows: by the names that
 * models and tuples bring, never by what a query asks for.
 */
export class KindTable {
  readonly #types = new Map<string, TypeSymbol>();
  readonly #typeNames: string[] = [];
  readonly #kinds = new Map<string, EdgeKind>();

  type(name: string): TypeSymbol {
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    const symbol = this.#typeNames.length;
    this.#types.set(name, symbol);
    this.#typeNames.push(name);
    return symbol;
  }

  typeName(symbol: TypeSymbol): string {
    const name = this.#typeNames[symbol];
    if (name === undefined) throw new RangeError(`no type symbol ${symbol}`);
    return name;
  }

  kind(objectType: string, relation: string, subjectType: string, subjectForm: string): EdgeKind {
    const key = [objectType, relation, subjectType, subjectForm].join(SEPARATOR);
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const kind = this.#kinds.size;
    this.#kinds.set(key, kind);
    return kind;
  }
}
