import type { KindTable } from '../graph/kinds.js';
import type { EdgeKind, TypeSymbol } from '../graph/reader.js';
import type { KindIndex, Plan } from '../schema/plan.js';
import { Reach } from '../schema/reach.js';

/** A plan tied to one store's graph: the plan's indexes as that graph's integers. */
export interface Binding {
  readonly plan: Plan;
  readonly reach: Reach;
  readonly kinds: KindTable;
  kind(index: KindIndex): EdgeKind;
  type(name: string): TypeSymbol;
}

export function bindPlan(plan: Plan, table: KindTable): Binding {
  const kinds = plan.kinds.map((kind) => table.kind(...kind));
  const types = new Map([...plan.model.types.keys()].map((name) => [name, table.type(name)]));
  return {
    plan,
    reach: new Reach(plan),
    kinds: table,
    kind: (index) => {
      const kind = kinds[index];
      if (kind === undefined) throw new RangeError(`no kind ${index} in the plan`);
      return kind;
    },
    type: (name) => types.get(name) ?? table.type(name),
  };
}
