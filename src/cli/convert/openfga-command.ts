import type { Command } from 'commander';
import type { Surroundings } from '../surroundings.js';
import type { OpenfgaOptions } from './openfga/run.js';

const EXAMPLE = `
Moves stores with their models, assertions and tuples into the Pemba server that
--url or --context names; models get ids of their own, and the old and new ones
are printed. The source is only read; its token, if it wants one, comes from
OPENFGA_API_TOKEN. What Pemba does not take is told, and makes the exit code 1;
all else is moved. Interrupted, it goes on by --resume.

  pemba convert openfga --from http://openfga:8080
  pemba convert openfga --from http://openfga:8080 --from-store shop --resume
  pemba convert openfga --from http://openfga:8080 --out saved`;

export function openfgaCommand(convert: Command, around: Surroundings): void {
  convert
    .command('openfga')
    .description('stores of an OpenFGA server, read by its API')
    .requiredOption('--from <url>', 'the OpenFGA server')
    .option('--from-store <store...>', 'only these, by id or name; else all')
    .option('--as <name>', 'the name here, where it is one store')
    .option('--resume', 'go on with what an earlier run began')
    .option('--rejects <file>', 'where tuples go that are not taken, as JSON lines')
    .option('--out <directory>', 'write files there, and nothing to a server')
    .addHelpText('after', EXAMPLE)
    .action(async (options: OpenfgaOptions) => {
      const { runOpenfga } = await import('./openfga/run.js');
      await runOpenfga(around, options, process.env['OPENFGA_API_TOKEN']);
    });
}
