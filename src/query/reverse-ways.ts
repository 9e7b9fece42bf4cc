/**
 * The ways into one relation, seen from the subjects and tied to a graph: from a set of which relation
 * over edges of which kind to a set of which other one. Made once for each relation that closures are
 * asked for, so that a closure looks up nothing but edges. The same ways seen from their upper ends
 * tell what a change to one of these edges concerns.
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

/** A way seen from its upper end: plain edges, or none when the set above is computed from this one. */
export interface StepDown {
  readonly kind: EdgeKind | undefined;
  readonly to: RelationIndex;
}

export class ReverseWays {
  readonly target: RelationIndex;
  /** By the relation of the set that is left. */
  readonly overEdges: readonly (readonly ReverseWay[])[];
  /** Relations computed from it: the set of the same node. */
  readonly computed: readonly (readonly RelationIndex[])[];
  /** By the relation of the upper set. */
  readonly below: readonly (readonly StepDown[])[];
  /** By the kind of edges, the relations whose sets are left over them: how sets are nested. */
  readonly nesting: ReadonlyMap<EdgeKind, readonly RelationIndex[]>;
  readonly #reach: Reach;
  readonly #kindOf: (index: KindIndex) => EdgeKind;
  readonly #contributors: Uint8Array;
  readonly #entries = new Map<string, readonly Entry[]>();

  constructor(reach: Reach, target: RelationIndex, kindOf: (index: KindIndex) => EdgeKind) {
    this.target = target;
    this.#reach = reach;
    this.#kindOf = kindOf;
    this.#contributors = reach.contributors(target);
    const relations = Array.from(this.#contributors, (_, relation) => relation);
    this.overEdges = relations.map((relation) => this.#overEdges(relation));
    this.computed = relations.map((relation) =>
      this.#references(relation).flatMap(({ kind, by }) => (kind === 'computed' ? by : [])),
    );
    this.below = this.#stepsDown();
    this.nesting = this.#nesting();
  }

  /** A number of the relation and the target. */
  keyOf(relation: RelationIndex): number {
    return this.target * this.overEdges.length + relation;
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

  #stepsDown(): StepDown[][] {
    const below = this.overEdges.map((): StepDown[] => []);
    this.overEdges.forEach((ways, to) => {
      for (const { kind, admission, to: by } of ways) {
        if (admission.plain) below[by]?.push({ kind, to });
      }
    });
    this.computed.forEach((relations, to) => {
      for (const by of relations) below[by]?.push({ kind: undefined, to });
    });
    return below;
  }

  #nesting(): Map<EdgeKind, RelationIndex[]> {
    const nesting = new Map<EdgeKind, RelationIndex[]>();
    this.overEdges.forEach((ways, relation) => {
      for (const { kind } of ways) {
        const relations = nesting.get(kind);
        if (relations === undefined) nesting.set(kind, [relation]);
        else relations.push(relation);
      }
    });
    return nesting;
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
