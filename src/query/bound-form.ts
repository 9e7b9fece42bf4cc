import type { EdgeKind } from '../graph/reader.js';
import type { Reach } from '../schema/reach.js';
import type { MonotoneWays, WaysIndex } from '../schema/ways.js';
import { bindWays } from './actions.js';
import type { Actions } from './actions.js';

/** What a graph and a plan say about all subjects of one form: objects of a type, or its usersets. */
export class BoundForm {
  /** By relation index, 1 where such a subject can be a member. */
  readonly reached: Uint8Array;
  readonly #monotone: MonotoneWays;
  readonly #edgeKinds: readonly EdgeKind[];
  readonly #type: string;
  readonly #relation: string;
  readonly #actions: (Actions | undefined)[] = [];

  /** `relation` is '' for objects and wildcards. */
  constructor(
    { reach, monotone }: { readonly reach: Reach; readonly monotone: MonotoneWays },
    edgeKinds: readonly EdgeKind[],
    type: string,
    relation: string,
  ) {
    this.reached = reach.reachedFrom(type, relation);
    this.#monotone = monotone;
    this.#edgeKinds = edgeKinds;
    this.#type = type;
    this.#relation = relation;
  }

  actions(index: WaysIndex): Actions {
    return (this.#actions[index] ??= bindWays(
      this.#monotone.ways(index, this.#type, this.#relation),
      this.#edgeKinds,
    ));
  }
}
