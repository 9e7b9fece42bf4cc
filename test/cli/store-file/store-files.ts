/** Store files in memory. */
import { runStoreFile } from '../../../src/cli/store-file/run.js';
import type { FileResult, RunOptions } from '../../../src/cli/store-file/run.js';

export const MODEL = `model: |
  model
    schema 1.1
  type user
  type team
    relations
      define member: [user, team#member]
  type doc
    relations
      define parent: [folder]
      define blocked: [user]
      define owner: [user, user with late]
      define viewer: [user, user:*, team#member] or owner or viewer from parent
      define editor: (owner and viewer) but not blocked
  type folder
    relations
      define viewer: [user]
  condition late(hour: int) {
    hour > 18
  }
`;

export const NOW = Date.parse('2026-06-01T12:00:00Z');

export const reading = (
  files: Readonly<Record<string, string>>,
): Pick<RunOptions, 'readFile' | 'clock' | 'now'> => ({
  readFile: (path) => {
    const text = files[path];
    return text === undefined
      ? Promise.reject(new Error(`ENOENT: no such file, open '${path}'`))
      : Promise.resolve(text);
  },
  clock: () => 0,
  now: NOW,
});

export const run = (
  text: string,
  options: Partial<RunOptions> = {},
  files: Readonly<Record<string, string>> = {},
): Promise<FileResult> =>
  runStoreFile('a.fga.yaml', { ...reading({ 'a.fga.yaml': text, ...files }), ...options });
