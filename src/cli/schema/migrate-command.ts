/** `pemba schema migrate`. */
import type { Command } from 'commander';
import { usageError } from '../command-error.js';
import { withStore } from '../surroundings.js';
import type { Surroundings } from '../surroundings.js';
import type { MigrateOptions } from './migrate.js';
import { withWaiting } from './rollout.js';

const HELP = `
  pemba schema migrate rename-relation document#viewer reader --keep-old
  pemba schema migrate rename-relation document#viewer reader
  pemba schema migrate rename-type doc document

The models in between are derived from the store's newest one; --dry-run shows
them. Answers do not change at any moment. Each step waits until every process
of the server answers with the model before it; if one does not within
--timeout, the exit code is 1. Whoever breaks this off runs it again.

A relation has both names on the way, one of them defined as the other: first
tuples are written under the old name, then, when all have copies, under the new
one. --keep-old stops there, so that applications can change over; without it
tuples of the old name are deleted, and then the name itself goes.

A type cannot have two names: its objects are other objects. It changes at one
moment. With --keep-old its tuples stay, for who still asks with the id of the
model before; what is written after that moment they do not see.`;

export function migrateCommand(schema: Command, around: Surroundings): void {
  const migrate = schema
    .command('migrate')
    .description('give a relation or a type another name, with its tuples')
    .addHelpText('after', HELP);
  const flags = (command: Command): Command =>
    withWaiting(
      withStore(command)
        .option('--keep-old', 'stop when the new name counts')
        .option('--dry-run', 'show the models and count the tuples'),
    );
  flags(migrate.command('rename-relation'))
    .argument('<type#relation>', 'such as document#viewer')
    .argument('<name>', 'the new one')
    .action(async (from: string, to: string, options: MigrateOptions) => {
      const [type = '', relation = ''] = from.split('#');
      if (type === '' || relation === '') throw usageError(`${from} is not type#relation`);
      const { migrateNames } = await import('./migrate.js');
      await migrateNames({ type, relation, to }, options, around);
    });
  flags(migrate.command('rename-type'))
    .argument('<type>')
    .argument('<name>', 'the new one')
    .action(async (type: string, to: string, options: MigrateOptions) => {
      const { migrateNames } = await import('./migrate.js');
      await migrateNames({ type, to }, options, around);
    });
}
