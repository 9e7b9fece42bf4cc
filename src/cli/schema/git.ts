/** What git knows of a schema's folder. A machine without git, or a folder without it, knows nothing. */
import { execFile } from 'node:child_process';

/** The commit, with `-dirty` where the folder differs from it. */
export async function gitRevision(folder: string): Promise<string | undefined> {
  const commit = await git(folder, ['rev-parse', '--verify', 'HEAD']);
  if (commit === undefined) return undefined;
  const changes = await git(folder, ['status', '--porcelain', '--', '.']);
  return changes === '' ? commit : `${commit}-dirty`;
}

/** `Anne <anne@example.com>`, as git would write it into a commit. */
export async function gitAuthor(folder: string): Promise<string | undefined> {
  const identity = await git(folder, ['var', 'GIT_AUTHOR_IDENT']);
  // A time and a zone follow.
  return identity?.replace(/ \d+ [+-]\d{4}$/, '');
}

/** It answers from local files. */
const TIMEOUT_MS = 5000;

function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile('git', ['-C', folder, ...args], { timeout: TIMEOUT_MS }, (error, out) => {
      resolve(error === null ? out.trim() : undefined);
    });
  });
}
