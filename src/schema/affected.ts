/** Which relations can have other members under one model than under another, whatever the tuples. */
import { isSameCondition } from './compare-conditions.js';
import { Influence } from './influence.js';
import type { Model, RelationDefinition } from './model.js';
import { normalOf } from './normal-form.js';

/** `document#viewer`: those that differ or exist in one model only, and all that they can change. */
export function affectedRelations(before: Model, after: Model): ReadonlySet<string> {
  const changed = new Set<string>();
  const conditions = new Set([...before.conditions.keys(), ...after.conditions.keys()]);
  for (const name of conditions) {
    if (isSameCondition(before.conditions.get(name), after.conditions.get(name))) {
      conditions.delete(name);
    }
  }
  for (const [one, other] of [
    [before, after],
    [after, before],
  ] as const) {
    for (const type of one.types.values()) {
      for (const relation of type.relations.values()) {
        const same = other.types.get(type.name)?.relations.get(relation.name);
        if (same === undefined || differs(relation, same, conditions)) {
          changed.add(`${type.name}#${relation.name}`);
        }
      }
    }
  }
  return new Influence([before, after]).followersOf(changed);
}

/** A tupleset is read by its restrictions too, which its rule alone shows. */
const differs = (
  before: RelationDefinition,
  after: RelationDefinition,
  changedConditions: ReadonlySet<string>,
): boolean =>
  normalOf(before).text !== normalOf(after).text ||
  after.restrictions.some(
    ({ condition }) => condition !== undefined && changedConditions.has(condition),
  );
