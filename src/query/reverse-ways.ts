/**
 * The ways into one relation, seen from the subjects and tied to a graph: from a set of which relation
 * over edges of which kind to a set of which other one. Made once for each relation that closures are
 * asked for, so that a closure looks up nothing but edges.
 */
import type { EdgeKind } from '../graph/reader.js';
import type { Admission, KindIndex, RelationIndex } from '../schema/plan.js';
import type { Reach } from '../schema/reach.js';

export interface ReverseWay {
  /** Of the graph, and of the plan. */
  readonly kind: EdgeKind;
  readonly index: KindIndex;
  readonly admission: Admission;
  readonly to: RelationIndex;
}

export interface Entry extends ReverseWay {
  readonly isWildcard: boolean;
}

export class ReverseWays {
  /** By the relation of the set that is left. */
  readonly overEdges: readonly (readonly ReverseWay[])[];
  /** Relations computed from it: the set of the same node. */
  readonly computed: readonly (readonly RelationIndex[])[];
  readonly #reach: Reach;
  readonly #kindOf: (index: KindIndex) => EdgeKind;
  readonly #contributors: Uint8Array;
  readonly #entries = new Map<string, readonly Entry[]>();

  constructor(reach: Reach, target: RelationIndex, kindOf: (index: KindIndex) => EdgeKind) {
    this.#reach = reach;
    this.#kindOf = kindOf;
    this.#contributors = reach.contributors(target);
    const relations = Array.from(this.#contributors, (_, relation) => relation);
    this.overEdges = relations.map((relation) => this.#overEdges(relation));
    this.computed = relations.map((relation) =>
      this.#references(relation).flatMap(({ kind, by }) => (kind === 'computed' ? by : [])),
    );
  }

  /** Where tuples of subjects of a type come in. */
  entries(subjectType: string): readonly Entry[] {
    let entries = this.#entries.get(subjectType);
    if (entries === undefined) {
      entries = this.#reach
        .entryPoints(subjectType)
        .filter(({ relation }) => this.#contributors[relation] === 1)
        .map(({ relation, set }) => ({
          ...this.#way(set, relation),
          isWildcard: set.form === 'wildcard',
        }));
      this.#entries.set(subjectType, entries);
    }
    return entries;
  }

  #references(relation: RelationIndex): ReturnType<Reach['references']> {
    return this.#reach.references(relation).filter(({ by }) => this.#contributors[by] === 1);
  }

  #overEdges(relation: RelationIndex): readonly ReverseWay[] {
    return this.#references(relation).flatMap((reference) => {
      switch (reference.kind) {
        case 'computed':
          return [];
        case 'userset':
          return this.#way(reference.set, reference.by);
        case 'from':
          return this.#way(reference.path, reference.by);
      }
    });
  }

  #way(
    { kind, admission }: { readonly kind: KindIndex; readonly admission: Admission },
    to: RelationIndex,
  ): ReverseWay {
    return { kind: this.#kindOf(kind), index: kind, admission, to };
  }
}
