/** A SpiceDB schema's text to a model, and what has to be told about it. */
import { validateModel } from '../../../schema/validate.js';
import { entrypointProblems } from '../../../schema/entrypoints.js';
import { DEFAULT_MODEL_LIMITS } from '../../../schema/limits.js';
import type { Model, RelationDefinition, TypeDefinition } from '../../../schema/model.js';
import { formatProblem } from '../../../schema/problem.js';
import type { Findings } from '../finding.js';
import { Catalogue } from './catalogue.js';
import { parseSchema } from './parser.js';
import { withoutPartials } from './partials.js';
import type { Schema } from './syntax.js';
import { Translation } from './translation.js';

export interface ConvertedSchema {
  readonly model: Model;
  /** What relationships are converted by. */
  readonly catalogue: Catalogue;
  readonly schema: Schema;
}

export function convertSchema(text: string, findings: Findings, file?: string): ConvertedSchema {
  const schema = parseSchema(text, file);
  tellWhatIsDropped(schema, findings);
  const definitions = withoutPartials(schema, findings);
  const catalogue = new Catalogue(definitions, schema.caveats, findings);
  const relations = new Translation(catalogue, findings).relations();
  const types = new Map<string, TypeDefinition>();
  for (const [name, own] of relations) types.set(name, { name, relations: own });
  const conditions = new Map(
    Array.from(catalogue.conditions.values(), (condition) => [condition.name, condition]),
  );
  const model = withEntrypoints({ schemaVersion: '1.1', types, conditions }, catalogue);
  for (const problem of validateModel(model, { limits: DEFAULT_MODEL_LIMITS })) {
    findings.add('missing', `the model is not valid: ${formatProblem(problem)}`);
  }
  return { model, catalogue, schema };
}

function tellWhatIsDropped(schema: Schema, findings: Findings): void {
  for (const { text, position } of schema.imports) {
    const message = `'${text}' is not read: put the schema together with 'zed schema compile'`;
    findings.add('missing', message, position);
  }
  const [annotation] = schema.annotations;
  if (annotation !== undefined) {
    const message = 'annotations (@deprecated, types of permissions) are left out';
    findings.add('dropped', message, annotation);
  }
  const expiring = schema.definitions
    .flatMap(({ members }) => members)
    .flatMap((member) => (member.kind === 'relation' ? member.subjects : []))
    .find(({ expires }) => expires);
  if (expiring !== undefined) {
    const message = "'with expiration' is not said in a model: every tuple may expire";
    findings.add('dropped', message, expiring.type.position);
  }
}

/**
 * A valid model's relations can all be had by somebody, and this is judged by their shape. Where
 * SpiceDB allows one that leads only into itself, `[nobody] or …` adds nobody.
 */
function withEntrypoints(model: Model, catalogue: Catalogue): Model {
  const types = new Map(model.types);
  for (const { type: typeName, relation: name } of entrypointProblems(model, undefined)) {
    const type = types.get(typeName ?? '');
    const relation = type?.relations.get(name ?? '');
    if (type === undefined || relation === undefined) continue;
    const nobody = { type: catalogue.needNobody(), kind: 'object', relation: '' } as const;
    const open: RelationDefinition = {
      ...relation,
      rewrite:
        relation.rewrite.kind === 'direct'
          ? relation.rewrite
          : { kind: 'union', operands: [{ kind: 'direct' }, relation.rewrite] },
      restrictions: [...relation.restrictions, nobody],
    };
    const relations = new Map(type.relations).set(open.name, open);
    types.set(type.name, { ...type, relations });
  }
  const { nobody } = catalogue;
  if (nobody !== undefined) types.set(nobody, { name: nobody, relations: new Map() });
  return { ...model, types };
}
