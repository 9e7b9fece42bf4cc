import type { Command } from 'commander';
import { withStore } from '../surroundings.js';
import type { StoreOption, Surroundings } from '../surroundings.js';

const SCHEMA = 'a .fga, .mod or .json file';

export function diffCommand(schema: Command, around: Surroundings): void {
  schema
    .command('diff')
    .description('how two schemas differ, and what that may do to who has access')
    .argument('<before>', `${SCHEMA}, store:ID, or store:ID@MODEL`)
    .argument('<after>', 'likewise')
    .option(
      '--fail-on <class>',
      'exit with 1 if there is a change: any, narrowing, widening or breaking',
    )
    .addHelpText('after', '\nExample: pemba schema diff store:01JZ… model.fga --fail-on widening')
    .action(async (before: string, after: string, options: { readonly failOn?: string }) => {
      const { diff } = await import('./diff.js');
      await diff(around, { before, after }, options.failOn);
    });
}

interface ImpactOptions extends StoreOption {
  readonly failOn?: string;
  readonly samples: string;
  readonly context?: string;
}

export function impactCommand(schema: Command, around: Surroundings): void {
  withStore(schema.command('impact'))
    .description("whose access a schema would change, on the store's live tuples")
    .argument('<schema>', SCHEMA)
    .option(
      '--fail-on <what>',
      'exit with 1 for: narrowing, widening or breaking changes; access gained or lost',
    )
    .option('--samples <count>', 'shown of each relation, gains and losses apart', '10')
    .option('--context <json>', 'for conditions')
    .addHelpText(
      'after',
      '\nWith --json: the lines of the server, one value each; the last is the totals.' +
        '\n\nExample: pemba schema impact model.fga --store 01JZ… --fail-on gained',
    )
    .action(async (path: string, options: ImpactOptions) => {
      const { impact } = await import('./impact.js');
      await impact(around, path, options);
    });
}
