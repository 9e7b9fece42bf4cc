/** `pemba schema validate`: whether a server would take these schemas, without one. */
import type { Command } from 'commander';
import { CommandError, EXIT } from '../command-error.js';
import type { Surroundings } from '../surroundings.js';
import type { Checked } from './check-file.js';

const MORE = `
Files are .fga, fga.mod (with the modules that it lists), a model's .json, or a
store's .fga.yaml. With --json: a list of
  { file, line?, column?, endColumn?, severity, code, message }
Warnings are about services that act for users; a server takes such a model.

Examples:
  pemba schema validate fga.mod
  pemba schema validate 'schema/**/*.fga' --strict`;

const ENDINGS = ['.fga', '.mod', '.json', '.fga.yaml', '.fga.yml'];

export function validateCommand(schema: Command, around: Surroundings): void {
  schema
    .command('validate')
    .description('find all mistakes in schema files')
    .argument('<files...>', 'names or patterns')
    .option('--strict', 'fail for warnings as well')
    .addHelpText('after', MORE)
    .action(async (patterns: readonly string[], { strict = false }: { strict?: boolean }) => {
      const { findFiles } = await import('./text-file.js');
      const { checkAll } = await import('./check-all.js');
      const { showFinding } = await import('./show-finding.js');
      const checked = await checkAll(await findFiles(patterns, ENDINGS));
      const findings = checked.flatMap((each) => each.findings);
      const output = around.output();
      if (output.json) output.write(`${JSON.stringify(findings, null, 2)}\n`);
      else {
        for (const { findings: found, texts } of checked) {
          for (const finding of found) {
            output.write(`${showFinding(finding, texts.get(finding.file), output.paint)}\n\n`);
          }
        }
      }
      const count = (severity: string): number =>
        findings.filter((finding) => finding.severity === severity).length;
      const [errors, warnings] = [count('error'), count('warning')];
      const summary = summaryOf(checked, errors, warnings);
      if (errors > 0 || (strict && warnings > 0)) throw new CommandError(summary, EXIT.failed);
      if (!output.json) output.write(`${output.paint('green', summary)}\n`);
    });
}

function summaryOf(checked: readonly Checked[], errors: number, warnings: number): string {
  const files = new Set(checked.flatMap((each) => each.files)).size;
  const told = [
    ...(errors > 0 ? [counted(errors, 'problem')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  return `${told.length === 0 ? 'no problems' : told.join(' and ')} in ${counted(files, 'file')}`;
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;
