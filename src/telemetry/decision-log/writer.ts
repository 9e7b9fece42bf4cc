/**
 * The buffer between decisions and their sink:
 *
 *   add → decisions as objects → (a moment later, some at a time) lines → sink → gone
 *
 * What a sink has not taken stays first in line and is given again, after a pause that grows. So
 * the buffer is as full as the sink is behind, and `hasRoom` is all that anyone has to know of it.
 * It is bounded twice: by events, and by the bytes of their lines, as one may carry a context of
 * any length. Objects wait too shortly for their bytes to matter.
 */
import type { LoggedDecision } from './event.js';
import { EventRefused } from './sink.js';
import type { DecisionSink } from './sink.js';

export interface WriterOptions {
  readonly sink: DecisionSink;
  readonly toLine: (decision: LoggedDecision) => string;
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Whether an event that the sink will never take is tried for ever, and not thrown away. */
  readonly keepsRefused: boolean;
  /** From 0 to 1, so that many processes do not come back at once. */
  readonly random: () => number;
  readonly onFailure: (error: unknown) => void;
  readonly onRecovery: () => void;
}

/** No request waits for its line, and a timer for each would cost more than the line. */
const LINES_AFTER_MS = 20;
/** Some half a millisecond's work, then it is the requests' turn. */
const LINES_AT_ONCE = 100;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** While the process waits to end. */
const STOPPING_PAUSE_MS = 100;

interface Line {
  readonly text: string;
  readonly bytes: number;
}

export class DecisionWriter {
  readonly #options: WriterOptions;
  #decisions: LoggedDecision[] = [];
  #lines: Line[] = [];
  #bytes = 0;
  #isMakingLines = false;
  #writing: Promise<void> | undefined;
  #pause: { readonly isForMore: boolean; readonly end: () => void } | undefined;
  #failures = 0;
  #state: 'open' | 'stopping' | 'stopped' = 'open';
  #written = 0;
  #refused = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Events not yet written. */
  get size(): number {
    return this.#decisions.length + this.#lines.length;
  }

  get written(): number {
    return this.#written;
  }

  /** Events that the sink did not want and that were thrown away. */
  get refused(): number {
    return this.#refused;
  }

  hasRoom(events: number): boolean {
    const { maxEvents, maxBytes } = this.#options;
    return this.#state === 'open' && this.size + events <= maxEvents && this.#bytes < maxBytes;
  }

  add(decision: LoggedDecision): void {
    this.#decisions.push(decision);
    if (this.#isMakingLines) return;
    this.#isMakingLines = true;
    setTimeout(() => {
      this.#makeLines();
    }, LINES_AFTER_MS);
  }

  /** Writes what there is, for so long; resolves with the number of events that are lost. */
  async stop(withinMs: number): Promise<number> {
    this.#state = 'stopping';
    while (this.#decisions.length > 0) this.#makeSomeLines();
    this.#pause?.end();
    this.#startWriting();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.#writing, tooLate]);
    clearTimeout(timer);
    this.#state = 'stopped';
    this.#pause?.end();
    await this.#options.sink.close();
    return this.size;
  }

  #makeLines(): void {
    this.#makeSomeLines();
    if (this.#decisions.length > 0)
      setImmediate(() => {
        this.#makeLines();
      });
    else this.#isMakingLines = false;
    if (this.#bytes >= this.#options.sink.maxBatchBytes && this.#pause?.isForMore === true) {
      this.#pause.end();
    }
    this.#startWriting();
  }

  #makeSomeLines(): void {
    for (const decision of this.#decisions.splice(0, LINES_AT_ONCE)) {
      const text = this.#options.toLine(decision);
      const bytes = Buffer.byteLength(text) + 1;
      this.#lines.push({ text, bytes });
      this.#bytes += bytes;
    }
  }

  #startWriting(): void {
    if (this.#lines.length === 0 || this.#state === 'stopped') return;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    const { maxBatchBytes, gatherMs } = this.#options.sink;
    while (this.#lines.length > 0 && this.#state !== 'stopped') {
      if (this.#state === 'open' && this.#bytes < maxBatchBytes) await this.#rest(gatherMs, true);
      await this.#writeSome();
    }
  }

  async #writeSome(): Promise<void> {
    try {
      const count = await this.#options.sink.write(this.#batch());
      this.#forget(count);
      this.#written += count;
      if (this.#failures > 0) this.#options.onRecovery();
      this.#failures = 0;
    } catch (error) {
      if (error instanceof EventRefused && !this.#options.keepsRefused) {
        this.#forget(1);
        this.#refused++;
      }
      this.#failures++;
      this.#options.onFailure(error);
      if (this.#state !== 'stopped') await this.#rest(this.#pauseMs(), false);
    }
  }

  #batch(): string[] {
    let count = 0;
    let bytes = 0;
    for (const line of this.#lines) {
      bytes += line.bytes;
      if (count > 0 && bytes > this.#options.sink.maxBatchBytes) break;
      count++;
    }
    return this.#lines.slice(0, count).map(({ text }) => text);
  }

  #forget(count: number): void {
    for (const { bytes } of this.#lines.splice(0, count)) this.#bytes -= bytes;
  }

  #pauseMs(): number {
    if (this.#state === 'stopping') return STOPPING_PAUSE_MS;
    const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
    return whole * (0.5 + this.#options.random() / 2);
  }

  #rest(ms: number, isForMore: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#pause?.end(), ms);
      const end = (): void => {
        clearTimeout(timer);
        this.#pause = undefined;
        resolve();
      };
      this.#pause = { isForMore, end };
    });
  }
}
