/**
 * Every relation has an entrypoint: a way for a first subject to come in. That is a least fixpoint:
 * a relation is *open* when its rewrite is, given the relations known to be open. (To walk from each
 * relation with a set of those visited says the same, at exponential cost.) A relation that is not
 * open waits for others that are not, and so leads into a loop of them, which the message shows.
 *
 * What other rules refuse counts as open here, missing references and relations caught in a computed
 * cycle: a mistake is told once, where it was made, and not again by all that refer to it.
 */
import { computedCycles } from './cycles.js';
import type { Model, RelationDefinition, Rewrite, TypeDefinition } from './model.js';
import type { Positions } from './positions.js';
import type { ModelProblem } from './problem.js';

/** Names of a loop in a message; enough to see it, and long loops cannot blow up the output. */
const LOOP_SHOWN_MAX = 8;

interface Owned {
  readonly type: TypeDefinition;
  readonly relation: RelationDefinition;
}

export function* entrypointProblems(
  model: Model,
  positions: Positions | undefined,
): Generator<ModelProblem> {
  const told = new Set<RelationDefinition>();
  const problem = ({ type, relation }: Owned, message: string): ModelProblem => {
    const position = positions?.of(relation, 'name');
    return { message, type: type.name, relation: relation.name, position };
  };
  for (const type of model.types.values()) {
    const { cycles, caught } = computedCycles(type);
    for (const relation of caught) told.add(relation);
    for (const cycle of cycles) {
      const [relation] = cycle;
      if (relation === undefined) continue;
      const loop = formatLoop([...cycle, relation].map(({ name }) => name));
      const rule = 'an authorization model cannot contain a cycle of computed relations';
      yield problem({ type, relation }, `${rule}: ${loop}`);
    }
  }
  const entrypoints = new Entrypoints(model, told);
  for (const closed of entrypoints.closed()) {
    const loop = formatLoop(entrypoints.loopFrom(closed));
    const rule = 'no entrypoints defined: nobody can ever have this relation';
    yield problem(closed, `${rule}, it is a potential loop: ${loop}`);
  }
}

class Entrypoints {
  readonly #model: Model;
  readonly #all: readonly Owned[];
  readonly #open: Set<RelationDefinition>;

  constructor(model: Model, assumedOpen: ReadonlySet<RelationDefinition>) {
    this.#model = model;
    this.#open = new Set(assumedOpen);
    this.#all = [...model.types.values()].flatMap((type) =>
      [...type.relations.values()].map((relation) => ({ type, relation })),
    );
    this.#spread();
  }

  closed(): readonly Owned[] {
    return this.#all.filter(({ relation }) => !this.#open.has(relation));
  }

  /** `a#x`, `b#y`, `a#x`: from a closed relation along what it waits for, until that repeats. */
  loopFrom(start: Owned): readonly string[] {
    const names: string[] = [];
    const seen = new Set<RelationDefinition>();
    let at: Owned | undefined = start;
    while (at !== undefined && names.length <= LOOP_SHOWN_MAX) {
      names.push(`${at.type.name}#${at.relation.name}`);
      if (seen.has(at.relation)) break;
      seen.add(at.relation);
      at = this.#blockers(at, at.relation.rewrite)[0];
    }
    return names;
  }

  /** Opens whatever can be; a relation is looked at again when one it waited for has opened. */
  #spread(): void {
    const waiting = new Map<RelationDefinition, Set<Owned>>();
    const queue = [...this.#all];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      if (this.#open.has(at.relation)) continue;
      const blockers = this.#blockers(at, at.relation.rewrite);
      if (blockers.length === 0) {
        this.#open.add(at.relation);
        queue.push(...(waiting.get(at.relation) ?? []));
      }
      for (const { relation } of blockers) {
        const others = waiting.get(relation);
        if (others === undefined) waiting.set(relation, new Set([at]));
        else others.add(at);
      }
    }
  }

  /** Closed relations, one of which must open for this rewrite to open; none when it is open. */
  #blockers(at: Owned, rewrite: Rewrite): readonly Owned[] {
    switch (rewrite.kind) {
      case 'direct':
        return this.#unlessAnyOpen(
          at.relation.restrictions.map(({ kind, type, relation }) =>
            kind === 'userset' ? this.#find(this.#model.types.get(type), relation) : undefined,
          ),
        );
      case 'computed':
        if (rewrite.relation === at.relation.name) return [];
        return this.#unlessAnyOpen([this.#find(at.type, rewrite.relation)]);
      case 'from': {
        const parents = at.type.relations.get(rewrite.tupleset)?.restrictions ?? [];
        return this.#unlessAnyOpen(
          parents.flatMap(
            ({ type }) => this.#find(this.#model.types.get(type), rewrite.relation) ?? [],
          ),
        );
      }
      case 'union': {
        const blockers = rewrite.operands.map((operand) => this.#blockers(at, operand));
        return blockers.some(({ length }) => length === 0) ? [] : blockers.flat();
      }
      case 'intersection':
        return this.#firstBlockers(at, rewrite.operands);
      case 'exclusion':
        return this.#firstBlockers(at, [rewrite.base, rewrite.subtract]);
    }
  }

  /** When all operands must be open, it is enough to wait for the first that is not. */
  #firstBlockers(at: Owned, operands: readonly Rewrite[]): readonly Owned[] {
    for (const operand of operands) {
      const blockers = this.#blockers(at, operand);
      if (blockers.length > 0) return blockers;
    }
    return [];
  }

  /** The targets, when all of them are closed; what is undefined is open. */
  #unlessAnyOpen(targets: readonly (Owned | undefined)[]): readonly Owned[] {
    const closed = targets.flatMap((target) =>
      target === undefined || this.#open.has(target.relation) ? [] : [target],
    );
    return closed.length === targets.length ? closed : [];
  }

  #find(type: TypeDefinition | undefined, name: string): Owned | undefined {
    const relation = type?.relations.get(name);
    return type && relation && { type, relation };
  }
}

function formatLoop(names: readonly string[]): string {
  const shown = names.slice(0, LOOP_SHOWN_MAX).join(' → ');
  return names.length > LOOP_SHOWN_MAX ? `${shown} → …` : shown;
}
