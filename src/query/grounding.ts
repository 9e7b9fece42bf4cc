/**
 * The verdict on a set that hangs on its own negation, or seems to: all sets that can matter to it
 * are made equations (`circuit.ts`), found breadth-first, so that each is reached by the fewest hops
 * and "too deep" does not depend on the order of tuples. What the equations tell of the other sets
 * is settled as well, and is kept: each set is solved once for a subject.
 */
import type { Node } from '../graph/reader.js';
import type { DirectSet, Expression, RelationIndex } from '../schema/plan.js';
import { Circuit } from './circuit.js';
import type { Gate } from './circuit.js';
import type { Leaves, Way } from './leaves.js';
import { FALSE, TRUE, failed } from './truth.js';
import type { Verdict } from './truth.js';
import type { VerdictTable } from './verdict-table.js';

interface GroundSet {
  readonly key: number;
  readonly object: Node;
  readonly relation: RelationIndex;
  /** Of the way it was found by. */
  readonly depth: number;
  readonly gate: Gate;
}

export class Grounding {
  readonly #leaves: Leaves;
  readonly #table: VerdictTable;
  readonly #circuit: Circuit;
  readonly #gates = new Map<number, Gate>();
  readonly #opened = new Set<number>();
  /** The sets of the equations. */
  readonly #unknowns: GroundSet[] = [];
  /** Sets to be opened: over as many hops as are the turn, and over one more. */
  #near: GroundSet[] = [];
  #far: GroundSet[] = [];
  #depth = 0;

  constructor(leaves: Leaves, table: VerdictTable) {
    this.#leaves = leaves;
    this.#table = table;
    this.#circuit = new Circuit(leaves.scope.budget);
  }

  /** Settles the set and whatever it takes. */
  verdict(object: Node, relation: RelationIndex, depth: number): Verdict {
    this.#depth = depth;
    const asked = this.#set(object, relation, depth);
    while (this.#near.length > 0) {
      for (let set = this.#near.pop(); set !== undefined; set = this.#near.pop()) this.#open(set);
      this.#near = this.#far;
      this.#far = [];
      this.#depth += 1;
    }
    this.#circuit.solve();
    for (const unknown of this.#unknowns) {
      this.#table.keep(unknown.key, this.#circuit.verdict(unknown.gate), unknown.depth);
    }
    return this.#circuit.verdict(asked);
  }

  #set(object: Node, relation: RelationIndex, depth: number): Gate {
    const key = this.#table.key(object, relation);
    const gate = this.#gates.get(key) ?? this.#circuit.any();
    this.#gates.set(key, gate);
    if (!this.#opened.has(key)) {
      const queue = depth === this.#depth ? this.#near : this.#far;
      queue.push({ key, object, relation, depth, gate });
    }
    return gate;
  }

  #open(set: GroundSet): void {
    const { key, object, relation, depth, gate } = set;
    if (this.#opened.has(key)) return;
    this.#opened.add(key);
    const verdict = this.#known(set);
    if (verdict !== undefined) {
      this.#circuit.feed(gate, this.#circuit.constant(verdict));
      return;
    }
    this.#unknowns.push(set);
    const expression = this.#leaves.expressionOf(relation);
    this.#circuit.feed(gate, this.#expression(object, expression, depth));
  }

  #known({ key, object, relation, depth }: GroundSet): Verdict | undefined {
    const leaf = this.#leaves.set(object, relation, depth);
    if (leaf !== undefined) return leaf;
    const known = this.#table.settled(key, depth);
    if (known !== undefined) return known;
    const { maxDepth } = this.#leaves.scope.budget.limits;
    return depth >= maxDepth ? failed({ kind: 'too_deep', maxDepth }) : undefined;
  }

  #expression(object: Node, expression: Expression, depth: number): Gate {
    switch (expression.kind) {
      case 'direct':
        return this.#any(expression.sets.map((set) => this.#directSet(object, set, depth)));
      case 'computed':
        return this.#set(object, expression.target, depth);
      case 'from':
        return this.#any(expression.paths.map((path) => this.#through(object, path, depth)));
      case 'union': {
        const verdict = this.#leaves.union(object, expression, depth);
        if (verdict !== undefined) return this.#circuit.constant(verdict);
        return this.#any(expression.operands.map((each) => this.#expression(object, each, depth)));
      }
      case 'intersection':
        return this.#circuit.all(
          expression.operands.map((each) => this.#expression(object, each, depth)),
        );
      case 'exclusion': {
        const base = this.#expression(object, expression.base, depth);
        const subtract = this.#expression(object, expression.subtract, depth);
        return this.#circuit.all([base, this.#circuit.not(subtract)]);
      }
    }
  }

  #directSet(object: Node, set: DirectSet, depth: number): Gate {
    if (set.form !== 'userset') return this.#circuit.constant(this.#leaves.named(object, set));
    const verdict = this.#leaves.usersets(object, set, depth);
    return verdict === undefined
      ? this.#through(object, set, depth)
      : this.#circuit.constant(verdict);
  }

  #through(object: Node, way: Way, depth: number): Gate {
    const ends: { readonly node: Node; readonly edge: Verdict }[] = [];
    this.#leaves.someEnd(object, way, (node, edge) => {
      ends.push({ node, edge });
      return false;
    });
    return this.#any(
      ends.map(({ node, edge }) => {
        const set = this.#set(node, way.target, depth + 1);
        return edge === TRUE ? set : this.#circuit.all([this.#circuit.constant(edge), set]);
      }),
    );
  }

  #any(inputs: readonly Gate[]): Gate {
    const [first, ...others] = inputs;
    if (first === undefined) return this.#circuit.constant(FALSE);
    if (others.length === 0) return first;
    const gate = this.#circuit.any();
    for (const input of inputs) this.#circuit.feed(gate, input);
    return gate;
  }
}
