/** `pemba context`: which servers have names, and which one is meant without one. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { usageError } from './command-error.js';
import type { ContextFile } from './context-file.js';
import { print, table } from './print.js';
import type { Surroundings } from './surroundings.js';

const EXAMPLE = `
In .pemba.yaml, of the working directory (or one above it) or of your home:

  current: local
  contexts:
    local:
      url: http://127.0.0.1:8080
      store: 01JB…
    production:
      url: https://pemba.example.com
      api_key_env: PEMBA_PRODUCTION_KEY    # or api_key_file: /run/secrets/pemba`;

export function contextCommand(program: Command, around: Surroundings): void {
  const context = program
    .command('context')
    .description('servers by name, from .pemba.yaml')
    .addHelpText('after', EXAMPLE);
  context
    .command('list')
    .description('all of them; the current one is marked')
    .action(() => {
      const { here, own } = around.contextFiles();
      const current = around.target().context;
      const seen = new Set<string>();
      const found = [here, own].flatMap((file) =>
        rowsOf(file).filter(({ name }) => !seen.has(name) && seen.add(name)),
      );
      print(
        around.output(),
        found.map((row) => ({ ...row, current: row.name === current })),
        table(
          ['', 'NAME', 'URL', 'STORE', 'FILE'],
          found.map(({ name, url, store, file }) => [
            name === current ? '*' : ' ',
            name,
            url ?? '-',
            store ?? '-',
            file,
          ]),
        ),
      );
    });
  context
    .command('use')
    .description('make it the current one, in the file that has it')
    .argument('<name>')
    .action(async (name: string) => {
      const { here, own } = around.contextFiles();
      const file = [here, own].find((each) => each?.contexts.has(name) === true);
      if (file === undefined) throw usageError(`there is no context '${name}'`);
      const { withCurrent } = await import('./context-file.js');
      writeFileSync(file.path, withCurrent(file.path, name));
      print(around.output(), { current: name, file: file.path }, `${name} is the current context.`);
    });
}

interface Row {
  readonly name: string;
  readonly url: string | undefined;
  readonly store: string | undefined;
  readonly file: string;
}

const rowsOf = (file: ContextFile | undefined): readonly Row[] =>
  [...(file?.contexts ?? [])].map(([name, { url, store }]) => ({
    name,
    url,
    store,
    file: file?.path ?? '',
  }));
