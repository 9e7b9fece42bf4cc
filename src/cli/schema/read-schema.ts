/**
 * A schema from a file, as its ending says: the DSL (`.fga`), a manifest with its modules (`.mod`), or
 * OpenFGA's JSON (`.json`), bare or as the server answers it. What is wrong with it is thrown as
 * `invalid_model` with a line for each problem; whether it obeys the rules is for `validateModel`.
 */
import { dirname, extname, join } from 'node:path';
import { PembaError } from '../../errors.js';
import { readDsl } from '../../schema/dsl.js';
import type { Model } from '../../schema/model.js';
import { moduleFiles, readModules } from '../../schema/modules.js';
import type { Positions } from '../../schema/positions.js';
import { invalidModel } from '../../schema/problem.js';
import type { ModelProblem } from '../../schema/problem.js';
import { modelFromWire } from '../../schema/wire.js';
import { CommandError, EXIT } from '../command-error.js';

export interface FileReader {
  /** The text of a file; rejects as `node:fs` does. */
  readonly readFile: (path: string) => Promise<string>;
}

export interface ReadSchema {
  readonly model: Model;
  /** Absent where the model came as JSON. */
  readonly positions?: Positions;
  /** Every text that was read, by the name that positions give it: '' for a schema of one text. */
  readonly files: ReadonlyMap<string, string>;
}

/** What was read, or all that keeps it from being a schema; `files` in either case. */
export type SchemaReading =
  | ({ readonly ok: true } & ReadSchema)
  | {
      readonly ok: false;
      readonly problems: readonly ModelProblem[];
      readonly files: ReadonlyMap<string, string>;
    };

export async function readSchema(path: string, around: FileReader): Promise<ReadSchema> {
  const read = await tryReadSchema(path, around);
  if (!read.ok) throw invalidModel(read.problems);
  return read;
}

export async function tryReadSchema(path: string, around: FileReader): Promise<SchemaReading> {
  const text = await readText(path, around);
  switch (extname(path)) {
    case '.fga':
      return { ...readDsl(text), files: new Map([['', text]]) };
    case '.mod':
      return readManifest(path, text, around);
    case '.json':
      return { ...readJson(path, text), files: new Map([['', text]]) };
    default:
      throw new CommandError(`${path}: a schema's name ends in .fga, .mod or .json`, EXIT.usage);
  }
}

async function readManifest(
  path: string,
  manifest: string,
  around: FileReader,
): Promise<SchemaReading> {
  const modules = new Map<string, string>();
  for (const name of moduleFiles(manifest)) {
    // What is missing is told as a problem of the manifest, with its place.
    const text = await around.readFile(join(dirname(path), name)).catch(unlessMissing);
    if (text !== undefined) modules.set(name, text);
  }
  return {
    ...readModules(manifest, modules),
    files: new Map([...modules, ['fga.mod', manifest]]),
  };
}

type JsonReading =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly problems: readonly ModelProblem[] };

function readJson(path: string, text: string): JsonReading {
  const value = modelIn(jsonOf(path, text));
  try {
    return { ok: true, model: modelFromWire(value) };
  } catch (error) {
    if (!(error instanceof PembaError) || error.code !== 'invalid_model') throw error;
    return { ok: false, problems: [{ message: error.message }] };
  }
}

async function readText(path: string, { readFile }: FileReader): Promise<string> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${reasonOf(error)}`, EXIT.usage);
  }
}

function jsonOf(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${path} is not JSON: ${reasonOf(error)}`, EXIT.usage);
  }
}

/** As it is written, or as `GET …/authorization-models/ID` answers it. */
function modelIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return (Reflect.get(value, 'authorization_model') as unknown) ?? value;
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return undefined;
  throw new CommandError(`a module cannot be read: ${reasonOf(error)}`, EXIT.usage);
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
