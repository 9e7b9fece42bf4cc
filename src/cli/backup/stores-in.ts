/** A backup of several stores, cut into the parts that each store is. */
import { createHash } from 'node:crypto';
import { CommandError, EXIT } from '../command-error.js';
import { SEAL_START, sealOf } from '../sealed-lines.js';
import type { Seal } from '../sealed-lines.js';

export interface StoreSummary {
  readonly id: string;
  readonly name: string;
  readonly seal: Seal;
}

/** Has to be read to its end, by one way or the other, before the next. */
export interface StorePart {
  readonly id: string;
  /** As they are, the seal among them. */
  bytes(): AsyncIterable<Uint8Array>;
  /** Verifies it on the way. */
  skip(): Promise<StoreSummary>;
}

const LINE_FEED = 10;
const SEAL_MARK = Buffer.from(`\n${SEAL_START}`);

export async function* storesIn(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<StorePart, void, undefined> {
  const lines = new WholeLines(bytes);
  for (;;) {
    const first = await lines.peekLine();
    if (first === undefined) return;
    const { id, name } = headOf(first);
    yield {
      id,
      bytes: () => partBytes(lines),
      skip: async () => ({ id, name, seal: await verify(lines) }),
    };
  }
}

function headOf(line: string): { readonly id: string; readonly name: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw noBackup();
  }
  const { store } = (value ?? {}) as { readonly store?: Readonly<Record<string, unknown>> };
  const { id, name } = store ?? {};
  if (typeof id !== 'string' || typeof name !== 'string') throw noBackup();
  return { id, name };
}

const noBackup = (): CommandError =>
  new CommandError('this is no backup: no store begins where one should', EXIT.failed);

async function* partBytes(lines: WholeLines): AsyncGenerator<Buffer, void, undefined> {
  for (;;) {
    const { block, isLast } = await lines.takeOfPart();
    yield block;
    if (isLast) return;
  }
}

async function verify(lines: WholeLines): Promise<Seal> {
  const hash = createHash('sha256');
  for (;;) {
    const { block, isLast } = await lines.takeOfPart();
    if (!isLast) {
      hash.update(block);
      continue;
    }
    const start = block.lastIndexOf(LINE_FEED, block.length - 2) + 1;
    const seal = sealOf(block.subarray(start).toString());
    if (seal.sha256 === hash.update(block.subarray(0, start)).digest('hex')) return seal;
    throw new CommandError('the backup is damaged: a checksum does not fit', EXIT.failed);
  }
}

/** Bytes in blocks of whole lines. */
class WholeLines {
  readonly #bytes: AsyncIterator<Uint8Array>;
  #block = Buffer.alloc(0);
  #rest = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes[Symbol.asyncIterator]();
  }

  /** The next line; undefined at the end. */
  async peekLine(): Promise<string | undefined> {
    if (!(await this.#fill())) return undefined;
    return this.#block.subarray(0, this.#block.indexOf(LINE_FEED) + 1).toString();
  }

  /** What is there of a part; the last block of it ends with its seal. */
  async takeOfPart(): Promise<{ readonly block: Buffer; readonly isLast: boolean }> {
    if (!(await this.#fill())) throw sealMissing();
    const known = this.#block;
    const start = known.subarray(0, SEAL_START.length).toString() === SEAL_START ? 0 : undefined;
    const mark = start ?? known.indexOf(SEAL_MARK) + 1;
    if (start === undefined && mark === 0) {
      this.#block = Buffer.alloc(0);
      return { block: known, isLast: false };
    }
    const end = known.indexOf(LINE_FEED, mark) + 1;
    this.#block = known.subarray(end);
    return { block: known.subarray(0, end), isLast: true };
  }

  async #fill(): Promise<boolean> {
    while (this.#block.length === 0) {
      const next = await this.#bytes.next();
      if (next.done === true) {
        if (this.#rest.length > 0) throw sealMissing();
        return false;
      }
      const known = Buffer.concat([this.#rest, next.value]);
      const end = known.lastIndexOf(LINE_FEED) + 1;
      this.#block = known.subarray(0, end);
      this.#rest = known.subarray(end);
    }
    return true;
  }
}

const sealMissing = (): CommandError =>
  new CommandError('the backup is not whole: it has no end', EXIT.failed);
