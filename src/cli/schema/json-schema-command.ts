import type { Command } from 'commander';
import { usageError } from '../command-error.js';
import type { Surroundings } from '../surroundings.js';

export function jsonSchemaCommand(schema: Command, around: Surroundings): void {
  schema
    .command('json-schema')
    .description('the JSON Schema of a file that you write, for your editor')
    .argument('<kind>', 'store-file, route-table, authzen-mapping, claims-mapping, …')
    .addHelpText(
      'after',
      '\nExample: pemba schema json-schema store-file > .vscode/store-file.schema.json\n' +
        'A first line `# yaml-language-server: $schema=…` names it to most editors.',
    )
    .action(async (kind: string) => {
      const { KINDS, editorSchema } = await import('./editor-schemas.js');
      const known = KINDS.find((each) => each === kind);
      if (known === undefined) throw usageError(`${kind}: one of ${KINDS.join(', ')}`);
      around.output().write(`${JSON.stringify(editorSchema(known), null, 2)}\n`);
    });
}
