/** `pemba backup`, `pemba restore`: whole stores in one file. */
import type { Command } from 'commander';
import type { BackupOptions } from './backup/back-up.js';
import type { RestoreOptions } from './backup/restore.js';
import { withStore } from './surroundings.js';
import type { Surroundings } from './surroundings.js';

export function backupCommands(program: Command, around: Surroundings): void {
  withStore(program.command('backup'))
    .description('a store, or all that you may administer, into one file')
    .argument('<file>', 'packed where its name ends in .gz; - for standard output')
    .option('--all', 'all stores')
    .addHelpText(
      'after',
      '\nEach store is as it was at one revision: models with what belongs to them,\n' +
        'assertions, tuples and attributes. Keys, grants and the audit log are not in\n' +
        'it; of these, make a dump of the database. The file ends each store with a\n' +
        'checksum, and is there only when it is whole.',
    )
    .action(async (file: string, options: BackupOptions) => {
      const { backUp } = await import('./backup/back-up.js');
      await backUp(around, file, options);
    });
  program
    .command('restore')
    .description('make the stores of a backup anew')
    .argument('<file>', 'that `pemba backup` made')
    .option('--store <id>', 'only this one of them')
    .option('--keep-id', 'with the ids that they had, which must be free')
    .option('--check', 'only verify the file; no server is asked')
    .addHelpText(
      'after',
      '\nEach store is there when all of it is, or not at all. Models keep their ids.',
    )
    .action(async (file: string, options: RestoreOptions) => {
      const { restore } = await import('./backup/restore.js');
      await restore(around, file, options);
    });
}
