/** The store files that patterns name, and where there may be more of them. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { usageError } from '../command-error.js';

/** Each once, in the order of the patterns. A pattern that finds nothing is a mistake. */
export async function findStoreFiles(patterns: readonly string[]): Promise<readonly string[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    const found = existsSync(pattern)
      ? [pattern]
      : await glob(pattern, { expandDirectories: false, dot: true });
    if (found.length === 0) throw usageError(`there is no file ${pattern}`);
    for (const path of [...found].sort()) paths.add(path);
  }
  return [...paths];
}

/** Those in which a new file or folder may make a pattern find more. */
export async function foldersOf(patterns: readonly string[]): Promise<readonly string[]> {
  const folders = patterns.filter((pattern) => !existsSync(pattern)).flatMap(foldersAbove);
  return glob(folders, {
    onlyDirectories: true,
    expandDirectories: false,
    dot: true,
    ignore: ['**/node_modules', '**/.git'],
  });
}

/** Up to the first that is no pattern: of `{a,b}/x.yaml` those are `{a,b}` and `.`. */
function foldersAbove(pattern: string): readonly string[] {
  const above = dirname(pattern);
  return isDynamicPattern(above) ? [above, ...foldersAbove(above)] : [above];
}
