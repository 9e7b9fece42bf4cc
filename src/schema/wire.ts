/**
 * OpenFGA's JSON for authorization models ⇄ Model. Reading is tolerant of spelling (`WireObject`)
 * and strict about shape: whatever a Model cannot hold (two types of one name, a rewrite of two
 * kinds, a restriction that is a wildcard and a userset) is refused here with its path. What the
 * shape allows and the rules do not is for `validateModel` to tell. Writing yields what OpenFGA
 * itself answers: every member is present, an empty one as '', [], {} or null.
 */
import { SCALAR_TYPES } from '../condition/parameter.js';
import type { ParameterType, ScalarType } from '../condition/parameter.js';
import { unreachable } from '../errors.js';
import { PARAMETER_DEPTH_MAX, REWRITE_DEPTH_MAX } from './limits.js';
import type {
  Model,
  ModelCondition,
  RelationDefinition,
  Rewrite,
  SourceInfo,
  SubjectRestriction,
  TypeDefinition,
} from './model.js';
import { quote } from './problem.js';
import { isSchemaVersion, schemaVersionProblem } from './schema-version.js';
import { WireObject } from './wire-object.js';

type Named<T> = Readonly<Record<string, T>>;
type Empty = Readonly<Record<string, never>>;

export interface WireModel {
  readonly schema_version: string;
  readonly type_definitions: readonly WireType[];
  readonly conditions: Named<WireCondition>;
}

export interface WireSource {
  readonly module: string;
  readonly source_info: { readonly file: string } | null;
}

export interface WireType {
  readonly type: string;
  readonly relations: Named<WireRewrite>;
  readonly metadata: (WireSource & { readonly relations: Named<WireRelationMetadata> }) | null;
}

export interface WireRelationMetadata extends WireSource {
  readonly directly_related_user_types: readonly WireRestriction[];
}

export interface WireRestriction {
  readonly type: string;
  readonly relation?: string;
  readonly wildcard?: Empty;
  readonly condition: string;
}

export interface WireObjectRelation {
  readonly object: '';
  readonly relation: string;
}

export type WireRewrite =
  | { readonly this: Empty }
  | { readonly computedUserset: WireObjectRelation }
  | {
      readonly tupleToUserset: {
        readonly tupleset: WireObjectRelation;
        readonly computedUserset: WireObjectRelation;
      };
    }
  | { readonly union: { readonly child: readonly WireRewrite[] } }
  | { readonly intersection: { readonly child: readonly WireRewrite[] } }
  | { readonly difference: { readonly base: WireRewrite; readonly subtract: WireRewrite } };

export interface WireCondition {
  readonly name: string;
  readonly expression: string;
  readonly parameters: Named<WireParameterType>;
  readonly metadata: WireSource | null;
}

export interface WireParameterType {
  readonly type_name: string;
  readonly generic_types: readonly WireParameterType[];
}

export function modelToWire(model: Model): WireModel {
  return {
    schema_version: model.schemaVersion,
    type_definitions: [...model.types.values()].map(typeToWire),
    conditions: named([...model.conditions.values()], conditionToWire),
  };
}

function typeToWire({ name, relations, source }: TypeDefinition): WireType {
  const definitions = [...relations.values()];
  return {
    type: name,
    relations: named(definitions, ({ rewrite }) => rewriteToWire(rewrite)),
    metadata:
      definitions.length === 0 && source === undefined
        ? null
        : {
            relations: named(definitions, (relation) => ({
              directly_related_user_types: relation.restrictions.map(restrictionToWire),
              ...sourceToWire(relation.source),
            })),
            ...sourceToWire(source),
          },
  };
}

function rewriteToWire(rewrite: Rewrite): WireRewrite {
  switch (rewrite.kind) {
    case 'direct':
      return { this: {} };
    case 'computed':
      return { computedUserset: objectRelation(rewrite.relation) };
    case 'from':
      return {
        tupleToUserset: {
          tupleset: objectRelation(rewrite.tupleset),
          computedUserset: objectRelation(rewrite.relation),
        },
      };
    case 'union':
      return { union: { child: rewrite.operands.map(rewriteToWire) } };
    case 'intersection':
      return { intersection: { child: rewrite.operands.map(rewriteToWire) } };
    case 'exclusion':
      return {
        difference: {
          base: rewriteToWire(rewrite.base),
          subtract: rewriteToWire(rewrite.subtract),
        },
      };
  }
}

const objectRelation = (relation: string): WireObjectRelation => ({ object: '', relation });

function restrictionToWire(restriction: SubjectRestriction): WireRestriction {
  const { type, kind, relation, condition = '' } = restriction;
  switch (kind) {
    case 'object':
      return { type, condition };
    case 'wildcard':
      return { type, wildcard: {}, condition };
    case 'userset':
      return { type, relation, condition };
    default:
      return unreachable(kind);
  }
}

function conditionToWire(condition: ModelCondition): WireCondition {
  return {
    name: condition.name,
    expression: condition.expression,
    parameters: Object.fromEntries(
      Object.entries(condition.parameters).map(([name, type]) => [name, parameterToWire(type)]),
    ),
    metadata: condition.source === undefined ? null : sourceToWire(condition.source),
  };
}

const parameterToWire = (type: ParameterType): WireParameterType => ({
  type_name: wireTypeName(type.kind),
  generic_types: 'of' in type ? [parameterToWire(type.of)] : [],
});

const wireTypeName = (kind: ParameterType['kind']): string => `TYPE_NAME_${kind.toUpperCase()}`;

const sourceToWire = (source: SourceInfo | undefined): WireSource => ({
  module: source?.module ?? '',
  source_info: source?.file === undefined ? null : { file: source.file },
});

/** `fromEntries` makes own members of all names, `__proto__` too. */
const named = <T extends { readonly name: string }, U>(
  items: readonly T[],
  convert: (item: T) => U,
): Named<U> => Object.fromEntries(items.map((item) => [item.name, convert(item)]));

export function modelFromWire(value: unknown): Model {
  const root = new WireObject(value, '');
  const schemaVersion = root.requiredText('schema_version');
  if (!isSchemaVersion(schemaVersion)) {
    throw root.refusal(`schema_version: ${schemaVersionProblem(schemaVersion)}`);
  }
  const types = new Map<string, TypeDefinition>();
  for (const object of root.list('type_definitions')) {
    const type = readType(object);
    if (types.has(type.name)) throw object.refusal(`type ${quote(type.name)} is already defined`);
    types.set(type.name, type);
  }
  const conditions = new Map(
    [...root.map('conditions')].map(([key, object]) => [key, readCondition(key, object)]),
  );
  return { schemaVersion, types, conditions };
}

function readType(object: WireObject): TypeDefinition {
  const metadata = object.object('metadata');
  const relationMetadata = metadata?.map('relations');
  const relations = new Map<string, RelationDefinition>();
  for (const [name, rewrite] of object.map('relations')) {
    const about = relationMetadata?.get(name);
    relations.set(name, {
      name,
      rewrite: readRewrite(rewrite, 1),
      restrictions: about?.list('directly_related_user_types').map(readRestriction) ?? [],
      ...readSource(about),
    });
  }
  return { name: object.text('type'), relations, ...readSource(metadata) };
}

const REWRITE_MEMBERS = [
  'this',
  'computed_userset',
  'tuple_to_userset',
  'union',
  'intersection',
  'difference',
] as const;

function readRewrite(object: WireObject, depth: number): Rewrite {
  if (depth > REWRITE_DEPTH_MAX) {
    throw object.refusal(`a rewrite may be nested ${REWRITE_DEPTH_MAX} levels deep at most`);
  }
  const [member, second] = REWRITE_MEMBERS.filter((name) => object.has(name));
  if (member === undefined) {
    throw object.refusal(
      'must have one of this, computedUserset, tupleToUserset, union, intersection, difference',
    );
  }
  if (second !== undefined) throw object.refusal(`cannot have both ${member} and ${second}`);
  const body = object.requiredObject(member);
  const operand = (child: WireObject): Rewrite => readRewrite(child, depth + 1);
  switch (member) {
    case 'this':
      return { kind: 'direct' };
    case 'computed_userset':
      return { kind: 'computed', relation: body.requiredText('relation') };
    case 'tuple_to_userset':
      return {
        kind: 'from',
        tupleset: body.requiredObject('tupleset').requiredText('relation'),
        relation: body.requiredObject('computed_userset').requiredText('relation'),
      };
    case 'union':
    case 'intersection':
      return { kind: member, operands: body.list('child').map(operand) };
    case 'difference':
      return {
        kind: 'exclusion',
        base: operand(body.requiredObject('base')),
        subtract: operand(body.requiredObject('subtract')),
      };
  }
}

function readRestriction(object: WireObject): SubjectRestriction {
  const type = object.requiredText('type');
  const relation = object.text('relation');
  const condition = object.text('condition');
  const wildcard = object.object('wildcard') !== undefined;
  if (wildcard && relation !== '') {
    throw object.refusal(
      `is both ${quote(`${type}:*`)} and ${quote(`${type}#${relation}`)}; make it two entries`,
    );
  }
  const kind = wildcard ? 'wildcard' : relation === '' ? 'object' : 'userset';
  return { type, kind, relation, ...(condition !== '' && { condition }) };
}

function readCondition(key: string, object: WireObject): ModelCondition {
  const name = object.text('name');
  if (name !== key) {
    throw object.refusal(`its name must be its key, ${quote(key)}, not ${quote(name)}`);
  }
  const parameters = Object.create(null) as Record<string, ParameterType>;
  for (const [parameter, type] of object.map('parameters')) {
    parameters[parameter] = readParameterType(type, 1);
  }
  return {
    name,
    expression: object.text('expression'),
    parameters,
    ...readSource(object.object('metadata')),
  };
}

const SCALARS: ReadonlyMap<string, ScalarType> = new Map(
  SCALAR_TYPES.map((kind) => [wireTypeName(kind), kind]),
);

function readParameterType(object: WireObject, depth: number): ParameterType {
  if (depth > PARAMETER_DEPTH_MAX) {
    throw object.refusal(`types may be nested ${PARAMETER_DEPTH_MAX} levels deep at most`);
  }
  const typeName = object.requiredText('type_name');
  const [element, second] = object.list('generic_types');
  const scalar = SCALARS.get(typeName);
  if (scalar !== undefined) {
    if (element !== undefined) throw object.refusal(`${typeName} has no generic_types`);
    return { kind: scalar };
  }
  if (typeName !== 'TYPE_NAME_LIST' && typeName !== 'TYPE_NAME_MAP') {
    const known = [...SCALARS.keys(), 'TYPE_NAME_LIST', 'TYPE_NAME_MAP'].join(', ');
    throw object.refusal(`type_name must be one of ${known}, not ${quote(typeName)}`);
  }
  if (element === undefined || second !== undefined) {
    throw object.refusal(`${typeName} must have exactly one of generic_types: its elements' type`);
  }
  return {
    kind: typeName === 'TYPE_NAME_LIST' ? 'list' : 'map',
    of: readParameterType(element, depth + 1),
  };
}

/** To be spread: no `source` at all when neither a module nor a file is named. */
function readSource(about: WireObject | undefined): { readonly source?: SourceInfo } {
  const module = about?.text('module') ?? '';
  const file = about?.object('source_info')?.text('file') ?? '';
  if (module === '' && file === '') return {};
  return { source: { ...(module !== '' && { module }), ...(file !== '' && { file }) } };
}
