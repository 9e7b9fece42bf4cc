/**
 * Lines on their way to a file descriptor. They are gathered in blocks of bytes, and blocks are
 * written one after the other without anybody waiting: a write a line would cost more than the
 * request that it tells of, and strings that are put together only to be taken apart for the write
 * cost six times as much as bytes.
 *
 * What is not written yet is bounded. When whoever reads the output stands still, lines are dropped
 * and counted, and a line tells how many as soon as there is room again. At the exit of the process
 * the rest is written; only what dies with SIGKILL loses its last tenth of a second.
 */
import { write, writeSync } from 'node:fs';

const BLOCK_BYTES = 65_536;
/** Some thirty thousand requests' lines. */
const MAX_WAITING_BYTES = 8 * 2 ** 20;
/** Lines are written this soon. */
const FLUSH_MS = 100;
/** A pipe that does not block says when it is full; it is tried again after so long. */
const RETRY_MS = 20;
const EXIT_RETRIES = 50;
/** Of UTF-8, at the most, for a unit of a string. */
const BYTES_PER_UNIT = 3;

export class LineFile {
  readonly #fd: number;
  readonly #lostLine: (count: number) => string;
  #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #used = 0;
  /** Full blocks; the first is being written. */
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #lost = 0;
  #isFlushDue = false;
  readonly #drains: Drain[] = [];

  /** `lostLine` makes the line that tells of lost ones. */
  constructor(fd: number, lostLine: (count: number) => string) {
    this.#fd = fd;
    this.#lostLine = lostLine;
    process.once('exit', () => {
      this.flushSync();
    });
  }

  /** One line or several, the last ending in a line feed. False when they are dropped. */
  write(line: string): boolean {
    if (this.#waitingBytes >= MAX_WAITING_BYTES) {
      this.#lost++;
      return false;
    }
    if (this.#lost > 0) {
      const count = this.#lost;
      this.#lost = 0;
      this.#append(this.#lostLine(count));
    }
    this.#append(line);
    return true;
  }

  /** Resolves when all that was taken is written; rejects when it was thrown away instead. */
  drained(): Promise<void> {
    this.#closeBlock(0);
    this.#writeOn();
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#drains.push({ resolve, reject });
    });
  }

  /** Writes what is there and waits for it, as far as the output takes it. */
  flushSync(): void {
    this.#closeBlock(0);
    // The first may be on its way already.
    const blocks = this.#waiting.splice(this.#isWriting ? 1 : 0);
    for (const block of blocks) {
      this.#waitingBytes -= block.length;
      if (!this.#writeWhole(block)) return;
    }
  }

  #append(line: string): void {
    const most = BYTES_PER_UNIT * line.length;
    if (most > this.#block.length - this.#used) {
      this.#closeBlock(most);
      this.#writeOn();
    }
    this.#used += this.#block.write(line, this.#used);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setTimeout(() => {
      this.#isFlushDue = false;
      this.#closeBlock(0);
      this.#writeOn();
    }, FLUSH_MS).unref();
  }

  /** The next block has room for so many bytes at least. */
  #closeBlock(bytes: number): void {
    if (this.#used > 0) {
      this.#waiting.push(this.#block.subarray(0, this.#used));
      this.#waitingBytes += this.#used;
    }
    this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes));
    this.#used = 0;
  }

  #writeOn(): void {
    const [block] = this.#waiting;
    if (block === undefined || this.#isWriting) return;
    this.#isWriting = true;
    write(this.#fd, block, (error, written) => {
      this.#isWriting = false;
      if (error === null) {
        this.#taken(block, written);
        this.#writeOn();
      } else if (error.code === 'EAGAIN') {
        setTimeout(() => {
          this.#writeOn();
        }, RETRY_MS).unref();
      } else {
        this.#giveUp(error);
      }
    });
  }

  #taken(block: Buffer, bytes: number): void {
    this.#waitingBytes -= bytes;
    if (bytes === block.length) this.#waiting.shift();
    else this.#waiting[0] = block.subarray(bytes);
    if (this.#waiting.length > 0) return;
    for (const { resolve } of this.#drains.splice(0)) resolve();
  }

  #writeWhole(block: Buffer): boolean {
    let written = 0;
    for (let tries = 0; written < block.length;) {
      try {
        written += writeSync(this.#fd, block, written);
      } catch (error) {
        const isFull = error instanceof Error && Reflect.get(error, 'code') === 'EAGAIN';
        if (!isFull || ++tries > EXIT_RETRIES) return false;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
    }
    return true;
  }

  /** Nobody reads any more, or the disk is full. */
  #giveUp(error: Error): void {
    for (const block of this.#waiting.splice(0)) this.#lost += linesIn(block);
    this.#waitingBytes = 0;
    for (const { reject } of this.#drains.splice(0)) reject(error);
  }
}

interface Drain {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function linesIn(block: Buffer): number {
  let count = 0;
  for (let at = block.indexOf('\n'); at >= 0; at = block.indexOf('\n', at + 1)) count++;
  return count;
}
