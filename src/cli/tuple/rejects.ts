import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { put } from './export.js';

const SHOWN_REJECTS = 10;

/** Lines that were not stored, into a file, or the first of them to standard error. */
export class Rejects {
  readonly #file: Writable | undefined;
  readonly #note: (text: string) => void;
  #count = 0;

  constructor(file: string | undefined, isAppended: boolean, note: (text: string) => void) {
    if (file !== undefined) this.#file = createWriteStream(file, { flags: isAppended ? 'a' : 'w' });
    this.#note = note;
  }

  async add(line: number, message: string): Promise<void> {
    this.#count++;
    if (this.#file !== undefined) {
      await put(this.#file, `${JSON.stringify({ line, message })}\n`);
    } else if (this.#count <= SHOWN_REJECTS) {
      this.#note(`line ${line}: ${message}`);
    } else if (this.#count === SHOWN_REJECTS + 1) {
      this.#note('… and more; --rejects FILE keeps them all');
    }
  }

  async end(): Promise<void> {
    const file = this.#file;
    if (file !== undefined) await new Promise<void>((resolve) => file.end(resolve));
  }
}
