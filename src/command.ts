#!/usr/bin/env node
/** The `pemba` command: what its parts in `cli/` do, with the real surroundings. */
import { Command } from 'commander';
import { Api, CommandError, EXIT } from './cli/api.js';
import { auditCommand } from './cli/audit.js';
import { keysCommand } from './cli/keys.js';
import type { Surroundings } from './cli/keys.js';
import { signingKeysCommand } from './cli/signing-keys.js';
import { PembaError } from './errors.js';

const DEFAULT_URL = 'http://127.0.0.1:8080';

const program = new Command('pemba')
  .description('Ask and administer a Pemba server.')
  .option('--url <url>', 'the server', process.env['PEMBA_URL'] ?? DEFAULT_URL)
  .option('--json', 'print JSON')
  .addHelpText(
    'after',
    '\nThe key that the server wants comes from PEMBA_API_KEY, its address from PEMBA_URL.\n' +
      'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the server is away, 4 it refused.',
  )
  .exitOverride();

interface GlobalOptions {
  readonly url: string;
  readonly json?: boolean;
}

const around: Surroundings = {
  api: () => {
    const { url } = program.opts<GlobalOptions>();
    if (!URL.canParse(url)) throw new CommandError(`--url ${url} is not a URL`, EXIT.usage);
    const key = process.env['PEMBA_API_KEY'];
    return new Api({ url: url.replace(/\/$/, ''), key: key === '' ? undefined : key, fetch });
  },
  output: () => ({
    json: program.opts<GlobalOptions>().json ?? false,
    write: (text) => process.stdout.write(text),
    note: (text) => process.stderr.write(`${text}\n`),
  }),
  now: () => Date.now(),
  // Only these need the whole service, which takes its time to load.
  recover: async (label) => (await import('./recover.js')).recoverKey(process.env, label),
  resetSigningKeys: async () => (await import('./recover.js')).resetSigningKeys(process.env),
};

keysCommand(program, around);
signingKeysCommand(program, around);
auditCommand(program, around);
// Commander exits by itself where it finds a mistake in the arguments; its own codes are not ours.
for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) {
  command.exitOverride();
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) {
    process.stderr.write(`pemba: ${error.message}\n`);
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
