/** `pemba schema types`: the schema as TypeScript, for services that are checked by the compiler. */
import { dirname, relative } from 'node:path';
import type { Command } from 'commander';
import { CommandError, EXIT, usageError } from '../command-error.js';
import type { Surroundings } from '../surroundings.js';

const MORE = `
The file has types only:

  import type { Schema } from './schema.js';
  const pemba = new PembaClient<Schema>({ … });

Examples:
  pemba schema types fga.mod --out src/schema.ts
  pemba schema types fga.mod --out src/schema.ts --check  # fails if it is stale`;

interface Options {
  readonly out?: string;
  readonly check?: boolean;
}

export function typesCommand(schema: Command, around: Surroundings): void {
  schema
    .command('types')
    .description('write the schema as TypeScript types')
    .argument('<file>', '.fga, fga.mod, .json or .fga.yaml')
    .option('--out <file>', 'where to; else standard output')
    .option('--check', 'write nothing; fail if --out is not as it would be written')
    .addHelpText('after', MORE)
    .action(async (file: string, { out, check = false }: Options) => {
      if (check && out === undefined) throw usageError('--check needs --out');
      const { loadModel } = await import('./load-model.js');
      const { typesText } = await import('./types-text.js');
      const model = await loadModel(file, around.output());
      if (out === undefined) {
        around.output().write(typesText(model, file));
        return;
      }
      const source = relative(dirname(out), file).replaceAll('\\', '/');
      await bringUpToDate(out, typesText(model, source), { file, check });
      if (around.output().json) around.output().write(`${JSON.stringify({ file: out })}\n`);
    });
}

async function bringUpToDate(
  out: string,
  text: string,
  { file, check }: { readonly file: string; readonly check: boolean },
): Promise<void> {
  const { isMissing, readTextFile, reasonOf, replaceFile } = await import('./text-file.js');
  const found = await readTextFile(out).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw usageError(`${out} cannot be read: ${reasonOf(error)}`);
  });
  if (found?.replaceAll('\r\n', '\n') === text) return;
  if (check) {
    const what = found === undefined ? 'is missing' : 'is stale';
    const command = `pemba schema types ${file} --out ${out}`;
    throw new CommandError(`${out} ${what}; run: ${command}`, EXIT.failed);
  }
  await replaceFile(out, text).catch((error: unknown) => {
    throw usageError(`${out} cannot be written: ${reasonOf(error)}`);
  });
}
