/** `pemba convert spicedb`: reads the files, writes what they become, and says what to know of it. */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { formatPosition } from '../../../schema/positions.js';
import { CommandError, EXIT, usageError } from '../../command-error.js';
import type { Output } from '../../print.js';
import { formatFinding, UnreadableInput } from '../finding.js';
import type { Finding } from '../finding.js';
import { TUPLE_FILE, convertSpicedb } from './convert.js';
import type { Conversion, SpicedbFile } from './convert.js';
import { fileLines } from './file-lines.js';

export interface SpicedbOptions {
  readonly relationships?: string;
  readonly out: string;
  readonly partial?: boolean;
}

const STDOUT = '-';

export function runSpicedb(path: string, options: SpicedbOptions, output: Output): void {
  const conversion =
    options.out === STDOUT ? convert(path, options, () => undefined) : convertInto(path, options);
  const { model, store, tupleCount, testCount, findings } = conversion;
  const names = [model.name, TUPLE_FILE, store.name];
  if (output.json) {
    const written = options.out === STDOUT ? { model: model.text } : { files: names };
    const summary = { ...written, tuples: tupleCount, tests: testCount, findings };
    output.write(`${JSON.stringify(summary, null, 2)}\n`);
  } else {
    for (const finding of findings) output.note(formatFinding(finding));
    if (options.out === STDOUT) output.write(model.text);
    else {
      const made = names.map((name) => join(options.out, name)).join(', ');
      output.write(`${made}: ${tupleCount} tuples, ${testCount} tests\n`);
    }
  }
  const missing = findings.filter(isMissing).length;
  if (missing === 0 || options.partial === true) return;
  const message = `${missing} of what is told above has no equivalent (--partial accepts that)`;
  throw new CommandError(message, EXIT.failed);
}

const isMissing = ({ severity }: Finding): boolean => severity === 'missing';

/** Of what is written at once, in characters. */
const BLOCK = 2 ** 16;

/** What cannot be read leaves an earlier conversion as it is. */
function convertInto(path: string, options: SpicedbOptions): Conversion {
  let file: number | undefined;
  let block = '';
  const flush = (): void => {
    mkdirSync(options.out, { recursive: true });
    file ??= openSync(join(options.out, TUPLE_FILE), 'w');
    writeFileSync(file, block);
    block = '';
  };
  try {
    const conversion = convert(path, options, (line) => {
      block += `${line}\n`;
      if (block.length >= BLOCK) flush();
    });
    flush();
    for (const { name, text } of [conversion.model, conversion.store]) {
      writeFileSync(join(options.out, name), text);
    }
    return conversion;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function convert(
  path: string,
  { relationships }: SpicedbOptions,
  write: (line: string) => void,
): Conversion {
  try {
    const input = {
      schema: read(path),
      ...(relationships !== undefined && {
        relationships: { path: relationships, lines: fileLines(relationships) },
      }),
      name: basename(path, extname(path)),
      readNamed: (named: string) => read(resolve(dirname(path), named)),
    };
    return convertSpicedb(input, write);
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
