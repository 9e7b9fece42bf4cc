/**
 * The DSL ⇄ Model. Reading keeps the place of every word, for problems to point at. What is printed
 * can be read back: the DSL has no words for some of what JSON allows (a parameter of type `any`,
 * a direct part that is subtracted, names that are keywords), and a text that is not the model
 * would be worse than none.
 */
import { transformer } from '@openfga/syntax-transformer';
import { PembaError } from '../errors.js';
import { declare } from './declarations.js';
import { parseDsl } from './dsl-parse.js';
import { hasDirect } from './model.js';
import type { Model, RelationDefinition, Rewrite, SourceInfo, TypeDefinition } from './model.js';
import { Positions } from './positions.js';
import { invalidModel, quote } from './problem.js';
import type { ModelProblem } from './problem.js';
import { isSchemaVersion, schemaVersionProblem } from './schema-version.js';
import { modelToWire } from './wire.js';

export interface ModelWithPositions {
  readonly model: Model;
  readonly positions: Positions;
}

/** The model, or all that keeps the text from being one. */
export type ReadModel =
  | ({ readonly ok: true } & ModelWithPositions)
  | { readonly ok: false; readonly problems: readonly ModelProblem[] };

export const modelFromDsl = (text: string): ModelWithPositions => modelOrThrow(readDsl(text));

export function modelOrThrow(read: ReadModel): ModelWithPositions {
  if (!read.ok) throw invalidModel(read.problems);
  return read;
}

export function readDsl(text: string): ReadModel {
  const positions = new Positions();
  const parsed = parseDsl(text, positions);
  if (!parsed.ok) return parsed;
  const { header } = parsed.document;
  if (header.kind === 'module') {
    const message =
      `this is the module ${quote(header.name)}: a model begins with 'model' and ` +
      "'schema 1.1'; modules are put together by an fga.mod file";
    return { ok: false, problems: [{ message, position: header.position }] };
  }
  const { schemaVersion } = header;
  if (!isSchemaVersion(schemaVersion)) {
    const message = schemaVersionProblem(schemaVersion);
    return { ok: false, problems: [{ message, position: header.position }] };
  }
  const { types, conditions, problems } = declare([{ document: parsed.document }], positions);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, model: { schemaVersion, types, conditions }, positions };
}

/** Of a model without problems; those can make another text of it. */
export function modelToDsl(model: Model): string {
  const wire: unknown = modelToWire(printable(model));
  const text = transformer.transformJSONToDSL(wire as PrinterInput, {
    includeSourceInformation: true,
  });
  const parsed = parseDsl(text, new Positions());
  if (parsed.ok) return text;
  const [problem] = parsed.problems;
  const line = text.split('\n')[(problem?.position?.line ?? 0) - 1] ?? '';
  const reason = `${problem?.message ?? ''} in ${quote(line.trim())}`;
  throw new PembaError('invalid_model', `the DSL cannot express this model, JSON can: ${reason}`);
}

/** The SDK's type of the JSON: the same shape, but without `readonly`. */
type PrinterInput = Parameters<typeof transformer.transformJSONToDSL>[0];

/**
 * The same model as the printer can take it: every direct part is the first operand, and the origin
 * of a definition is whole or absent.
 */
function printable(model: Model): Model {
  const types = new Map<string, TypeDefinition>();
  for (const type of model.types.values()) {
    const relations = new Map<string, RelationDefinition>();
    for (const relation of type.relations.values()) {
      const rewrite = directFirst(relation.rewrite);
      if (rewrite === undefined) {
        const message =
          'the DSL cannot express this, JSON can: ' +
          "it has '[…]' once at most, and not after 'but not'";
        throw invalidModel([{ message, type: type.name, relation: relation.name }]);
      }
      relations.set(relation.name, withWholeSource({ ...relation, rewrite }));
    }
    types.set(type.name, withWholeSource({ ...type, relations }));
  }
  const conditions = new Map(
    [...model.conditions].map(([name, condition]) => [name, withWholeSource(condition)]),
  );
  return { schemaVersion: model.schemaVersion, types, conditions };
}

/**
 * With the direct part as its first leaf, where the DSL has it: operands of `or` and of `and` may
 * change places. Undefined when that is not enough.
 */
function directFirst(rewrite: Rewrite): Rewrite | undefined {
  switch (rewrite.kind) {
    case 'direct':
    case 'computed':
    case 'from':
      return rewrite;
    case 'union':
    case 'intersection': {
      const [direct, second] = rewrite.operands.filter(hasDirect);
      if (direct === undefined) return rewrite;
      const first = second === undefined ? directFirst(direct) : undefined;
      const others = rewrite.operands.filter((operand) => operand !== direct);
      return first && { kind: rewrite.kind, operands: [first, ...others] };
    }
    case 'exclusion': {
      const base = hasDirect(rewrite.subtract) ? undefined : directFirst(rewrite.base);
      return base && { ...rewrite, base };
    }
  }
}

/** The printer sorts modules by their files and fails when some have none. */
function withWholeSource<T extends { readonly source?: SourceInfo }>(definition: T): T {
  const { source, ...rest } = definition;
  const isWhole = source?.module !== undefined && source.file !== undefined;
  return isWhole ? definition : (rest as T);
}
