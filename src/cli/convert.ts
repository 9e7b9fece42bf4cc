/** `pemba convert`: from where people are. */
import type { Command } from 'commander';
import { spicedbCommand } from './convert/spicedb-command.js';
import type { Surroundings } from './surroundings.js';

export function convertCommand(program: Command, around: Surroundings): void {
  const convert = program.command('convert').description('schemas and data of other systems');
  spicedbCommand(convert, around);
}
