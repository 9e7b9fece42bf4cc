/** A store file and all that it names, read strictly: see `store-file.ts` for the format. */
import { basename, dirname, join } from 'node:path';
import { modelFromDsl } from '../../schema/dsl.js';
import { parseInstant } from '../../quantity.js';
import { parseObject } from '../../tuple/tuple.js';
import { usageError } from '../command-error.js';
import { readSchema } from '../schema/read-schema.js';
import type { FileReader, ReadSchema } from '../schema/read-schema.js';
import { readTupleFile } from '../tuple/tuple-file.js';
import { tupleOfMembers } from '../tuple/tuple-members.js';
import { readAssertions } from './read-assertions.js';
import { objectOf } from './read-values.js';
import type { EntityAttributes, PlacedTuple, StoreFile, StoreTest } from './store-file.js';
import { parseYamlFile } from './yaml-item.js';
import type { YamlItem } from './yaml-item.js';

const TUPLES = ['tuples', 'tuple_file', 'tuple_files'] as const;
const ROOT = [
  'name',
  'model',
  'model_file',
  ...TUPLES,
  'attributes',
  'attributes_file',
  'now',
  'tests',
] as const;
const QUESTIONS = ['check', 'delegated_check', 'list_objects', 'list_users'] as const;
const TEST = ['name', 'description', ...TUPLES, 'now', ...QUESTIONS] as const;

type Members<Name extends string> = Partial<Record<Name, YamlItem>>;

/**
 * Usage errors name the file, and where they can the line and column. What is wrong with a model is
 * thrown as `invalid_model`.
 */
export async function readStoreFile(path: string, around: FileReader): Promise<StoreFile> {
  const root = parseYamlFile(path, await textOf(path, around));
  const members = root.members('a store file', ROOT);
  const reading = new Reading(path, around);
  const { schema, modelPath } = await reading.model(root, members);
  const now = members.now && instantOf(members.now);
  const tests: StoreTest[] = [];
  for (const item of members.tests?.list('tests') ?? []) tests.push(await reading.test(item, now));
  return {
    path,
    name: members.name?.text('name') ?? basename(path),
    schema,
    modelPath,
    tuples: await reading.tuples(members),
    attributes: [
      ...(await reading.attributesFile(members.attributes_file)),
      ...attributesOf(members.attributes),
    ],
    tests,
  };
}

async function textOf(path: string, { readFile }: FileReader): Promise<string> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(`${path} cannot be read: ${reason}`);
  }
}

class Reading {
  readonly #path: string;
  readonly #around: FileReader;

  constructor(path: string, around: FileReader) {
    this.#path = path;
    this.#around = around;
  }

  async model(
    root: YamlItem,
    { model, model_file: file }: Members<'model' | 'model_file'>,
  ): Promise<Pick<StoreFile, 'schema' | 'modelPath'>> {
    if (model !== undefined) {
      if (file !== undefined) throw file.problem('there is a model already');
      return { schema: inlineSchema(model), modelPath: this.#path };
    }
    if (file === undefined) throw root.problem("there is no 'model' and no 'model_file'");
    const modelPath = this.#pathOf(file, 'model_file');
    const schema = await readSchema(modelPath, this.#around);
    return { schema, modelPath };
  }

  async test(item: YamlItem, now: number | undefined): Promise<StoreTest> {
    const members = item.members('a test', TEST);
    if (members.name === undefined) throw item.problem("a test has a 'name'");
    return {
      place: item.place,
      name: members.name.text('name'),
      description: members.description?.text('description'),
      tuples: await this.tuples(members),
      now: members.now === undefined ? now : instantOf(members.now),
      assertions: QUESTIONS.flatMap((kind) => {
        const asked = members[kind];
        return asked === undefined ? [] : readAssertions(kind, asked);
      }),
    };
  }

  async tuples(members: Members<(typeof TUPLES)[number]>): Promise<readonly PlacedTuple[]> {
    const files = [
      ...(members.tuple_file === undefined ? [] : [members.tuple_file]),
      ...(members.tuple_files?.list('tuple_files') ?? []),
    ];
    const inline = members.tuples?.list('tuples').map(tupleOf) ?? [];
    const lists: (readonly PlacedTuple[])[] = [];
    for (const file of files) lists.push(await this.#tupleFile(file));
    return [...lists.flat(), ...inline];
  }

  async #tupleFile(item: YamlItem): Promise<readonly PlacedTuple[]> {
    const path = this.#pathOf(item, 'tuple_file');
    const tuples: PlacedTuple[] = [];
    for await (const read of readTupleFile(path)) {
      const { line } = read;
      if ('problem' in read) throw usageError(`${path}:${line}: ${read.problem}`);
      tuples.push({ place: { file: path, line }, tuple: read.tuple });
    }
    return tuples;
  }

  async attributesFile(item: YamlItem | undefined): Promise<readonly EntityAttributes[]> {
    if (item === undefined) return [];
    const path = this.#pathOf(item, 'attributes_file');
    // JSON is YAML.
    return attributesOf(parseYamlFile(path, await textOf(path, this.#around)));
  }

  #pathOf(item: YamlItem, what: string): string {
    const path = join(dirname(this.#path), item.text(what));
    return path;
  }
}

/** What is said of it names lines of the store file: as many empty ones stand before the text. */
function inlineSchema(model: YamlItem): ReadSchema {
  const text = '\n'.repeat(model.isLiteral ? model.place.line : 0) + model.text('model');
  return { ...modelFromDsl(text), files: new Map([['', text]]) };
}

function tupleOf(item: YamlItem): PlacedTuple {
  const tuple = tupleOfMembers(item.value());
  if (typeof tuple === 'string') throw item.problem(tuple);
  return { place: item.place, tuple };
}

function attributesOf(item: YamlItem | undefined): readonly EntityAttributes[] {
  return (item?.entries('attributes') ?? []).map(([name, attributes]) => {
    const entity = parseObject(name);
    if (entity === undefined) throw attributes.problem(`'${name}' is not of the form 'type:id'`);
    return { entity, attributes: objectOf(attributes, 'the attributes of an entity') };
  });
}

function instantOf(item: YamlItem): number {
  const instant = parseInstant(item.text('now'));
  if (!Number.isNaN(instant)) return instant;
  throw item.problem('now must be an RFC 3339 time such as 2030-01-31T12:00:00Z');
}
