/** Runs of requests against a server, with how busy the server and the generator were. */
import type { Load, LoadResult } from './load-program.js';
import { median } from './measure.js';
import type { Run } from './measure.js';
import { processorMs } from './processor-time.js';
import type { Program } from './program.js';
import { column } from './report.js';
import type { Row } from './report.js';
import type { ServerStart } from './servers.js';

export class HttpLoad {
  readonly #generator: Program;
  readonly #server: ServerStart;
  readonly #load: Omit<Load, 'url'>;
  readonly #serverBusy: number[] = [];
  readonly #generatorBusy: number[] = [];

  constructor(generator: Program, server: ServerStart, load: Omit<Load, 'url'>) {
    this.#generator = generator;
    this.#server = server;
    this.#load = load;
  }

  /** `perRequest` operations are in each. */
  run(perRequest = 1): Run {
    return async () => {
      const { url, pid } = this.#server;
      const before = processorMs(pid);
      const result = await this.#generator.call<LoadResult>('run', { ...this.#load, url });
      const after = processorMs(pid);
      this.#generatorBusy.push(result.processorMs / result.elapsedMs);
      if (before !== undefined && after !== undefined) {
        this.#serverBusy.push((after - before) / result.elapsedMs);
      }
      const { timing } = result;
      return { ...timing, perOperation: timing.perOperation / perRequest };
    };
  }

  /** In percent of one processor. */
  busy(): Row {
    return {
      serverBusy: this.#serverBusy.length === 0 ? null : 100 * median(this.#serverBusy),
      generatorBusy: 100 * median(this.#generatorBusy),
    };
  }
}

export const BUSY_COLUMNS = [
  column('serverBusy', 'server', 'percent'),
  column('generatorBusy', 'generator', 'percent'),
];
