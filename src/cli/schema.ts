/** `pemba schema`: the schema as code. */
import type { Command } from 'commander';
import type { Surroundings } from './surroundings.js';

const COMMANDS: readonly ((schema: Command, around: Surroundings) => void)[] = [];

export function schemaCommand(program: Command, around: Surroundings): void {
  const schema = program.command('schema').description('schemas as code');
  for (const add of COMMANDS) add(schema, around);
}
