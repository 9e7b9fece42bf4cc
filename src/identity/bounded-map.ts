/** A map of so many entries: of too many, the one that was added first goes. */
export class BoundedMap<Key, Value> {
  readonly #entries = new Map<Key, Value>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    const { value: first, done } = this.#entries.keys().next();
    if (done !== true) this.#entries.delete(first);
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }
}
