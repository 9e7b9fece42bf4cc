/**
 * Runs again when any of the files changes that the last run read. Their folders are watched, not the
 * files: editors that write a new file and rename it would be lost sight of.
 */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { CommandError } from '../command-error.js';
import type { Output } from '../print.js';

/** An editor writes in several steps; people do not see this. */
const SETTLE_MS = 50;

const CLEAR = '\u001b[2J\u001b[3J\u001b[H';

/** `run` resolves to the files that it read. Resolves when the process is told to stop. */
export async function watchFiles(
  output: Output,
  run: () => Promise<readonly string[]>,
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'> = process.stdout,
): Promise<void> {
  const stop = new AbortController();
  const stopped = new Promise<'stopped'>((ended) => {
    stop.signal.addEventListener('abort', () => {
      ended('stopped');
    });
  });
  const end = (): void => {
    stop.abort();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  let files: readonly string[] = [];
  try {
    while (!stop.signal.aborted) {
      if (stream.isTTY) stream.write(CLEAR);
      files = await attempt(output, run, files);
      output.note(`watching ${files.length === 1 ? '1 file' : `${files.length} files`}`);
      const changes = new Changes(files);
      await Promise.race([changes.next(), stopped]);
      changes.close();
    }
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

/** A mistake that somebody is about to correct does not end it. */
async function attempt(
  output: Output,
  run: () => Promise<readonly string[]>,
  before: readonly string[],
): Promise<readonly string[]> {
  try {
    return await run();
  } catch (error) {
    // Where nothing was ever read, there is nothing to wait for.
    if (!(error instanceof CommandError) || before.length === 0) throw error;
    output.note(`pemba: ${error.message}`);
    return before;
  }
}

class Changes {
  readonly #watchers: readonly FSWatcher[];
  #tell: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(files: readonly string[]) {
    const names = new Map<string, Set<string>>();
    for (const file of files.map((each) => resolve(each))) {
      const folder = names.get(dirname(file)) ?? new Set();
      names.set(dirname(file), folder.add(basename(file)));
    }
    this.#watchers = [...names].map(([folder, known]) =>
      watch(folder, (_, name) => {
        if (name === null || known.has(name)) this.#note();
      }).on('error', () => {
        // The folder is gone, which is a change as well.
        this.#note();
      }),
    );
  }

  /** Once they have settled. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #note(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#tell();
    }, SETTLE_MS);
  }
}
