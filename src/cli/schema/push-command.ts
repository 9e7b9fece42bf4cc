/** `pemba schema push`. */
import type { Command } from 'commander';
import { withStore } from '../surroundings.js';
import type { Surroundings } from '../surroundings.js';
import type { PushOptions } from './push.js';
import { withWaiting } from './rollout.js';

const HELP = `
The schema is validated, and the store files (*.fga.yaml) beside it are tested.
Then what differs from the store's newest model is shown, and whose access that
changes on the live tuples. A change that is narrowing, widening or breaking has
to be agreed to: by a person at a terminal, or elsewhere by --yes. The id of the
model is printed once every process of the server answers with it. If one does
not within --timeout, the exit code is 1; the model is written nevertheless, and
the same push again waits again.

  pemba schema push schema/ --message 'editors may share'
  pemba schema push shop.fga --yes --fail-on breaking    # in CI

A model that another one has followed meanwhile is not followed a second time:
the server refuses. The git revision and author are kept with the model, if the
schema lies in a git work tree; pemba schema log shows them.`;

export function pushCommand(schema: Command, around: Surroundings): void {
  const push = withStore(schema.command('push'))
    .description('make a schema the newest model of a store')
    .argument('<file>', 'a .fga, .mod or .json file, or a folder with one')
    .option('--expect-current <id>', "the store's newest model, or none")
    .option('--message <text>', 'why')
    .option('--author <text>', 'by whom (else as git knows you)')
    .option('--yes', 'agree to whatever changes')
    .option('--tests <pattern>', 'store files elsewhere')
    .option('--no-test', 'test no store files')
    .option('--no-impact', 'do not look whose access changes')
    .option('--fail-on <class>', 'narrowing, widening or breaking: fail on it or worse')
    .option('--dry-run', 'do everything but write');
  withWaiting(push)
    .addHelpText('after', HELP)
    .action(async (file: string, options: PushOptions) => {
      const { pushSchema } = await import('./push.js');
      await pushSchema(file, options, around);
    });
}
