/** Choices that one seed decides: the same seed makes the same world on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Evenly in [0, 1). A counter scrambled by two multiplications (mulberry32): tiny, and ample
   * for choosing test data, as neighbouring seeds give unlike sequences. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[this.between(0, items.length - 1)] as Item;
  }

  /** `count` of the items (or all there are), in random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    const rest = [...items];
    const taken: Item[] = [];
    while (taken.length < count && rest.length > 0) {
      const index = this.between(0, rest.length - 1);
      taken.push(rest[index] as Item);
      // The last one moves into the gap: no matter which, the order is random anyway.
      const last = rest.pop() as Item;
      if (index < rest.length) rest[index] = last;
    }
    return taken;
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    return this.sample(items, items.length);
  }
}
