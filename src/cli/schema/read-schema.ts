/**
 * A schema from a file, as its ending says: the DSL (`.fga`), a manifest with its modules (`.mod`), or
 * OpenFGA's JSON (`.json`), bare or as the server answers it. What is wrong with it is thrown as
 * `invalid_model` with a line for each problem; whether it obeys the rules is for `validateModel`.
 */
import { dirname, extname, join } from 'node:path';
import { modelFromDsl } from '../../schema/dsl.js';
import type { Model } from '../../schema/model.js';
import { modelFromModules, moduleFiles } from '../../schema/modules.js';
import type { Positions } from '../../schema/positions.js';
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

export async function readSchema(path: string, around: FileReader): Promise<ReadSchema> {
  const text = await readText(path, around);
  switch (extname(path)) {
    case '.fga':
      return { ...modelFromDsl(text), files: new Map([['', text]]) };
    case '.mod':
      return readModules(path, text, around);
    case '.json':
      return { model: modelFromWire(modelIn(jsonOf(path, text))), files: new Map([['', text]]) };
    default:
      throw new CommandError(`${path}: a schema's name ends in .fga, .mod or .json`, EXIT.usage);
  }
}

async function readModules(
  path: string,
  manifest: string,
  around: FileReader,
): Promise<ReadSchema> {
  const modules = new Map<string, string>();
  for (const name of moduleFiles(manifest)) {
    // What is missing is told as a problem of the manifest, with its place.
    const text = await around.readFile(join(dirname(path), name)).catch(unlessMissing);
    if (text !== undefined) modules.set(name, text);
  }
  return {
    ...modelFromModules(manifest, modules),
    files: new Map([...modules, ['fga.mod', manifest]]),
  };
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
