/**
 * Everything that is to be said about one schema file. Three steps, each on what the one before has
 * found whole: the text is read (`malformed`), the model obeys the rules that a server holds it to
 * (`invalid`), and what it says of services that act for users can come true (`delegation_…`, which
 * keep no model from being written, and are warnings).
 */
import { dirname, extname, join } from 'node:path';
import { delegationProblems } from '../../schema/delegation-problems.js';
import { parseDsl } from '../../schema/dsl-parse.js';
import { DEFAULT_MODEL_LIMITS } from '../../schema/limits.js';
import type { Model } from '../../schema/model.js';
import { compilePlan } from '../../schema/plan.js';
import { Positions } from '../../schema/positions.js';
import type { Position } from '../../schema/positions.js';
import { formatProblem } from '../../schema/problem.js';
import type { ModelProblem } from '../../schema/problem.js';
import { Reach } from '../../schema/reach.js';
import { readDsl } from '../../schema/dsl.js';
import { validateModel } from '../../schema/validate.js';
import { wordEnd } from './finding.js';
import type { Finding } from './finding.js';
import { placeInJson } from './json-place.js';
import { tryReadSchema } from './read-schema.js';
import type { SchemaReading } from './read-schema.js';
import { modelOfStoreFile } from './store-file-model.js';
import { readNamedFile, readTextFile } from './text-file.js';

export interface Checked {
  readonly findings: readonly Finding[];
  /** Of the files that findings are in. */
  readonly texts: ReadonlyMap<string, string>;
  /** If it is one that a server takes. */
  readonly model: Model | undefined;
  /** All that were read. */
  readonly files: readonly string[];
}

export const isStoreFile = (path: string): boolean => /\.fga\.ya?ml$/.test(path);

export async function checkFile(path: string): Promise<Checked> {
  if (isStoreFile(path)) return checkStoreFile(path);
  if (extname(path) === '.fga') {
    const text = await readNamedFile(path);
    return isModule(text) ? checkModule(path, text) : checkReading(path, readingOf(text));
  }
  const reading = await tryReadSchema(path, { readFile: readTextFile });
  return checkReading(path, reading);
}

const readingOf = (text: string): SchemaReading => ({
  ...readDsl(text),
  files: new Map([['', text]]),
});

/** Whether the first word is `module`. */
const isModule = (text: string): boolean =>
  /^(?:[^\S\n]*(?:#[^\n]*)?\n)*[^\S\n]*module[^\S\n]/.test(text);

function checkModule(path: string, text: string): Checked {
  const parsed = parseDsl(text, new Positions());
  const texts = new Map([[path, text]]);
  const alone: Finding = {
    file: path,
    severity: 'note',
    code: 'module_alone',
    message: 'a module alone is checked for its syntax only: check its fga.mod',
  };
  const findings = parsed.ok
    ? [alone]
    : parsed.problems.map((problem) => findingOf(problem, { code: 'malformed', file: path, text }));
  return { findings, texts, model: undefined, files: [path] };
}

async function checkStoreFile(path: string): Promise<Checked> {
  const text = await readNamedFile(path);
  const found = modelOfStoreFile(text);
  switch (found.kind) {
    case 'file': {
      const checked = await checkFile(join(dirname(path), found.name));
      return { ...checked, files: [path, ...checked.files] };
    }
    case 'none':
      return {
        findings: found.problems.map(({ message, ...position }) => ({
          file: path,
          ...position,
          severity: 'error',
          code: 'malformed',
          message,
        })),
        texts: new Map([[path, text]]),
        model: undefined,
        files: [path],
      };
    case 'inline': {
      const { findings, ...checked } = checkReading(path, readingOf(found.text));
      return {
        ...checked,
        findings: findings.map((finding) => moved(finding, found.placeOf)),
        texts: new Map([[path, text]]),
      };
    }
  }
}

function moved(
  finding: Finding,
  placeOf: (line: number, column: number) => { readonly line: number; readonly column: number },
): Finding {
  const { line, column, endColumn } = finding;
  if (line === undefined || column === undefined) return finding;
  const place = placeOf(line, column);
  const length = (endColumn ?? column + 1) - column;
  return { ...finding, ...place, endColumn: place.column + length };
}

function checkReading(path: string, reading: SchemaReading): Checked {
  const pathOf = (file: string | undefined): string =>
    file === undefined || file === '' || file === 'fga.mod' ? path : join(dirname(path), file);
  const texts = new Map([...reading.files].map(([name, text]) => [pathOf(name), text]));
  const findingsOf = (problems: readonly ModelProblem[], code: string): readonly Finding[] =>
    problems
      .map((problem) => {
        const file = pathOf(problem.position?.file);
        return findingOf(problem, { code, file, text: texts.get(file) ?? '' });
      })
      .sort(byPlace([...texts.keys()]));
  const checked = { texts, files: [...texts.keys()], model: undefined };
  if (!reading.ok) {
    return { ...checked, findings: findingsOf(reading.problems, 'malformed') };
  }
  const { model, positions } = reading;
  const problems = validateModel(model, { limits: DEFAULT_MODEL_LIMITS, positions });
  if (problems.length > 0) return { ...checked, findings: findingsOf(problems, 'invalid') };
  const plan = compilePlan(model);
  const findings = delegationProblems(plan, new Reach(plan)).flatMap(({ kind, ...problem }) => {
    const { type, relation } = problem;
    const definition = model.types.get(type)?.relations.get(relation);
    const position = definition && positions?.of(definition, 'name');
    const [found] = findingsOf([{ ...problem, position }], `delegation_${kind}`);
    return found === undefined ? [] : [{ ...found, severity: 'warning' as const }];
  });
  return { ...checked, model, findings };
}

/** Files in the order in which they were read. */
const byPlace =
  (files: readonly string[]) =>
  (a: Finding, b: Finding): number =>
    files.indexOf(a.file) - files.indexOf(b.file) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    (a.column ?? 0) - (b.column ?? 0);

interface Source {
  readonly code: string;
  readonly file: string;
  readonly text: string;
}

export function findingOf(problem: ModelProblem, { code, file, text }: Source): Finding {
  const { position, ...about } = problem;
  const place = position ?? (extname(file) === '.json' ? placeInJson(text, about) : undefined);
  const message = formatProblem(about);
  return { file, ...(place && wordAt(text, place)), severity: 'error', code, message };
}

function wordAt(text: string, { line, column }: Pick<Position, 'line' | 'column'>) {
  const source = text.split('\n', line)[line - 1] ?? '';
  return { line, column, endColumn: wordEnd(source, column) };
}
