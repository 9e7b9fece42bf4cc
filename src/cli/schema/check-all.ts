/** Several schema files: each is checked once, and modules together with their manifest. */
import { basename, extname, normalize } from 'node:path';
import { checkFile, isStoreFile } from './check-file.js';
import type { Checked } from './check-file.js';

export async function checkAll(files: readonly string[]): Promise<readonly Checked[]> {
  const all: Checked[] = [];
  const seen = new Set<string>();
  const told = new Set<string>();
  for (const file of [...files].sort(byReach)) {
    if (seen.has(normalize(file))) continue;
    const checked = await checkFile(file);
    for (const each of [file, ...checked.files]) seen.add(normalize(each));
    // Several manifests and store files may be about the same file.
    const findings = checked.findings.filter((finding) => {
      const key = JSON.stringify(finding);
      return !told.has(key) && told.add(key);
    });
    all.push({ ...checked, findings });
  }
  return all;
}

/** Those first that bring others along. */
const byReach = (a: string, b: string): number => rank(a) - rank(b);

const rank = (file: string): number =>
  basename(file) === 'fga.mod' || extname(file) === '.mod' ? 0 : isStoreFile(file) ? 1 : 2;
