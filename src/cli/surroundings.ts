/** What a command finds around it: the server and the store that are meant, the terminal, the time. */
import type { Command } from 'commander';
import type { Api } from './api.js';
import type { Output } from './print.js';
import type { Files, Target } from './target.js';

export interface Surroundings {
  /** What flags, environment and contexts name. */
  readonly target: (options?: StoreOption) => Target;
  readonly contextFiles: () => Files;
  /** The server that is meant, with its key. */
  readonly api: () => Api;
  /** The store's id, percent-encoded for a path; a usage error where none is named. */
  readonly store: (options: StoreOption) => string;
  readonly output: () => Output;
  readonly now: () => number;
  /** The text of a file; rejects as `node:fs` does. */
  readonly readFile: (path: string) => Promise<string>;
  /** Standard input, to its end. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** A key made at the database itself; returns its text. */
  readonly recover: (label: string) => Promise<string>;
  /** Migrates the database itself; returns what was done, or would be. */
  readonly migrate: (isDry: boolean) => Promise<readonly string[]>;
  /** Removes the signing keys at the database itself; returns their ids. */
  readonly resetSigningKeys: () => Promise<readonly string[]>;
}

export interface StoreOption {
  readonly store?: string | undefined;
}

/** For commands that are about one store. */
export function withStore(command: Command): Command {
  return command.option('--store <id>', 'the store (else PEMBA_STORE, or that of the context)');
}
