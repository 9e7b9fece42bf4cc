/**
 * One array of words out of which lists are cut, in size classes 2, 3, 4, 6, 8, 12, 16 … A list that
 * is given back is the first to be given out again in its class.
 *
 * A freed list's first word is the next free one of its class; 0 is no list.
 */
import { grown } from './grow.js';

const INITIAL_WORDS = 1024;
/** The last classes hold two thousand million words: more than an array can. */
const CLASSES = 60;

export class ListPool {
  words = new Int32Array(INITIAL_WORDS);
  readonly #free = new Int32Array(CLASSES);
  #end = 1;
  #freeWords = 0;

  get usedWords(): number {
    return this.#end - this.#freeWords;
  }

  /** Words in lists that were given back and not taken again. */
  get freeWords(): number {
    return this.#freeWords;
  }

  allocate(sizeClass: number): number {
    const reused = this.#free[sizeClass] ?? 0;
    const size = sizeOf(sizeClass);
    if (reused !== 0) {
      this.#free[sizeClass] = this.words[reused] ?? 0;
      this.#freeWords -= size;
      return reused;
    }
    const list = this.#end;
    this.#end += size;
    if (this.#end > this.words.length) this.words = grown(this.words, this.#end);
    return list;
  }

  release(list: number, sizeClass: number): void {
    this.words[list] = this.#free[sizeClass] ?? 0;
    this.#free[sizeClass] = list;
    this.#freeWords += sizeOf(sizeClass);
  }
}

/** Even classes hold 2, 4, 8 … words, odd ones 3, 6, 12 … */
export const sizeOf = (sizeClass: number): number => (2 + (sizeClass & 1)) << (sizeClass >> 1);

/** The smallest class that holds so many words, which are at least 2. */
export function classFor(words: number): number {
  const power = 32 - Math.clz32(words - 1);
  return power >= 2 && words <= 3 << (power - 2) ? 2 * power - 3 : 2 * (power - 1);
}
