/** `pemba convert spicedb`: reads the files, writes what they become, and says what to know of it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { formatPosition } from '../../../schema/positions.js';
import { CommandError, EXIT, usageError } from '../../command-error.js';
import type { Output } from '../../print.js';
import { formatFinding, UnreadableInput } from '../finding.js';
import type { Finding } from '../finding.js';
import { convertSpicedb } from './convert.js';
import type { Conversion, SpicedbFile } from './convert.js';

export interface SpicedbOptions {
  readonly relationships?: string;
  readonly out: string;
  readonly partial?: boolean;
}

const STDOUT = '-';

export function runSpicedb(path: string, options: SpicedbOptions, output: Output): void {
  const conversion = convert(path, options);
  const { model, tuples, store, tupleCount, testCount, findings } = conversion;
  const files = [model, tuples, store];
  if (options.out !== STDOUT) {
    mkdirSync(options.out, { recursive: true });
    for (const { name, text } of files) writeFileSync(join(options.out, name), text);
  }
  if (output.json) {
    const written = options.out === STDOUT ? { model: model.text } : { files: files.map(nameOf) };
    const summary = { ...written, tuples: tupleCount, tests: testCount, findings };
    output.write(`${JSON.stringify(summary, null, 2)}\n`);
  } else {
    for (const finding of findings) output.note(formatFinding(finding));
    if (options.out === STDOUT) output.write(model.text);
    else {
      const made = files.map(({ name }) => join(options.out, name)).join(', ');
      output.write(`${made}: ${tupleCount} tuples, ${testCount} tests\n`);
    }
  }
  const missing = findings.filter(isMissing).length;
  if (missing === 0 || options.partial === true) return;
  const message = `${missing} of what is told above has no equivalent (--partial accepts that)`;
  throw new CommandError(message, EXIT.failed);
}

const nameOf = ({ name }: { readonly name: string }): string => name;

const isMissing = ({ severity }: Finding): boolean => severity === 'missing';

function convert(path: string, { relationships }: SpicedbOptions): Conversion {
  try {
    return convertSpicedb({
      schema: read(path),
      ...(relationships !== undefined && { relationships: read(relationships) }),
      name: basename(path, extname(path)),
      readNamed: (named) => read(resolve(dirname(path), named)),
    });
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    throw new CommandError(`${formatPosition(error.position)}: ${error.message}`, EXIT.failed);
  }
}

function read(path: string): SpicedbFile {
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(`${path} cannot be read: ${reason}`);
  }
}
