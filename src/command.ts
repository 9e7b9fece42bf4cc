#!/usr/bin/env node
/** The `pemba` command: what its parts in `cli/` do, with the real surroundings. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { Api } from './cli/api.js';
import { auditCommand } from './cli/audit.js';
import { backupCommands } from './cli/backup.js';
import { CommandError, EXIT, usageError } from './cli/command-error.js';
import { completionCommand } from './cli/completion.js';
import type { ContextFile } from './cli/context-file.js';
import { contextCommand } from './cli/context.js';
import { convertCommand } from './cli/convert.js';
import { keysCommand } from './cli/keys.js';
import { migrateCommand } from './cli/migrate.js';
import { painter } from './cli/print.js';
import { progressBar } from './cli/progress.js';
import { queryCommands } from './cli/query.js';
import { schemaCommand } from './cli/schema.js';
import { signingKeysCommand } from './cli/signing-keys.js';
import { storeCommand } from './cli/store.js';
import type { Surroundings } from './cli/surroundings.js';
import { targetOf } from './cli/target.js';
import type { Files, TargetOptions } from './cli/target.js';
import { tupleCommand } from './cli/tuple.js';
import { PembaError } from './errors.js';

const { version } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'),
) as { readonly version: string };

const program = new Command('pemba')
  .description('Ask and administer a Pemba server; check, test and compare schemas.')
  .version(version)
  .option('--url <url>', 'the server (else PEMBA_URL, or that of the context)')
  .option('--context <name>', 'a server of .pemba.yaml (else PEMBA_CONTEXT)')
  .option('--config <file>', 'in place of the .pemba.yaml here and at home')
  .option('--json', 'print JSON')
  .option('--no-color', 'print no colours (as NO_COLOR does)')
  .showSuggestionAfterError()
  .configureHelp({ subcommandTerm: termOf })
  .addHelpText(
    'after',
    '\nThe key that a server wants comes from PEMBA_API_KEY, or from where the context\n' +
      'says; `pemba help context` has an example.\n' +
      'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the server is away, 4 it refused.',
  );

/** Short, so that the description beside it has its room: arguments are shown a level below. */
function termOf(command: Command): string {
  if (command.parent?.parent === null) return command.name();
  const words = command.registeredArguments.map((argument) => {
    const word = argument.name() + (argument.variadic ? '...' : '');
    return argument.required ? `<${word}>` : `[${word}]`;
  });
  return [command.name(), ...words].join(' ');
}

interface GlobalOptions extends TargetOptions {
  readonly json?: boolean;
  readonly color: boolean;
  readonly config?: string;
}

const FILE_NAME = '.pemba.yaml';
let files: Files = { here: undefined, own: undefined };

/** Only who has such a file pays for reading it. */
program.hook('preAction', async () => {
  const { config = process.env['PEMBA_CONFIG'] } = program.opts<GlobalOptions>();
  const home = join(homedir(), FILE_NAME);
  const own = config ?? (existsSync(home) ? home : undefined);
  const here = config === undefined ? nearestFile(process.cwd(), home) : undefined;
  if (own === undefined && here === undefined) return;
  const { readContextFile } = await import('./cli/context-file.js');
  const read = (path: string | undefined): ContextFile | undefined =>
    path === undefined ? undefined : readContextFile(resolve(path));
  files = { here: read(here), own: read(own) };
});

function nearestFile(directory: string, home: string): string | undefined {
  const path = join(directory, FILE_NAME);
  if (path !== home && existsSync(path)) return path;
  const above = dirname(directory);
  return above === directory ? undefined : nearestFile(above, home);
}

const isColoured = (): boolean =>
  process.stdout.isTTY && program.opts<GlobalOptions>().color && !process.env['NO_COLOR'];

const target: Surroundings['target'] = (options = {}) =>
  targetOf({ ...program.opts<GlobalOptions>(), ...options }, process.env, files);

const around: Surroundings = {
  target,
  contextFiles: () => files,
  api: () => {
    const { url, key } = target();
    return new Api({ url, key: key(), fetch });
  },
  store: (options) => {
    const { store } = target(options);
    if (store !== undefined) return encodeURIComponent(store);
    throw usageError('which store? Give --store, or set PEMBA_STORE');
  },
  output: () => {
    const json = program.opts<GlobalOptions>().json ?? false;
    return {
      json,
      write: (text) => process.stdout.write(text),
      note: (text) => process.stderr.write(`${text}\n`),
      paint: painter(isColoured() && !json),
      progress: (title, total) => progressBar(process.stderr, title, total),
    };
  },
  now: () => Date.now(),
  readFile: (path) => readFile(path, 'utf8'),
  stdin: () => process.stdin,
  // Only these need the whole service, which takes its time to load.
  recover: async (label) => (await import('./recover.js')).recoverKey(process.env, label),
  migrate: async (check) => (await import('./recover.js')).migrateDatabase(process.env, check),
  resetSigningKeys: async () => (await import('./recover.js')).resetSigningKeys(process.env),
};

schemaCommand(program, around);
queryCommands(program, around);
storeCommand(program, around);
tupleCommand(program, around);
backupCommands(program, around);
convertCommand(program, around);
keysCommand(program, around);
signingKeysCommand(program, around);
auditCommand(program, around);
migrateCommand(program, around);
contextCommand(program, around);
completionCommand(program, around);
exitByOurCodes(program);

/** Commander exits by itself where it finds a mistake in the arguments; its own codes are not ours. */
function exitByOurCodes(command: Command): void {
  command.exitOverride();
  for (const each of command.commands) exitByOurCodes(each);
}

// Whoever reads the output may have read enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) {
    if (error.message !== '') process.stderr.write(`pemba: ${error.message}\n`);
    return error.exitCode;
  }
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (typeof code === 'string' && code.startsWith('commander.')) {
    return /help|version/i.test(code) ? 0 : EXIT.usage;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`pemba: ${message}\n`);
  return error instanceof PembaError && error.code === 'unavailable'
    ? EXIT.unreachable
    : EXIT.failed;
}
