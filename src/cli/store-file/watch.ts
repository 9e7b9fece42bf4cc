/**
 * Runs again when a file changes that the last run read, or missed, and when there are others to run.
 * Folders are watched, not files: editors that write a new file and rename it would be lost sight of.
 */
import { existsSync, statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CommandError, EXIT } from '../command-error.js';
import type { Output } from '../print.js';

export interface Watched {
  /** What there is to run. */
  readonly search: () => Promise<Found>;
  /** Resolves to the files that it read, or tried to. */
  readonly run: (paths: readonly string[]) => Promise<readonly string[]>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Found {
  readonly paths: readonly string[];
  /** Where others may appear. */
  readonly folders: readonly string[];
}

interface Round {
  readonly found: Found;
  readonly files: readonly string[];
}

/** An editor writes in several steps; people do not see this. */
const SETTLE_MS = 50;

const CLEAR = '\u001b[2J\u001b[3J\u001b[H';

/** Until the process is told to stop. */
export async function watchFiles(
  output: Output,
  watched: Watched,
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'> = process.stdout,
): Promise<never> {
  const stop = new AbortController();
  const stopped = new Promise<void>((ended) => {
    stop.signal.addEventListener('abort', () => {
      ended();
    });
  });
  const end = (): void => {
    stop.abort();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  let round: Round | undefined;
  try {
    while (!stop.signal.aborted) {
      if (stream.isTTY) stream.write(CLEAR);
      const start = watched.now();
      round = await attempt(output, watched, round);
      const files = new Set(round.files.map((each) => resolve(each)));
      const changes = new Changes(files, round.found.folders);
      output.note(`watching ${files.size === 1 ? '1 file' : `${files.size} files`}`);
      if (!hasChanged(files, start, watched.now())) {
        await Promise.race([somethingNew(changes, watched, round.found), stopped]);
      }
      changes.close();
    }
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
  throw new CommandError('', EXIT.interrupted);
}

/** A mistake that somebody is about to correct does not end it. */
async function attempt(
  output: Output,
  { search, run }: Watched,
  before: Round | undefined,
): Promise<Round> {
  try {
    const found = await search();
    return { found, files: await run(found.paths) };
  } catch (error) {
    // Where nothing was ever read, there is nothing to wait for.
    if (!(error instanceof CommandError) || before === undefined) throw error;
    output.note(`pemba: ${error.message}`);
    return before;
  }
}

/** While they were read, before anything watched them. */
const hasChanged = (files: Iterable<string>, start: number, now: number): boolean =>
  [...files].some((file) => {
    const changed = statSync(file, { throwIfNoEntry: false })?.ctimeMs;
    return changed !== undefined && changed >= start && changed <= now;
  });

async function somethingNew(changes: Changes, { search }: Watched, before: Found): Promise<void> {
  while (!(await changes.next())) {
    // What is wrong with it, the next run says.
    const after = await search().catch(() => undefined);
    if (!isDeepStrictEqual(after, before)) return;
  }
}

class Changes {
  readonly #watchers: FSWatcher[] = [];
  /** Names by folder. */
  readonly #known = new Map<string, Set<string>>();
  #isOfKnown = false;
  #isSettled = false;
  #tell: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(files: Iterable<string>, folders: readonly string[]) {
    for (const file of files) this.#know(file);
    const open = new Set(folders.map((folder) => resolve(folder)));
    for (const folder of new Set([...this.#known.keys(), ...open])) {
      const names = this.#known.get(folder);
      const watcher = watch(folder, (_, name) => {
        const isKnown = name === null || names?.has(name) === true;
        if (isKnown || open.has(folder)) this.#note(isKnown);
      });
      // The folder is gone, which is a change as well.
      this.#watchers.push(
        watcher.on('error', () => {
          this.#note(true);
        }),
      );
    }
  }

  /** Once they have settled: whether a known file is among them. */
  async next(): Promise<boolean> {
    if (!this.#isSettled) await new Promise<void>((tell) => (this.#tell = tell));
    this.#isSettled = false;
    const isOfKnown = this.#isOfKnown;
    this.#isOfKnown = false;
    return isOfKnown;
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  /** A file in a folder that is not there is known by that folder's name. */
  #know(path: string): void {
    const folder = dirname(path);
    if (!existsSync(folder)) {
      this.#know(folder);
      return;
    }
    const names = this.#known.get(folder) ?? new Set();
    this.#known.set(folder, names.add(basename(path)));
  }

  #note(isKnown: boolean): void {
    this.#isOfKnown ||= isKnown;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isSettled = true;
      this.#tell();
    }, SETTLE_MS);
  }
}
