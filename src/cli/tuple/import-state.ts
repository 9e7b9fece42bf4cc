/** How far an import is, in a small file beside the one that is read. */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { usageError } from '../command-error.js';

/** `{url, store, bytes, modified, line}`: of which file and store all up to the line is stored. */
export class ImportState {
  readonly #path: string;
  readonly #url: string;
  readonly #stats: Stats;

  constructor(file: string, url: string) {
    this.#path = `${file}.import`;
    this.#url = url;
    try {
      this.#stats = statSync(file);
    } catch (error) {
      throw usageError(`${file} cannot be read: ${error instanceof Error ? error.message : ''}`);
    }
    if (!this.#stats.isFile()) throw usageError(`${file} is no file`);
  }

  get bytes(): number {
    return this.#stats.size;
  }

  /** 1 unless just this import was begun before. */
  nextLine(store: string): number {
    try {
      const saved = JSON.parse(readFileSync(this.#path, 'utf8')) as Record<string, unknown>;
      const { line, ...same } = saved;
      const isSame = JSON.stringify(same) === JSON.stringify(this.#identity(store));
      return isSame && typeof line === 'number' ? line + 1 : 1;
    } catch {
      return 1;
    }
  }

  save(store: string, line: number): void {
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify({ ...this.#identity(store), line }));
      renameSync(`${this.#path}.new`, this.#path);
    } catch {
      // Where nothing can be written, an interrupted import begins anew.
    }
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }

  #identity(store: string): object {
    return { url: this.#url, store, bytes: this.#stats.size, modified: this.#stats.mtimeMs };
  }
}
