/**
 * A model of modules as the files that it came from: each with what it defines, its extensions of other
 * modules' types, and a manifest. Comments and the order of types are not kept in a model.
 */
import { modelToDsl } from '../../schema/dsl.js';
import type {
  Model,
  ModelCondition,
  RelationDefinition,
  SourceInfo,
  TypeDefinition,
} from '../../schema/model.js';

interface Part {
  readonly module: string;
  readonly types: Map<string, TypeDefinition>;
  readonly extensions: Map<string, TypeDefinition>;
  readonly conditions: Map<string, ModelCondition>;
}

/** The file that a definition stands in says it. */
const NOWHERE: SourceInfo = {};

/** By name; undefined unless everything says which file of which module it is from. */
export function moduleTexts(model: Model): ReadonlyMap<string, string> | undefined {
  const parts = partsOf(model);
  if (parts === undefined || parts.size === 0) return undefined;
  const files = new Map([...parts].map(([file, part]) => [file, textOf(part)]));
  const contents = [...parts.keys()].map((file) => `  - ${file}\n`).join('');
  return new Map([['fga.mod', `schema: '1.2'\ncontents:\n${contents}`], ...files]);
}

function partsOf(model: Model): ReadonlyMap<string, Part> | undefined {
  const parts = new Map<string, Part>();
  const partOf = ({ source }: Pick<TypeDefinition, 'source'>): Part | undefined => {
    if (source?.module === undefined || source.file === undefined) return undefined;
    let part = parts.get(source.file);
    if (part === undefined) {
      const { module } = source;
      part = { module, types: new Map(), extensions: new Map(), conditions: new Map() };
      parts.set(source.file, part);
    }
    return part;
  };
  for (const type of model.types.values()) {
    const home = partOf(type);
    if (home === undefined) return undefined;
    const own = new Map<string, RelationDefinition>();
    home.types.set(type.name, { name: type.name, relations: own });
    for (const relation of type.relations.values()) {
      const part: Part | undefined = relation.source?.file === undefined ? home : partOf(relation);
      if (part === undefined) return undefined;
      const bare = { ...relation, source: NOWHERE };
      if (part === home) own.set(relation.name, bare);
      else extend(part, type.name, bare);
    }
  }
  for (const condition of model.conditions.values()) {
    const part = partOf(condition);
    if (part === undefined) return undefined;
    part.conditions.set(condition.name, { ...condition, source: NOWHERE });
  }
  return parts;
}

function extend(part: Part, type: string, relation: RelationDefinition): void {
  const before = part.extensions.get(type)?.relations ?? [];
  const relations = new Map([...before, [relation.name, relation] as const]);
  part.extensions.set(type, { name: type, relations });
}

/** What a model begins with stands before the first type. */
const BEFORE_TYPES = /^[^]*?(?=^(?:type|condition) )/m;

function textOf({ module, types, extensions, conditions }: Part): string {
  const own = bodyOf(types, conditions);
  const extended = bodyOf(extensions, new Map()).replaceAll(/^type /gm, 'extend type ');
  return [`module ${module}`, extended, own]
    .filter((text) => text !== '')
    .join('\n\n')
    .concat('\n');
}

function bodyOf(types: Part['types'], conditions: Part['conditions']): string {
  if (types.size + conditions.size === 0) return '';
  const text = modelToDsl({ schemaVersion: '1.2', types, conditions });
  return text.replace(BEFORE_TYPES, '').trim();
}
