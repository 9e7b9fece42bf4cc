import type { KindTable } from '../graph/kinds.js';
import type { EdgeKind, TypeSymbol } from '../graph/reader.js';
import type { KindIndex, Plan, RelationIndex } from '../schema/plan.js';
import type { End } from '../condition/entities.js';
import { Reach } from '../schema/reach.js';
import { endsRead } from '../schema/reads.js';
import { MonotoneWays } from '../schema/ways.js';
import { GroupIndex } from './group-index.js';
import { ReverseWays } from './reverse-ways.js';
import { Scratch } from './scratch.js';
import { BoundForm } from './bound-form.js';

/** A plan tied to one store's graph: the plan's indexes as that graph's integers. */
export class Binding {
  readonly plan: Plan;
  readonly reach: Reach;
  readonly monotone: MonotoneWays;
  readonly kinds: KindTable;
  readonly scratch = new Scratch();
  readonly groups = new GroupIndex();
  readonly #edgeKinds: readonly EdgeKind[];
  readonly #types: ReadonlyMap<string, TypeSymbol>;
  readonly #forms = new Map<string, Map<string, BoundForm>>();
  readonly #reverseWays: (ReverseWays | undefined)[] = [];
  readonly #reads: (ReadonlySet<End> | undefined)[] = [];

  constructor(plan: Plan, kinds: KindTable) {
    this.plan = plan;
    this.kinds = kinds;
    this.reach = new Reach(plan);
    this.monotone = new MonotoneWays(plan, this.reach);
    this.#edgeKinds = plan.kinds.map((kind) => kinds.kind(...kind));
    this.#types = new Map([...plan.model.types.keys()].map((name) => [name, kinds.type(name)]));
  }

  kind(index: KindIndex): EdgeKind {
    const kind = this.#edgeKinds[index];
    if (kind === undefined) throw new RangeError(`no kind ${index} in the plan`);
    return kind;
  }

  type(name: string): TypeSymbol {
    return this.#types.get(name) ?? this.kinds.type(name);
  }

  /** `relation` is '' for objects and wildcards. */
  form(type: string, relation: string): BoundForm {
    let forms = this.#forms.get(type);
    if (forms === undefined) this.#forms.set(type, (forms = new Map<string, BoundForm>()));
    let form = forms.get(relation);
    if (form === undefined) {
      form = new BoundForm(this, this.#edgeKinds, type, relation);
      forms.set(relation, form);
    }
    return form;
  }

  /** Whose attributes verdicts on the relation can depend on. */
  reads(relation: RelationIndex): ReadonlySet<End> {
    return (this.#reads[relation] ??= endsRead(this.plan, relation));
  }

  reverseWays(target: RelationIndex): ReverseWays {
    return (this.#reverseWays[target] ??= new ReverseWays(this.reach, target, (index) =>
      this.kind(index),
    ));
  }
}
