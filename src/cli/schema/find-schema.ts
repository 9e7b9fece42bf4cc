/** The schema that a file or a folder means, and the store files that lie beside it. */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { glob } from 'tinyglobby';
import { usageError } from '../command-error.js';

const MANIFEST = 'fga.mod';

/** Of a folder: its `fga.mod`, or else its only `.fga` file. */
export async function schemaPath(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return path;
  const names = await readdir(path);
  if (names.includes(MANIFEST)) return join(path, MANIFEST);
  const [schema, second] = names.filter((name) => name.endsWith('.fga')).sort();
  if (schema !== undefined && second === undefined) return join(path, schema);
  const which = schema === undefined ? 'no schema' : `more than one (${schema}, ${second ?? ''})`;
  throw usageError(`${path} has no ${MANIFEST}, and ${which}: name the file`);
}

/** In the same folder, unless a pattern says where. */
export async function storeFiles(schema: string, pattern: string | undefined): Promise<string[]> {
  const options = { expandDirectories: false, dot: true } as const;
  if (pattern === undefined) {
    const cwd = dirname(schema);
    const names = await glob('*.fga.{yaml,yml}', { ...options, cwd });
    return names.map((name) => join(cwd, name)).sort();
  }
  const found = await glob(pattern, options);
  if (found.length === 0) throw usageError(`there is no file ${pattern}`);
  return found.sort();
}
