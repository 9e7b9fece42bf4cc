/**
 * Every relation has an entrypoint: a way for a first subject to come in. That is a least fixpoint:
 * a relation is *open* when its rewrite is, given which other relations are. It is found in linear
 * time by gates, one for each relation and each part of a rewrite, which open when enough of their
 * sources have: one for `or` and for a choice of subjects or parents, all for `and` and `but not`.
 * (To walk from each relation with a set of those visited says the same, at exponential cost.) A
 * gate that stays closed has a closed source, and so leads into a loop, which the message shows.
 *
 * What other rules refuse counts as open here, missing references and relations caught in a
 * computed cycle: a mistake is told once, where it was made, and not again by all that refer to it.
 */
import { computedCycles } from './cycles.js';
import type { Model, RelationDefinition, Rewrite, TypeDefinition } from './model.js';
import type { Positions } from './positions.js';
import type { ModelProblem } from './problem.js';

/** Names of a loop in a message; enough to see it, and long loops cannot blow up the output. */
const LOOP_SHOWN_MAX = 8;

export function* entrypointProblems(
  model: Model,
  positions: Positions | undefined,
): Generator<ModelProblem> {
  const problem = (type: TypeDefinition, at: RelationDefinition, message: string): ModelProblem => {
    const position = positions?.of(at, 'name');
    return { message, type: type.name, relation: at.name, position };
  };
  const told = new Set<RelationDefinition>();
  for (const type of model.types.values()) {
    const { cycles, caught } = computedCycles(type);
    for (const relation of caught) told.add(relation);
    for (const cycle of cycles) {
      const [first] = cycle;
      if (first === undefined) continue;
      const loop = formatLoop([...cycle, first].map(({ name }) => name));
      const rule = 'an authorization model cannot contain a cycle of computed relations';
      yield problem(type, first, `${rule}: ${loop}`);
    }
  }
  const gates = new Gates(model, told);
  for (const type of model.types.values()) {
    for (const relation of type.relations.values()) {
      const loop = gates.loopFrom(relation);
      if (loop === undefined) continue;
      const rule = 'no entrypoints defined: nobody can ever have this relation';
      yield problem(type, relation, `${rule}, it is a potential loop: ${formatLoop(loop)}`);
    }
  }
}

/** Open when it waits for no more sources. */
interface Gate {
  /** Of a relation's gate, `type#relation`. */
  readonly name?: string;
  waitsFor: number;
  readonly sources: Gate[];
  readonly listeners: Gate[];
}

class Gates {
  readonly #model: Model;
  readonly #relations = new Map<RelationDefinition, Gate>();

  constructor(model: Model, assumedOpen: ReadonlySet<RelationDefinition>) {
    this.#model = model;
    for (const type of model.types.values()) {
      for (const relation of type.relations.values()) {
        const waitsFor = assumedOpen.has(relation) ? 0 : 1;
        const name = `${type.name}#${relation.name}`;
        this.#relations.set(relation, { name, waitsFor, sources: [], listeners: [] });
      }
    }
    const open: Gate[] = [];
    for (const type of model.types.values()) {
      for (const relation of type.relations.values()) {
        const gate = this.#relations.get(relation);
        const rewrite = this.#gateOf(relation.rewrite, type, relation, open);
        if (gate === undefined) continue;
        if (gate.waitsFor === 0) open.push(gate);
        else listen(gate, [rewrite]);
      }
    }
    for (let gate = open.pop(); gate !== undefined; gate = open.pop()) {
      for (const listener of gate.listeners) {
        if (--listener.waitsFor === 0) open.push(listener);
      }
    }
  }

  /** `a#x`, `b#y`, `a#x`: along what a closed relation waits for, until that repeats. */
  loopFrom(relation: RelationDefinition): readonly string[] | undefined {
    const names: string[] = [];
    const seen = new Set<Gate>();
    let gate = this.#relations.get(relation);
    while (gate !== undefined && gate.waitsFor > 0 && names.length <= LOOP_SHOWN_MAX) {
      if (gate.name !== undefined) names.push(gate.name);
      if (seen.has(gate)) break;
      seen.add(gate);
      gate = gate.sources.find(({ waitsFor }) => waitsFor > 0);
    }
    return names.length === 0 ? undefined : names;
  }

  /** The gate of a rewrite of `type#relation`; if it is open from the start, in `open` as well. */
  #gateOf(
    rewrite: Rewrite,
    type: TypeDefinition,
    relation: RelationDefinition,
    open: Gate[],
  ): Gate {
    const gateOf = (operand: Rewrite): Gate => this.#gateOf(operand, type, relation, open);
    switch (rewrite.kind) {
      case 'direct':
        return anyOf(
          relation.restrictions.map((restriction) =>
            restriction.kind === 'userset'
              ? this.#find(this.#model.types.get(restriction.type), restriction.relation)
              : undefined,
          ),
          open,
        );
      case 'computed': {
        const isSelf = rewrite.relation === relation.name;
        return anyOf([isSelf ? undefined : this.#find(type, rewrite.relation)], open);
      }
      case 'from': {
        const parents = type.relations.get(rewrite.tupleset)?.restrictions ?? [];
        const parentTypes = parents.map((parent) => this.#model.types.get(parent.type));
        return anyOf(
          parentTypes.flatMap((parent) => this.#find(parent, rewrite.relation) ?? []),
          open,
        );
      }
      case 'union':
        return anyOf(rewrite.operands.map(gateOf), open);
      case 'intersection':
        return allOf(rewrite.operands.map(gateOf), open);
      case 'exclusion':
        return allOf([gateOf(rewrite.base), gateOf(rewrite.subtract)], open);
    }
  }

  #find(type: TypeDefinition | undefined, name: string): Gate | undefined {
    const relation = type?.relations.get(name);
    return relation && this.#relations.get(relation);
  }
}

/** An undefined source is open: it is a subject, or a reference that is missing. */
function anyOf(sources: readonly (Gate | undefined)[], open: Gate[]): Gate {
  const isOpen = sources.length === 0 || sources.includes(undefined);
  const gate: Gate = { waitsFor: isOpen ? 0 : 1, sources: [], listeners: [] };
  if (isOpen) open.push(gate);
  else listen(gate, sources);
  return gate;
}

function allOf(sources: readonly Gate[], open: Gate[]): Gate {
  const gate: Gate = { waitsFor: sources.length, sources: [], listeners: [] };
  if (sources.length === 0) open.push(gate);
  listen(gate, sources);
  return gate;
}

function listen(gate: Gate, sources: readonly (Gate | undefined)[]): void {
  for (const source of sources) {
    if (source === undefined) continue;
    gate.sources.push(source);
    source.listeners.push(gate);
  }
}

function formatLoop(names: readonly string[]): string {
  const shown = names.slice(0, LOOP_SHOWN_MAX).join(' → ');
  return names.length > LOOP_SHOWN_MAX ? `${shown} → …` : shown;
}
