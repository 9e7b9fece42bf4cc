/** What differs between two models; see `change.ts` for how it is classified. */
import { classOf } from './change.js';
import type { Change, LocalChange } from './change.js';
import { changesOfConditions } from './compare-conditions.js';
import { changesOfRelation } from './compare-relations.js';
import { implicationChanges } from './implications.js';
import type { ImplicationChanges } from './implications.js';
import { Influence } from './influence.js';
import { NARROWS, NO_EFFECT } from './normal-form.js';
import type { Model, RelationDefinition, TypeDefinition } from './model.js';

export interface Comparison {
  readonly changes: readonly Change[];
  readonly implications: ImplicationChanges;
}

export function compareModels(before: Model, after: Model): Comparison {
  const influence = new Influence([before, after]);
  const changes = [...localChanges(before, after)].map((change): Change => ({
    ...change,
    class: classOf(change),
    reaches: change.effect === NO_EFFECT ? [] : influence.of(change.place, change.effect),
  }));
  return { changes, implications: implicationChanges(before, after) };
}

function* localChanges(before: Model, after: Model): Generator<LocalChange> {
  if (before.schemaVersion !== after.schemaVersion) {
    yield {
      kind: 'schema_version',
      place: {},
      message: `the schema version is ${after.schemaVersion} instead of ${before.schemaVersion}`,
      effect: NO_EFFECT,
      before: before.schemaVersion,
      after: after.schemaVersion,
    };
  }
  for (const type of before.types.values()) {
    if (!after.types.has(type.name)) yield typeRemoved(type, before, after);
  }
  for (const type of after.types.values()) {
    const old = before.types.get(type.name);
    if (old === undefined) yield typeAdded(type);
    else yield* changesOfType(old, type);
  }
  yield* changesOfConditions(before, after);
}

function typeRemoved(type: TypeDefinition, before: Model, after: Model): LocalChange {
  const successor = [...after.types.values()].find(
    (each) => !before.types.has(each.name) && isAlike(type, each),
  );
  const hint = successor === undefined ? '' : `; it looks as if it were now '${successor.name}'`;
  return {
    kind: 'type_removed',
    place: { type: type.name, module: type.source?.module },
    message: `type '${type.name}' is gone${hint}`,
    effect: NARROWS,
    breaks: { type: type.name },
  };
}

/** Under other names at the most: the same relations with the same rules. */
const isAlike = (a: TypeDefinition, b: TypeDefinition): boolean =>
  a.relations.size > 0 &&
  a.relations.size === b.relations.size &&
  [...a.relations.values()].every((relation) => {
    const other = b.relations.get(relation.name);
    return other !== undefined && changesOfRelation(a.name, relation, other).next().done === true;
  });

const typeAdded = (type: TypeDefinition): LocalChange => ({
  kind: 'type_added',
  place: { type: type.name, module: type.source?.module },
  message: `type '${type.name}' is new`,
  effect: NO_EFFECT,
});

function* changesOfType(before: TypeDefinition, after: TypeDefinition): Generator<LocalChange> {
  const type = after.name;
  if (before.source?.module !== after.source?.module) yield moved(type, undefined, before, after);
  for (const relation of before.relations.values()) {
    if (!after.relations.has(relation.name)) yield relationRemoved(before, after, relation);
  }
  for (const relation of after.relations.values()) {
    const old = before.relations.get(relation.name);
    if (old === undefined) {
      yield {
        kind: 'relation_added',
        place: { type, relation: relation.name, module: moduleOf(after, relation) },
        message: `relation '${type}#${relation.name}' is new`,
        effect: NO_EFFECT,
      };
      continue;
    }
    if (old.source?.module !== relation.source?.module) {
      yield moved(type, relation.name, old, relation);
    }
    for (const change of changesOfRelation(type, old, relation)) {
      yield { ...change, place: { ...change.place, module: moduleOf(after, relation) } };
    }
  }
}

function relationRemoved(
  before: TypeDefinition,
  after: TypeDefinition,
  relation: RelationDefinition,
): LocalChange {
  const type = before.name;
  const successor = [...after.relations.values()].find(
    (each) =>
      !before.relations.has(each.name) &&
      changesOfRelation(type, relation, { ...each, name: relation.name }).next().done === true,
  );
  const hint = successor === undefined ? '' : `; it looks as if it were now '${successor.name}'`;
  const { name, restrictions } = relation;
  return {
    kind: 'relation_removed',
    place: { type, relation: name, module: moduleOf(before, relation) },
    message: `relation '${type}#${name}' is gone${hint}`,
    effect: NARROWS,
    ...(restrictions.length > 0 && { breaks: { type, relation: name } }),
  };
}

interface Sourced {
  readonly source?: { readonly module?: string };
}

/** Who may write its tuples changes with the module; who has access does not. */
function moved(
  type: string,
  relation: string | undefined,
  before: Sourced,
  after: Sourced,
): LocalChange {
  const [from, to] = [before, after].map(({ source }) => source?.module ?? 'no module');
  const what = relation === undefined ? `type '${type}'` : `relation '${type}#${relation}'`;
  return {
    kind: 'module',
    place: {
      type,
      ...(relation !== undefined && { relation }),
      module: after.source?.module,
    },
    message: `${what} moves from ${from ?? ''} to ${to ?? ''}`,
    effect: NO_EFFECT,
    ...(from !== undefined && { before: from }),
    ...(to !== undefined && { after: to }),
  };
}

const moduleOf = (type: TypeDefinition, relation: RelationDefinition): string | undefined =>
  relation.source?.module ?? type.source?.module;
