/**
 * Why a set has the subject, as gates: a derivation in which nothing rests on itself.
 *
 * Sets are opened breadth-first from the one that is asked about, and what is found to hold is at
 * once carried to what it feeds. A gate holds because of inputs that held before it, so no set is
 * ever proved by itself, however the tuples are linked: a least fixpoint needs no path to be kept
 * and nothing to be taken back, which a search in depth would. It is over as soon as the asked set
 * holds.
 *
 * `but not` is read from the verdicts of the evaluation, which are settled, and pushed inward as far
 * as the operators go: who is not in (a but not b) is not in a, or is in b, and the latter has a
 * derivation of its own. So where a set hangs on its own negation, the well-founded model decides,
 * and this derives just what is true in it: it is the least fixpoint once the negations are read so.
 *
 * Sets that the evaluation does not find true are not opened, and monotone ones are traced.
 *
 * Hops are not counted again: the evaluation has, and they cannot be counted here. A set that it
 * found true within the limit it takes for true wherever it meets it again, farther off too; and the
 * way on which it found it may lead over sets that are not true, which are not opened here. So there
 * need not be a derivation within the limit, but there always is one: whatever is found true rests
 * on verdicts that were settled before. To open each true set once takes them all, and ends.
 *
 * If none were found for all that, it would be a defect, thrown as `internal`: who wants a proof, to
 * mint a permit, gets neither, rather than a proof that is not whole.
 */
import { PembaError } from '../errors.js';
import type { Node } from '../graph/reader.js';
import type { DirectSet, Expression, RelationIndex } from '../schema/plan.js';
import type { Evaluation } from './evaluation.js';
import type { Leaves, Way } from './leaves.js';
import type { Edge, QueryScope } from './scope.js';
import { FALSE, TRUE } from './truth.js';
import { Trace } from './trace.js';

export type LeafExpression = Expression & { readonly kind: 'direct' | 'computed' | 'from' };

/** What a derivation ends in: edges that hold, or a part of a definition that keeps the subject out. */
export type Ground =
  | { readonly kind: 'edges'; readonly edges: readonly Edge[] }
  | { readonly kind: 'outside'; readonly object: Node; readonly expression: LeafExpression };

export class Gate {
  /** The inputs that held first: as many as it takes. */
  readonly because: Gate[] = [];
  readonly ground: Ground | undefined;
  readonly #feeds: Gate[] = [];
  #waits: number;

  /** `waits` is the number of inputs it takes; 0 for what holds by itself. */
  constructor(waits: number, ground?: Ground) {
    this.#waits = waits;
    this.ground = ground;
  }

  get holds(): boolean {
    return this.#waits === 0;
  }

  feed(input: Gate): void {
    if (!input.holds) {
      input.#feeds.push(this);
      return;
    }
    const news: (readonly [Gate, Gate])[] = [[this, input]];
    for (let next = news.pop(); next !== undefined; next = news.pop()) {
      const [gate, because] = next;
      if (gate.holds) continue;
      gate.because.push(because);
      gate.#waits--;
      if (gate.#waits > 0) continue;
      for (const fed of gate.#feeds) news.push([fed, gate]);
    }
  }
}

interface OpenSet {
  readonly object: Node;
  readonly relation: RelationIndex;
  readonly gate: Gate;
}

/** Undefined where nothing that may still be found could make it hold. */
type Hope = Gate | undefined;

const BY_ITSELF = new Gate(0);

export class Derivation {
  readonly #evaluation: Evaluation;
  readonly #leaves: Leaves;
  readonly #scope: QueryScope;
  readonly #trace: Trace;
  readonly #gates = new Map<number, Gate>();
  /** In the order of finding. */
  readonly #sets: OpenSet[] = [];

  constructor(evaluation: Evaluation) {
    this.#evaluation = evaluation;
    this.#leaves = evaluation.leaves;
    this.#scope = evaluation.leaves.scope;
    this.#trace = new Trace(evaluation.leaves);
  }

  /** Of a set that the evaluation found true. */
  of(object: Node, relation: RelationIndex): Gate {
    return this.#found(this.#set(object, relation));
  }

  /** Of a part of a definition that the evaluation found true. */
  ofPart(object: Node, expression: Expression): Gate {
    return this.#found(this.#expression(object, expression));
  }

  #found(asked: Hope): Gate {
    for (const set of this.#sets) {
      if (asked?.holds === true) break;
      this.#open(set, set.gate === asked);
    }
    if (asked?.holds !== true) {
      throw new PembaError('internal', 'what was found true has no derivation');
    }
    return asked;
  }

  #set(object: Node, relation: RelationIndex): Gate {
    const key = object * this.#scope.binding.plan.relations.length + relation;
    let gate = this.#gates.get(key);
    if (gate === undefined) {
      gate = new Gate(1);
      this.#gates.set(key, gate);
      this.#sets.push({ object, relation, gate });
    }
    return gate;
  }

  #open({ object, relation, gate }: OpenSet, isTrue: boolean): void {
    const plainly = this.#leaves.plainly(object, relation);
    if (plainly !== undefined) {
      if (plainly === TRUE) gate.feed(BY_ITSELF);
      return;
    }
    if (this.#scope.binding.monotone.isMonotone(relation)) {
      const path = this.#trace.path(object, relation);
      if (path !== undefined) {
        gate.feed(edgesGate(path));
        return;
      }
    }
    if (!isTrue && this.#evaluation.verdict(object, relation).kind !== 'true') return;
    const expression = this.#expression(object, this.#leaves.expressionOf(relation));
    if (expression !== undefined) gate.feed(expression);
  }

  #expression(object: Node, expression: Expression): Hope {
    switch (expression.kind) {
      case 'direct':
        return any(expression.sets, (set) => this.#directSet(object, set));
      case 'computed':
        return this.#set(object, expression.target);
      case 'from':
        return any(expression.paths, (path) => this.#through(object, path));
      case 'union': {
        const ways = this.#scope.binding.monotone.unionIndex(expression);
        const path = ways === undefined ? undefined : this.#trace.path(object, ways);
        if (path !== undefined) return edgesGate(path);
        if (ways !== undefined && this.#leaves.union(object, expression, 0) === FALSE) {
          return undefined;
        }
        return any(expression.operands, (each) => this.#expression(object, each));
      }
      case 'intersection':
        return all(expression.operands, (each) => this.#expression(object, each));
      case 'exclusion': {
        const sides = [
          () => this.#outside(object, expression.subtract),
          () => this.#expression(object, expression.base),
        ];
        return all(sides, (side) => side());
      }
    }
  }

  #outside(object: Node, expression: Expression): Hope {
    switch (expression.kind) {
      case 'direct':
      case 'computed':
      case 'from':
        return this.#evaluation.judge(object, expression) === FALSE
          ? new Gate(0, { kind: 'outside', object, expression })
          : undefined;
      case 'union':
        return all(expression.operands, (each) => this.#outside(object, each));
      case 'intersection':
        return any(expression.operands, (each) => this.#outside(object, each));
      case 'exclusion': {
        const sides = [
          () => this.#outside(object, expression.base),
          () => this.#expression(object, expression.subtract),
        ];
        return any(sides, (side) => side());
      }
    }
  }

  #directSet(object: Node, set: DirectSet): Hope {
    if (set.form !== 'userset') {
      const edge = this.#trace.named(object, set);
      return edge && edgesGate([edge]);
    }
    if (this.#scope.binding.monotone.isMonotone(set.target)) {
      const path = this.#trace.through(object, set);
      if (path !== undefined) return edgesGate(path);
      if (this.#leaves.usersets(object, set, 0) === FALSE) return undefined;
    }
    return this.#through(object, set);
  }

  #through(object: Node, way: Way): Hope {
    const ends: Node[] = [];
    this.#leaves.someEnd(object, way, (node, edge) => {
      if (edge.kind === 'true') ends.push(node);
      return false;
    });
    return any(ends, (subject) => {
      const edge = edgesGate([{ object, kind: way.kind, subject }]);
      return all([edge, this.#set(subject, way.target)], (gate) => gate);
    });
  }
}

const edgesGate = (edges: readonly Edge[]): Gate => new Gate(0, { kind: 'edges', edges });

/** Made one after the other, and no more once one holds. */
function any<Item>(items: readonly Item[], gateOf: (item: Item) => Hope): Hope {
  const inputs: Gate[] = [];
  for (const item of items) {
    const input = gateOf(item);
    if (input?.holds === true) return input;
    if (input !== undefined) inputs.push(input);
  }
  return inputs.length < 2 ? inputs[0] : gateOver(inputs, 1);
}

function all<Item>(items: readonly Item[], gateOf: (item: Item) => Hope): Hope {
  const inputs: Gate[] = [];
  for (const item of items) {
    const input = gateOf(item);
    if (input === undefined) return undefined;
    inputs.push(input);
  }
  return gateOver(inputs, inputs.length);
}

function gateOver(inputs: readonly Gate[], waits: number): Gate {
  const gate = new Gate(waits);
  for (const input of inputs) gate.feed(input);
  return gate;
}
