/** `pemba migrate`: the database's tables, for who lets no server change them. */
import type { Command } from 'commander';
import { CommandError, EXIT } from './command-error.js';
import { print } from './print.js';
import type { Surroundings } from './surroundings.js';

export function migrateCommand(program: Command, around: Surroundings): void {
  program
    .command('migrate')
    .description('bring the tables of the database up to date')
    .option('--check', 'only tell which migrations are missing; exit code 1 if any')
    .addHelpText(
      'after',
      '\nUses DATABASE_URL or DATA_DIR, as the server does, which migrates by itself\n' +
        'when it starts. There is no way back: make a backup before.',
    )
    .action(async ({ check = false }: { readonly check?: boolean }) => {
      const names = (await around.migrate(check)).map(fileNameOf);
      const text = check ? 'missing' : 'done';
      print(
        around.output(),
        { [text]: names },
        names.length === 0
          ? 'The database is up to date.'
          : names.map((name) => `${text}: ${name}`).join('\n'),
      );
      if (check && names.length > 0) throw new CommandError('', EXIT.failed);
    });
}

/** `audit0000000000006` is 0006_audit. */
const fileNameOf = (name: string): string => name.replace(/^(.*)\d{9}(\d{4})$/, '$2_$1');
