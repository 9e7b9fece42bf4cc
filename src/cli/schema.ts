/** `pemba schema`: the schema as code. */
import type { Command } from 'commander';
import { diffCommand, impactCommand } from './schema/diff-command.js';
import { formatCommand } from './schema/format-command.js';
import { graphCommand } from './schema/graph-command.js';
import { historyCommands } from './schema/history-command.js';
import { jsonSchemaCommand } from './schema/json-schema-command.js';
import { migrateCommand } from './schema/migrate-command.js';
import { pushCommand } from './schema/push-command.js';
import { testCommand } from './schema/test-command.js';
import { typesCommand } from './schema/types-command.js';
import { validateCommand } from './schema/validate-command.js';
import type { Surroundings } from './surroundings.js';

const COMMANDS: readonly ((schema: Command, around: Surroundings) => void)[] = [
  validateCommand,
  formatCommand,
  graphCommand,
  testCommand,
  diffCommand,
  impactCommand,
  pushCommand,
  historyCommands,
  migrateCommand,
  typesCommand,
  jsonSchemaCommand,
];

export function schemaCommand(program: Command, around: Surroundings): void {
  const schema = program.command('schema').description('schemas as code');
  for (const add of COMMANDS) add(schema, around);
}
