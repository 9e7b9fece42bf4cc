/**
 * Lines appended to a file that is this process's alone, and the files that were full before:
 *
 *   decisions.log  →  decisions.log.1  →  decisions.log.2  →  …  →  gone
 *
 * Written means: handed to the operating system. What a killed process wrote stays; a machine that
 * loses its power may lose some seconds. A batch that fails in the middle is cut off again, and so
 * is the torn line that a killed process left, so there are whole lines only. A rotation that was
 * interrupted leaves a number without a file, and the next one moves files no further than there.
 */
import { open, rename, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isNativeError } from 'node:util/types';
import { PembaError } from '../../errors.js';
import type { DecisionSink } from './sink.js';

export interface FileSinkOptions {
  readonly path: string;
  /** After which the next file is begun. */
  readonly maxBytes: number;
  /** With the one that is written. */
  readonly maxFiles: number;
}

/** For the service and whoever ships the logs: they tell who may do what. */
const MODE = 0o640;
const READ_BYTES = 65_536;
const NEWLINE = 0x0a;

interface OpenFile {
  readonly handle: FileHandle;
  readonly inode: number;
  /** A device or a pipe is neither cut nor renamed. */
  readonly isRegular: boolean;
  size: number;
}

export class FileSink implements DecisionSink {
  readonly maxBatchBytes = 1_048_576;
  readonly gatherMs = 100;
  readonly #options: FileSinkOptions;
  #file: OpenFile | undefined;

  constructor(options: FileSinkOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { path } = this.#options;
    try {
      this.#file = await openWhole(path);
    } catch (error) {
      const reason = isNativeError(error) ? error.message : String(error);
      throw new PembaError('cannot_start', `PEMBA_DECISION_LOG: ${path}: ${reason}`, {
        cause: error,
      });
    }
  }

  async write(events: readonly string[]): Promise<number> {
    const data = Buffer.from(events.map((event) => `${event}\n`).join(''));
    const file = await this.#fileFor(data.length);
    try {
      for (let at = 0; at < data.length;) {
        at += (await file.handle.write(data, at)).bytesWritten;
      }
    } catch (error) {
      await this.#cutBack(file);
      throw error;
    }
    file.size += data.length;
    return events.length;
  }

  async close(): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  /** Opened anew where somebody else has moved or deleted it. */
  async #fileFor(bytes: number): Promise<OpenFile> {
    const { path, maxBytes } = this.#options;
    if (this.#file !== undefined && (await inodeOf(path)) !== this.#file.inode) await this.close();
    this.#file ??= await openWhole(path);
    const { isRegular, size } = this.#file;
    if (!isRegular || size === 0 || size + bytes <= maxBytes) return this.#file;
    await this.close();
    await this.#rotate();
    return (this.#file = await openWhole(path));
  }

  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#options;
    const nameOf = (number: number): string => (number === 0 ? path : `${path}.${number}`);
    let free = 1;
    while (free < maxFiles - 1 && (await inodeOf(nameOf(free))) !== undefined) free++;
    for (let number = free; number > 0; number--) await rename(nameOf(number - 1), nameOf(number));
  }

  /** Where that fails as well, opening the file anew cuts the torn line, and whole ones come twice. */
  async #cutBack({ handle, isRegular, size }: OpenFile): Promise<void> {
    if (!isRegular) return;
    await handle.truncate(size).catch(() => this.close());
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (isNativeError(error) && Reflect.get(error, 'code') === 'ENOENT') return undefined;
    throw error;
  }
}

/** For appending, ended by a whole line. */
async function openWhole(path: string): Promise<OpenFile> {
  const handle = await open(path, 'a+', MODE);
  try {
    const status = await handle.stat();
    const isRegular = status.isFile();
    const size = isRegular ? await endOfLines(handle, status.size) : 0;
    if (isRegular && size < status.size) await handle.truncate(size);
    return { handle, inode: status.ino, isRegular, size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function endOfLines(handle: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(READ_BYTES);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - READ_BYTES);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
    const newline = block.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}
