/** `pemba schema graph`: the schema as a picture, in the language of a program that draws. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { print } from '../print.js';
import { usageError } from '../command-error.js';
import type { Surroundings } from '../surroundings.js';

const MORE = `
An arrow goes from what makes somebody a member to what they become a member of:
thick in Mermaid where it goes by way of another object (from), crossed where it
takes away (but not), dashed where it lets a service act for the user.

Examples:
  pemba schema graph fga.mod > schema.mmd
  pemba schema graph fga.mod --focus item#can_reserve --implications
  pemba schema graph fga.mod --format dot | dot -Tsvg > schema.svg`;

/** Of Mermaid itself, unless it is configured otherwise. */
const MERMAID_ARROWS_MAX = 500;

interface Options {
  readonly format: 'mermaid' | 'dot';
  readonly focus?: string;
  readonly implications?: boolean;
}

export function graphCommand(schema: Command, around: Surroundings): void {
  schema
    .command('graph')
    .description('draw types, relations and what leads to what')
    .argument('<file>', '.fga, fga.mod, .json or .fga.yaml')
    .addOption(
      new Option('--format <format>', 'for which program')
        .choices(['mermaid', 'dot'])
        .default('mermaid'),
    )
    .option('--focus <name>', 'TYPE or TYPE#relation: only what leads there, and where it leads')
    .option('--implications', 'which rights of a user let a service of another module act')
    .addHelpText('after', MORE)
    .action(async (file: string, { format, focus, implications = false }: Options) => {
      const { loadModel } = await import('./load-model.js');
      const { graphOf } = await import('./graph.js');
      const { dotText, mermaidText } = await import('./graph-text.js');
      const output = around.output();
      const model = await loadModel(file, output);
      const graph = graphOf(model, { implications, focus });
      if (graph.boxes.length === 0) throw usageError(`${file} has no ${focus ?? 'types'}`);
      if (format === 'mermaid' && graph.arrows.length > MERMAID_ARROWS_MAX) {
        output.note(`Mermaid draws ${MERMAID_ARROWS_MAX} arrows at most; see --focus`);
      }
      const text = format === 'dot' ? dotText(graph) : mermaidText(graph);
      print(output, graph, text.trimEnd());
    });
}
