import type { Command } from 'commander';
import type { Surroundings } from '../surroundings.js';
import type { SpicedbOptions } from './spicedb/run.js';

const EXAMPLE = `
Writes model.fga, tuples.jsonl and store.fga.yaml, which has the assertions of a
validation file as tests. What has no equivalent is left out and told, in such a
way that nobody gains a permission by it.

  pemba convert spicedb schema.zed --relationships tuples.txt --out converted
  pemba convert spicedb playground.yaml --out converted`;

export function spicedbCommand(convert: Command, around: Surroundings): void {
  convert
    .command('spicedb')
    .description('a SpiceDB schema, relationships and assertions as a model, tuples and tests')
    .argument('<file>', 'a schema (.zed), or a validation file of the playground (.yaml)')
    .option('--relationships <file>', 'document:1#viewer@user:anne, one a line')
    .option('--out <directory>', 'where to write; without it, the model is printed', '-')
    .option('--partial', 'exit with 0 even if something has no equivalent')
    .addHelpText('after', EXAMPLE)
    .action(async (file: string, options: SpicedbOptions) => {
      const { runSpicedb } = await import('./spicedb/run.js');
      runSpicedb(file, options, around.output());
    });
}
