/** `pemba schema log`, `pull` and `rollback`. */
import type { Command } from 'commander';
import { withStore } from '../surroundings.js';
import type { Surroundings } from '../surroundings.js';
import type { LogOptions, PullOptions, RollbackOptions } from './history.js';
import { withWaiting } from './rollout.js';

export function historyCommands(schema: Command, around: Surroundings): void {
  withStore(schema.command('log').alias('list'))
    .description("a store's models, the newest first: when, by whom and why")
    .option('--limit <count>', 'how many at most', '20')
    .action(async (options: LogOptions) => {
      const { logModels } = await import('./history.js');
      await logModels(options, around);
    });
  withStore(schema.command('pull'))
    .description('print a model of a store as DSL')
    .argument('[id]', 'the newest unless named')
    .option('--out <folder>', 'write files instead; modules as those that they came from')
    .action(async (id: string | undefined, options: PullOptions) => {
      const { pullModel } = await import('./history.js');
      await pullModel(id, options, around);
    });
  const rollback = withStore(schema.command('rollback'))
    .description('make an earlier model the newest again, with all that was kept with it')
    .option('--to <id>', 'which; else the one before the newest')
    .option('--expect-current <id>', "the store's newest model")
    .option('--message <text>', 'why')
    .option('--author <text>', 'by whom (else as git knows you)')
    .option('--yes', 'agree to whatever changes')
    .option('--dry-run', 'show what would change');
  withWaiting(rollback)
    .addHelpText('after', ROLLBACK_HELP)
    .action(async (options: RollbackOptions) => {
      const { rollBack } = await import('./history.js');
      await rollBack(options, around);
    });
}

const ROLLBACK_HELP = `
  pemba schema rollback                      # undo the last push
  pemba schema rollback --to 01JB… --yes

Tuples stay as they are. A rollback is a new version, so it can be rolled back.
Its id is printed once every process of the server answers with it. If one does
not within --timeout, the exit code is 1; the version is written nevertheless,
and the same command with --to waits again.`;
