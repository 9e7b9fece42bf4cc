import type { EdgeKind, TypeSymbol } from './reader.js';

/**
 * The integers that stand for a store's type names and edge kinds. It only grows: by the names that
 * models and tuples bring, never by what a query asks for.
 */
export class KindTable {
  readonly #types = new Map<string, TypeSymbol>();
  readonly #typeNames: string[] = [];
  /** By object type, relation, subject type and form: a joined key would be made for every tuple. */
  readonly #kinds = new Map<string, Map<string, Map<string, Map<string, EdgeKind>>>>();
  #kindCount = 0;

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
    const forms = inner(inner(inner(this.#kinds, objectType), relation), subjectType);
    let kind = forms.get(subjectForm);
    if (kind === undefined) forms.set(subjectForm, (kind = this.#kindCount++));
    return kind;
  }
}

function inner<Value>(map: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = new Map<string, Value>()));
  return found;
}
