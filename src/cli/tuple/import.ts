/**
 * `pemba tuple import`. How far it is stands in a small file beside the one that is read, so that an
 * import that was interrupted, however hard, goes on where it was when it is called again. That only
 * saves time: what is stored already is left as it is.
 */
import type { Json } from '../api.js';
import { CommandError, EXIT, usageError } from '../command-error.js';
import { print } from '../print.js';
import type { StoreOption, Surroundings } from '../surroundings.js';
import { formatOf } from './export.js';
import { ImportPart } from './import-part.js';
import { Pieces, fileSource, piecesOf } from './import-source.js';
import { ImportState } from './import-state.js';
import { Rejects } from './rejects.js';

export interface ImportOptions extends StoreOption {
  readonly format?: string;
  readonly rejects?: string;
  readonly fromLine?: string;
  readonly model?: string;
}

/** Of one request; the server takes a gigabyte. */
const PART_BYTES = 128 * 2 ** 20;

interface Totals {
  line: number;
  written: number;
  rejected: number;
}

export async function importFile(
  around: Surroundings,
  file: string,
  options: ImportOptions,
): Promise<void> {
  const output = around.output();
  const from = fromLineOf(options);
  const format = formatOf(file, options.format);
  const state = file === '-' ? undefined : new ImportState(file, around.target(options).url);
  const store = around.store(options);
  const fromLine = from ?? state?.nextLine(store) ?? 1;
  if (fromLine > 1) output.note(`Going on from line ${fromLine}.`);
  const source = file === '-' ? around.stdin() : fileSource(file);
  const rejects = new Rejects(options.rejects, fromLine > 1, output.note);
  const bar = await output.progress('importing', state?.bytes);
  const totals: Totals = { line: fromLine - 1, written: 0, rejected: 0 };
  const pieces = new Pieces(piecesOf(source, format, fromLine));
  const path = `/stores/${store}/import${modelQuery(options)}`;
  try {
    while (!(await pieces.isOver())) {
      const part = new ImportPart(pieces, PART_BYTES);
      const before = { ...totals };
      for await (const told of around.api().upload(path, part.body())) {
        await take(part, told, before, totals, rejects);
        state?.save(store, totals.line);
        bar.update(pieces.bytes, `${totals.written} tuples`);
      }
      await settle(part, Infinity, totals, rejects);
    }
    state?.remove();
  } catch (error) {
    throw interrupted(error, file, totals);
  } finally {
    bar.stop();
    await rejects.end();
  }
  report(output, totals);
}

/** What the server tells is of this part alone. */
async function take(
  part: ImportPart,
  told: Json,
  before: Totals,
  totals: Totals,
  rejects: Rejects,
): Promise<void> {
  const {
    line,
    written,
    rejected,
    rejects: found = [],
  } = told as {
    readonly line: number;
    readonly written: number;
    readonly rejected: number;
    readonly rejects?: readonly { readonly line: number; readonly message: string }[];
  };
  for (const { line: sent, message } of found) {
    await rejects.add(part.fileLineOf(sent), message);
  }
  totals.written = before.written + written;
  totals.rejected = before.rejected + rejected + part.problemCount;
  await settle(part, line, totals, rejects);
}

async function settle(
  part: ImportPart,
  line: number,
  totals: Totals,
  rejects: Rejects,
): Promise<void> {
  for (const { line: place, problem } of part.problemsUpTo(line)) {
    totals.rejected++;
    await rejects.add(place, problem);
  }
  totals.line = Math.max(totals.line, part.settledUpTo(line));
}

function report(output: ReturnType<Surroundings['output']>, totals: Totals): void {
  const { written, rejected } = totals;
  const lost = rejected === 0 ? '' : `; ${rejected} lines were rejected`;
  print(output, { written, rejected }, `${written} are stored that were not there before${lost}.`);
  if (rejected > 0) throw new CommandError('', EXIT.failed);
}

function interrupted(error: unknown, file: string, { line, written }: Totals): unknown {
  if (!(error instanceof CommandError)) {
    const { syscall, message } = error as NodeJS.ErrnoException;
    return syscall === undefined ? error : usageError(`${file}: ${message}`);
  }
  if (line === 0) return error;
  const onward = file === '-' ? `--from-line ${line + 1} goes on` : 'run it again to go on';
  const text = `${error.message}\nAll up to line ${line} is stored (${written} tuples); ${onward}.`;
  return new CommandError(text, error.exitCode);
}

function fromLineOf({ fromLine }: ImportOptions): number | undefined {
  if (fromLine === undefined) return undefined;
  if (/^[1-9]\d{0,11}$/.test(fromLine)) return Number(fromLine);
  throw usageError(`--from-line ${fromLine}: a whole number from 1 on`);
}

const modelQuery = ({ model }: ImportOptions): string =>
  model === undefined ? '' : `?authorization_model_id=${encodeURIComponent(model)}`;
