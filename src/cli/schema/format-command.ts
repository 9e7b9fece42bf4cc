/** `pemba schema format`: the DSL in its canonical form, comments included. */
import type { Command } from 'commander';
import { CommandError, EXIT, usageError } from '../command-error.js';
import type { Surroundings } from '../surroundings.js';

const MORE = `
Mistakes are shown as validate shows them, and such a file is left as it is.

Examples:
  pemba schema format 'schema/**/*.fga'
  pemba schema format --check 'schema/**/*.fga'    # in CI
  pemba schema format --stdin < model.fga          # in an editor`;

interface Options {
  readonly check?: boolean;
  readonly stdin?: boolean;
}

export function formatCommand(schema: Command, around: Surroundings): void {
  schema
    .command('format')
    .description('bring .fga files into one form, keeping comments')
    .argument('[files...]', 'names or patterns')
    .option('--check', 'change nothing; fail and name the files that would change')
    .option('--stdin', 'format standard input to standard output')
    .addHelpText('after', MORE)
    .action(async (patterns: readonly string[], { check = false, stdin = false }: Options) => {
      if (stdin === patterns.length > 0) throw usageError('give files, or --stdin');
      if (stdin) return formatStdin(around, check);
      return formatFiles(around, patterns, check);
    });
}

async function formatStdin(around: Surroundings, check: boolean): Promise<void> {
  const { formattedText, readBytes } = await import('./format-file.js');
  const output = around.output();
  const result = formattedText('standard input', await readBytes(around.stdin()));
  if (result.kind === 'refused') {
    const { showFinding } = await import('./show-finding.js');
    for (const finding of result.findings) {
      output.note(showFinding(finding, result.text, (_, text) => text));
    }
    throw new CommandError('standard input has mistakes', EXIT.failed);
  }
  if (check && result.kind === 'changed') {
    throw new CommandError('standard input is not formatted', EXIT.failed);
  }
  if (!check) output.write(result.text);
}

async function formatFiles(
  around: Surroundings,
  patterns: readonly string[],
  check: boolean,
): Promise<void> {
  const { findFiles } = await import('./text-file.js');
  const { formatFile } = await import('./format-file.js');
  const { showFinding } = await import('./show-finding.js');
  const output = around.output();
  const files = await findFiles(patterns, ['.fga']);
  const other = files.find((file) => !file.endsWith('.fga'));
  if (other !== undefined) throw usageError(`${other} is no .fga file`);
  const changed: string[] = [];
  const refused: string[] = [];
  const findings = [];
  for (const file of files) {
    const result = await formatFile(file, { write: !check });
    if (result.kind === 'changed') changed.push(file);
    if (result.kind !== 'refused') continue;
    refused.push(file);
    findings.push(...result.findings);
    if (output.json) continue;
    for (const finding of result.findings) {
      output.write(`${showFinding(finding, result.text, output.paint)}\n\n`);
    }
  }
  if (output.json) output.write(`${JSON.stringify({ changed, findings }, null, 2)}\n`);
  else for (const file of changed) output.write(`${file}\n`);
  const unfinished = [
    ...(refused.length > 0 ? [`${refused.join(', ')}: left as it is, it has mistakes`] : []),
    ...(check && changed.length > 0 ? [`not formatted: ${changed.length}`] : []),
  ];
  if (unfinished.length > 0) throw new CommandError(unfinished.join('; '), EXIT.failed);
}
