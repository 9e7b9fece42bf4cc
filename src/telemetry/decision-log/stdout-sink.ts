/**
 * Into the log's own stream, never beside it: two writers to one pipe mix their lines as soon as
 * these are longer than a pipe takes at once. A write is over when no more than the log's buffer is
 * left of it, which the log writes within its 100 ms. While nobody reads, it does not end.
 */
import type { LineStream } from '../log.js';
import type { DecisionSink } from './sink.js';

export class StdoutSink implements DecisionSink {
  readonly maxBatchBytes = 65_536;
  readonly gatherMs = 100;
  readonly #stream: LineStream;
  #broken: Error | undefined;
  /** Events that the stream has got, and has not written as far as is known. */
  #handedOver = 0;

  constructor(stream: LineStream) {
    this.#stream = stream;
  }

  open(): Promise<void> {
    this.#stream.on('error', (error: NodeJS.ErrnoException) => {
      // After that the stream takes whatever it is given, and throws it away.
      if (error.code === 'EPIPE') this.#broken = error;
    });
    return Promise.resolve();
  }

  async write(events: readonly string[]): Promise<number> {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#handedOver === 0) {
      this.#stream.write(events.map((event) => `${event}\n`).join(''));
      this.#handedOver = events.length;
    }
    await this.#drained();
    const written = this.#handedOver;
    this.#handedOver = 0;
    return written;
  }

  /** Not by the callback of `flush`: that one synchronises a file, which a pipe is not. */
  #drained(): Promise<void> {
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      const drained = (): void => {
        stream.off('error', failed);
        resolve();
      };
      const failed = (error: Error): void => {
        stream.off('drain', drained);
        reject(error);
      };
      stream.once('drain', drained).once('error', failed);
      stream.flush();
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
