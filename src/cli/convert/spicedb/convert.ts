/** What `pemba convert spicedb` makes of its files: pure, but for reading a schema that is named. */
import { modelFromDsl, modelToDsl } from '../../../schema/dsl.js';
import { compilePlan } from '../../../schema/plan.js';
import { validateModel } from '../../../schema/validate.js';
import { DEFAULT_MODEL_LIMITS } from '../../../schema/limits.js';
import type { Model } from '../../../schema/model.js';
import type { Position } from '../../../schema/positions.js';
import { modelToWire } from '../../../schema/wire.js';
import { PembaError } from '../../../errors.js';
import { Findings, UnreadableInput } from '../finding.js';
import type { Finding } from '../finding.js';
import type { Catalogue } from './catalogue.js';
import { withComments } from './comments.js';
import { parsePlayground } from './playground.js';
import type { Line, Playground } from './playground.js';
import { parseRelationship, relationshipLines } from './relationship-text.js';
import { RelationshipConversion, tupleLine } from './relationships.js';
import { convertSchema } from './schema.js';
import { Assertions, storeFile } from './store-file.js';
import type { Schema } from './syntax.js';

export interface SpicedbFile {
  readonly path: string;
  readonly text: string;
}

/** Of a file that need not fit into memory. */
export interface SpicedbLines {
  readonly path: string;
  readonly lines: Iterable<string>;
}

export interface SpicedbInput {
  /** A schema, or a validation file where it ends in `.yaml` or `.yml`. */
  readonly schema: SpicedbFile;
  readonly relationships?: SpicedbLines;
  /** Of the store that is made. */
  readonly name: string;
  /** A schema file that a validation file names, by its path there. */
  readonly readNamed: (path: string) => SpicedbFile;
}

export interface ConvertedFile {
  readonly name: string;
  readonly text: string;
}

export interface Conversion {
  readonly model: ConvertedFile;
  readonly store: ConvertedFile;
  readonly tupleCount: number;
  readonly testCount: number;
  readonly findings: readonly Finding[];
}

export const TUPLE_FILE = 'tuples.jsonl';

/** `write` takes each line of `TUPLE_FILE` as it is made, without its end. */
export function convertSpicedb(input: SpicedbInput, write: (line: string) => void): Conversion {
  const findings = new Findings();
  const playground = playgroundOf(input);
  const { text, position } = schemaLine(input, playground);
  const { model, catalogue, schema } = convertSchema(text, findings, position.file);
  const isValid = validateModel(model, { limits: DEFAULT_MODEL_LIMITS }).length === 0;
  const conversion = new RelationshipConversion(
    catalogue,
    findings,
    isValid ? compilePlan(model) : undefined,
  );
  let tupleCount = 0;
  for (const lines of relationshipsIn(input, playground)) {
    for (const line of tupleLines(lines, conversion, findings)) {
      write(line);
      tupleCount += 1;
    }
  }
  const tests = playground ? new Assertions(catalogue, conversion, findings).tests(playground) : [];
  const modelFile = modelFileOf(model, schema, catalogue, findings);
  const names = { name: input.name, modelFile: modelFile.name, tupleFile: TUPLE_FILE };
  return {
    model: modelFile,
    store: { name: 'store.fga.yaml', text: storeFile(names, tests) },
    tupleCount,
    testCount: tests.length,
    findings: findings.all(),
  };
}

const lineOf = ({ path, text }: SpicedbFile): Line => ({
  text,
  position: { line: 1, column: 1, file: path },
});

const playgroundOf = ({ schema }: SpicedbInput): Playground | undefined =>
  /\.ya?ml$/i.test(schema.path) ? parsePlayground(schema.text, schema.path) : undefined;

/** Places in a schema inside a YAML file count from its first line there. */
function schemaLine(input: SpicedbInput, playground: Playground | undefined): Line {
  if (playground === undefined) return lineOf(input.schema);
  if (playground.schemaFile !== undefined) return lineOf(input.readNamed(playground.schemaFile));
  const { schema } = playground;
  const nowhere: Position = { line: 1, column: 1, file: input.schema.path };
  if (schema === undefined) throw new UnreadableInput("it has no 'schema'", nowhere);
  return {
    text: schema.text,
    position: { ...schema.position, file: `${input.schema.path}#schema` },
  };
}

type RelationshipLines = ReturnType<typeof relationshipLines>;

function* relationshipsIn(
  { relationships }: SpicedbInput,
  playground: Playground | undefined,
): Generator<RelationshipLines> {
  const own = playground?.relationships;
  if (own !== undefined) yield relationshipLines(own.text.split('\n'), own.position);
  if (relationships === undefined) return;
  const { path, lines } = relationships;
  yield relationshipLines(lines, { line: 1, column: 1, file: path });
}

function* tupleLines(
  lines: RelationshipLines,
  conversion: RelationshipConversion,
  findings: Findings,
): Generator<string> {
  for (const { text, position } of lines) {
    try {
      yield* conversion.tuples(parseRelationship(text, position)).map(tupleLine);
    } catch (error) {
      if (!(error instanceof UnreadableInput)) throw error;
      findings.add('missing', `left out: ${error.message}`, error.position);
    }
  }
}

/** The language has no word for some of what a model can hold, such as parameters of type `any`. */
function modelFileOf(
  model: Model,
  schema: Schema,
  catalogue: Catalogue,
  findings: Findings,
): ConvertedFile {
  try {
    const dsl = modelToDsl(model);
    modelFromDsl(dsl);
    return { name: 'model.fga', text: withComments(dsl, schema, catalogue) };
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    findings.add('changed', `the model is written as JSON: ${error.message.split('\n')[0] ?? ''}`);
    return { name: 'model.json', text: `${JSON.stringify(modelToWire(model), null, 2)}\n` };
  }
}
