/**
 * Ways (`schema/ways.ts`) tied to a graph: what to do with the edges of each kind. The walk goes over
 * the edges that an object has, and looks up what they mean, instead of asking for every kind that
 * they could have.
 */
import type { EdgeKind } from '../graph/reader.js';
import type { End, Way, Ways } from '../schema/ways.js';
import type { RelationIndex } from '../schema/plan.js';

export type Action = { readonly next: Action | undefined } & (
  | ({ readonly does: 'end' } & End)
  | ({ readonly does: 'userset' } & Way)
  | ({ readonly does: 'parent' } & Way)
);

export interface Actions {
  /** By edge kind; one kind may mean several things. */
  readonly byKind: readonly (Action | undefined)[];
  /** The relations whose sets these are: the subject may be one of them. */
  readonly same: readonly RelationIndex[];
}

export function bindWays(ways: Ways, kinds: readonly EdgeKind[]): Actions {
  const byKind: (Action | undefined)[] = new Array<Action | undefined>(
    Math.max(0, ...kinds) + 1,
  ).fill(undefined);
  const slotOf = (index: number): EdgeKind => {
    const kind = kinds[index];
    if (kind === undefined) throw new RangeError(`no kind ${index} in the plan`);
    return kind;
  };
  for (const end of ways.ends) {
    const kind = slotOf(end.kind);
    byKind[kind] = { ...end, does: 'end', next: byKind[kind] };
  }
  for (const way of ways.usersets) {
    const kind = slotOf(way.kind);
    byKind[kind] = { ...way, does: 'userset', next: byKind[kind] };
  }
  for (const way of ways.parents) {
    const kind = slotOf(way.kind);
    byKind[kind] = { ...way, does: 'parent', next: byKind[kind] };
  }
  return { byKind, same: ways.same };
}
