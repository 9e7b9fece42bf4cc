/**
 * A model under another name of a relation or a type, and the models on the way there.
 *
 * While a relation has both names one of them is nothing but the other: `reader: viewer` as long as
 * tuples have the old name, `viewer: reader` once they have the new one. So both answer alike at every
 * moment, and a tuple of the wrong name is refused. A type cannot be another's alias: an object of it
 * is another object.
 */
import { relationAfter, typeAfter } from '../tuple/rename.js';
import type { Rename } from '../tuple/rename.js';
import { unreachable } from '../errors.js';
import type {
  Model,
  RelationDefinition,
  Rewrite,
  SubjectRestriction,
  TypeDefinition,
} from './model.js';

/**
 *   before ──▶ copying ──▶ cleaning ──▶ after
 *
 * Of a type: before is copying, and after is cleaning.
 */
export type RenameState =
  | { readonly kind: 'before' | 'copying' | 'cleaning' | 'after' }
  | { readonly kind: 'impossible'; readonly reason: string };

export function renameState(model: Model, { type, relation, to }: Rename): RenameState {
  if (relation === undefined) {
    const [old, next] = [model.types.has(type), model.types.has(to)];
    if (old && next) return impossible(`the model has both types, '${type}' and '${to}'`);
    if (!old && !next) return impossible(`the model has no type '${type}'`);
    return { kind: old ? 'copying' : 'after' };
  }
  const definition = model.types.get(type);
  if (definition === undefined) return impossible(`the model has no type '${type}'`);
  const old = definition.relations.get(relation);
  const next = definition.relations.get(to);
  if (old === undefined && next === undefined) {
    return impossible(`type '${type}' has no relation '${relation}'`);
  }
  if (next === undefined) return { kind: 'before' };
  if (old === undefined) return { kind: 'after' };
  if (isAlias(next, relation)) return { kind: 'copying' };
  if (isAlias(old, to)) return { kind: 'cleaning' };
  return impossible(`'${type}' has both relations, and neither is only the other one`);
}

const impossible = (reason: string): RenameState => ({ kind: 'impossible', reason });

const isAlias = ({ rewrite }: RelationDefinition, of: string): boolean =>
  rewrite.kind === 'computed' && rewrite.relation === of;

/** With the new name as an alias of the old one. */
export const withNewName = (model: Model, { type, relation = '', to }: Rename): Model =>
  withAlias(model, { type, alias: to, of: relation });

/** Under the new name, with the old one as its alias. */
export const withOldName = (model: Model, rename: Rename): Model =>
  withAlias(renamedModel(model, rename), {
    type: rename.type,
    alias: rename.relation ?? '',
    of: rename.to,
  });

function withAlias(
  model: Model,
  { type, alias, of }: { readonly type: string; readonly alias: string; readonly of: string },
): Model {
  return mapTypes(model, (definition) => {
    if (definition.name !== type) return definition;
    const relations = [...definition.relations].flatMap(([name, relation]) =>
      name === of
        ? [
            [name, relation] as const,
            [alias, { ...relation, name: alias, rewrite: computed(of), restrictions: [] }] as const,
          ]
        : [[name, relation] as const],
    );
    return { ...definition, relations: new Map(relations) };
  });
}

const computed = (relation: string): Rewrite => ({ kind: 'computed', relation });

/** Under the new name alone, also where one of both is an alias of the other. */
export function renamedModel(model: Model, rename: Rename): Model {
  const targets = (type: TypeDefinition, tupleset: string): readonly TypeDefinition[] =>
    (type.relations.get(tupleset)?.restrictions ?? []).flatMap(
      (restriction) => model.types.get(restriction.type) ?? [],
    );
  return mapTypes(model, (type) => ({
    ...type,
    name: typeAfter(rename, type.name),
    relations: new Map(
      definitionsOf(type, rename).map((relation) => {
        const name = relationAfter(rename, type.name, relation.name);
        return [
          name,
          {
            ...relation,
            name,
            rewrite: renamedRewrite(relation.rewrite, type, { rename, targets }),
            restrictions: relation.restrictions.map((each) => renamedRestriction(each, rename)),
          },
        ] as const;
      }),
    ),
  }));
}

/** Without the alias, where there is one. */
function definitionsOf(
  { name, relations }: TypeDefinition,
  { type, relation, to }: Rename,
): readonly RelationDefinition[] {
  const all = [...relations.values()];
  const old = relation === undefined || name !== type ? undefined : relations.get(relation);
  const next = old && relations.get(to);
  if (old === undefined || next === undefined) return all;
  return all.filter((each) => each !== (isAlias(next, old.name) ? next : old));
}

interface Renaming {
  readonly rename: Rename;
  readonly targets: (type: TypeDefinition, tupleset: string) => readonly TypeDefinition[];
}

function renamedRewrite(rewrite: Rewrite, type: TypeDefinition, renaming: Renaming): Rewrite {
  const { rename } = renaming;
  const inside = (operand: Rewrite): Rewrite => renamedRewrite(operand, type, renaming);
  switch (rewrite.kind) {
    case 'direct':
      return rewrite;
    case 'computed':
      return computed(relationAfter(rename, type.name, rewrite.relation));
    case 'from': {
      const tupleset = relationAfter(rename, type.name, rewrite.tupleset);
      const from = (relation: string): Rewrite => ({ kind: 'from', tupleset, relation });
      if (rewrite.relation !== rename.relation) return from(rewrite.relation);
      // Where it leads to other types as well, those keep their own relation of this name.
      const targets = renaming.targets(type, rewrite.tupleset);
      const others = targets.some(
        ({ name, relations }) => name !== rename.type && relations.has(rewrite.relation),
      );
      if (!targets.some(({ name }) => name === rename.type)) return from(rewrite.relation);
      if (!others) return from(rename.to);
      return { kind: 'union', operands: [from(rename.to), from(rewrite.relation)] };
    }
    case 'union':
    case 'intersection':
      return { ...rewrite, operands: rewrite.operands.map(inside) };
    case 'exclusion':
      return { ...rewrite, base: inside(rewrite.base), subtract: inside(rewrite.subtract) };
    default:
      return unreachable(rewrite);
  }
}

const renamedRestriction = (
  restriction: SubjectRestriction,
  rename: Rename,
): SubjectRestriction => ({
  ...restriction,
  type: typeAfter(rename, restriction.type),
  relation: relationAfter(rename, restriction.type, restriction.relation),
});

function mapTypes(model: Model, map: (type: TypeDefinition) => TypeDefinition): Model {
  const types = [...model.types.values()].map(map);
  return { ...model, types: new Map(types.map((type) => [type.name, type])) };
}
