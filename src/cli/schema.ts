/** `pemba schema`: the schema as code. */
import type { Command } from 'commander';
import { diffCommand, impactCommand } from './schema/diff-command.js';
import { jsonSchemaCommand } from './schema/json-schema-command.js';
import { testCommand } from './schema/test-command.js';
import type { Surroundings } from './surroundings.js';

const COMMANDS: readonly ((schema: Command, around: Surroundings) => void)[] = [
  testCommand,
  jsonSchemaCommand,
  diffCommand,
  impactCommand,
];

export function schemaCommand(program: Command, around: Surroundings): void {
  const schema = program.command('schema').description('schemas as code');
  for (const add of COMMANDS) add(schema, around);
}
