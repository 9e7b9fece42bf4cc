/**
 * No cycle of computed relations: with `a: b` and `b: [user] or a`, each would have to be evaluated
 * before the other, at the same object. (A cycle through a tuple, as in `viewer from parent`, is
 * fine: it ends where the tuples end.)
 */
import type { RelationDefinition, Rewrite, TypeDefinition } from './model.js';

export interface ComputedCycles {
  /** Disjoint cycles, at least one of each group of relations that run in circles. */
  readonly cycles: readonly (readonly RelationDefinition[])[];
  /** All relations that are on a cycle or lead into one. */
  readonly caught: ReadonlySet<RelationDefinition>;
}

export function computedCycles(type: TypeDefinition): ComputedCycles {
  const targets = new Map<RelationDefinition, readonly RelationDefinition[]>();
  for (const relation of type.relations.values()) {
    const names = new Set(computedNames(relation.rewrite));
    names.delete(relation.name); // told on its own, see references.ts
    targets.set(
      relation,
      [...names].flatMap((name) => type.relations.get(name) ?? []),
    );
  }
  const caught = withoutEnd(targets);
  const cycles: RelationDefinition[][] = [];
  const seen = new Set<RelationDefinition>();
  for (const start of caught) {
    const path: RelationDefinition[] = [];
    let at: RelationDefinition | undefined = start;
    while (at !== undefined && !seen.has(at)) {
      seen.add(at);
      path.push(at);
      at = targets.get(at)?.find((target) => caught.has(target));
    }
    const from = at === undefined ? -1 : path.indexOf(at);
    if (from >= 0) cycles.push(path.slice(from));
  }
  return { cycles, caught };
}

/** What remains when relations that lead nowhere are taken away, again and again. */
function withoutEnd(
  targets: ReadonlyMap<RelationDefinition, readonly RelationDefinition[]>,
): ReadonlySet<RelationDefinition> {
  const sources = new Map<RelationDefinition, RelationDefinition[]>();
  const left = new Map<RelationDefinition, number>();
  for (const [relation, to] of targets) {
    left.set(relation, to.length);
    for (const target of to) {
      const others = sources.get(target);
      if (others === undefined) sources.set(target, [relation]);
      else others.push(relation);
    }
  }
  const ends = [...targets.keys()].filter((relation) => left.get(relation) === 0);
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
    left.delete(end);
    for (const source of sources.get(end) ?? []) {
      const remaining = (left.get(source) ?? 0) - 1;
      left.set(source, remaining);
      if (remaining === 0) ends.push(source);
    }
  }
  return new Set(left.keys());
}

function computedNames(rewrite: Rewrite): readonly string[] {
  switch (rewrite.kind) {
    case 'direct':
    case 'from':
      return [];
    case 'computed':
      return [rewrite.relation];
    case 'union':
    case 'intersection':
      return rewrite.operands.flatMap(computedNames);
    case 'exclusion':
      return [...computedNames(rewrite.base), ...computedNames(rewrite.subtract)];
  }
}
