import { grown } from '../graph/grow.js';

/** A list of integers that keeps its room when it is emptied; an array gives it back, to be made anew. */
export class IntList {
  words = new Int32Array(64);
  length = 0;

  push(word: number): void {
    if (this.length === this.words.length) this.words = grown(this.words, this.length + 1);
    this.words[this.length++] = word;
  }

  at(place: number): number {
    return this.words[place] ?? 0;
  }

  /** Valid until the list changes. */
  view(): Int32Array {
    return this.words.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
