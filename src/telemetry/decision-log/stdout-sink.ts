/**
 * Into the log's own lines, never beside them: two writers to one pipe mix their lines as soon as
 * these are longer than a pipe takes at once. While nobody reads, a write does not end.
 */
import type { LineFile } from '../line-file.js';
import type { DecisionSink } from './sink.js';

export class StdoutSink implements DecisionSink {
  readonly maxBatchBytes = 65_536;
  readonly gatherMs = 100;
  readonly #lines: LineFile;

  constructor(lines: LineFile) {
    this.#lines = lines;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async write(events: readonly string[]): Promise<number> {
    const isTaken = this.#lines.write(events.map((event) => `${event}\n`).join(''));
    if (!isTaken) throw new Error('the output is not read');
    await this.#lines.drained();
    return events.length;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
