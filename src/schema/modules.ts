/**
 * A model of several modules (schema 1.2): the manifest `fga.mod` lists files, each file is a
 * module of one team, and `extend type` adds relations to a type of another. The result is one
 * model in which everything says from which module and file it comes.
 */
import { errors, transformer } from '@openfga/syntax-transformer';
import { declare } from './declarations.js';
import type { Contribution } from './declarations.js';
import { parseDsl } from './dsl-parse.js';
import { modelOrThrow } from './dsl.js';
import type { ModelWithPositions, ReadModel } from './dsl.js';
import { didYouMean } from './nearest.js';
import { Positions } from './positions.js';
import type { Position } from './positions.js';
import { quote } from './problem.js';
import type { ModelProblem } from './problem.js';

const MANIFEST = 'fga.mod';

/** The keys of `files` are the names in the manifest's `contents`. */
export const modelFromModules = (
  manifest: string,
  files: ReadonlyMap<string, string>,
): ModelWithPositions => modelOrThrow(readModules(manifest, files));

export function readModules(manifest: string, files: ReadonlyMap<string, string>): ReadModel {
  const positions = new Positions();
  const contributions: Contribution[] = [];
  const { list, problems } = listedFiles(manifest);
  const listed = new Set<string>();
  for (const { name, position } of list) {
    const text = files.get(name);
    if (listed.has(name)) {
      problems.push({ message: `${quote(name)} is listed twice`, position });
    } else if (text === undefined) {
      const hint = didYouMean(name, files.keys());
      problems.push({ message: `there is no file ${quote(name)}${hint}`, position });
    } else {
      problems.push(...readModule(name, text, positions, contributions));
    }
    listed.add(name);
  }
  if (problems.length > 0) return { ok: false, problems };
  const { types, conditions, ...declared } = declare(contributions, positions);
  if (declared.problems.length > 0) return { ok: false, problems: declared.problems };
  return { ok: true, model: { schemaVersion: '1.2', types, conditions }, positions };
}

/** The files that a manifest lists, in its order: what has to be read before the model can be. */
export const moduleFiles = (manifest: string): readonly string[] =>
  listedFiles(manifest).list.map(({ name }) => name);

function readModule(
  file: string,
  text: string,
  positions: Positions,
  contributions: Contribution[],
): readonly ModelProblem[] {
  const parsed = parseDsl(text, positions, file);
  if (!parsed.ok) return parsed.problems;
  const { document } = parsed;
  const { header } = document;
  if (header.kind === 'model') {
    const message = "a file of a modular model begins with 'module NAME', not with 'model'";
    return [{ message, position: header.position }];
  }
  contributions.push({ document, source: { module: header.name, file } });
  return [];
}

interface ListedFile {
  readonly name: string;
  readonly position: Position;
}

/** None where the manifest is none: `problems` says why. */
interface Listing {
  readonly list: readonly ListedFile[];
  readonly problems: ModelProblem[];
}

function listedFiles(manifest: string): Listing {
  try {
    const { contents } = transformer.transformModFileToJSON(manifest);
    const list = contents.value.map(({ value, line, column }) => ({
      name: value,
      position: { line: line.start + 1, column: column.start + 1, file: MANIFEST },
    }));
    return { list, problems: [] };
  } catch (error) {
    if (!(error instanceof errors.FGAModFileValidationError)) throw error;
    return { list: [], problems: error.errors.map(manifestProblem) };
  }
}

/** YAML's own errors have their place in the message, counted from 1, and then quote the text. */
const YAML_PLACE = / at line (\d+), column (\d+):[^]*$/;

function manifestProblem({
  msg,
  line,
  column,
}: InstanceType<typeof errors.BaseError>): ModelProblem {
  const [place, yamlLine, yamlColumn] = YAML_PLACE.exec(msg) ?? [];
  const message = place === undefined ? msg : msg.slice(0, -place.length);
  const position: Position = {
    line: Number(yamlLine ?? (line?.start ?? 0) + 1),
    column: Number(yamlColumn ?? (column?.start ?? 0) + 1),
    file: MANIFEST,
  };
  const hint = msg.startsWith('unexpected schema type')
    ? "; write it in quotes: schema: '1.2'"
    : '';
  return { message: message + hint, position };
}
