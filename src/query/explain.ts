/**
 * Why a check is true: the tuples of one derivation, and the sets that the subject has to stay out
 * of for it to hold. Whoever keeps the answer can tell from it what would take the answer back.
 *
 *   a tuple of it removed, or expired          it no longer proves anything
 *   a tuple added whose kind could let the     it may no longer hold: `brokenBy.added`
 *   subject into one of the absences
 *   a tuple removed that may have kept the     likewise, where what is subtracted says `but not`
 *   subject out of one of them                 itself: `brokenBy.removed`
 *
 * Anything else leaves it as it is. Another derivation may exist; a check would tell.
 */
import type { Node } from '../graph/reader.js';
import { NO_FLOWS, flowsOf } from '../schema/flows.js';
import type { Flows } from '../schema/flows.js';
import type { RelationIndex } from '../schema/plan.js';
import type { ObjectRef, TupleKey } from '../tuple/tuple.js';
import { Derivation } from './derivation.js';
import type { Gate, Ground, LeafExpression } from './derivation.js';
import type { Way } from './leaves.js';
import { Question } from './question.js';
import { edgeKey } from './scope.js';
import type { Edge, QueryScope } from './scope.js';
import { decide } from './truth.js';

export interface Absence {
  readonly relation: string;
  readonly object: ObjectRef;
}

export interface Proof {
  /** Stored ones, from the object on. */
  readonly tuples: readonly TupleKey[];
  /** Those that came with the question. */
  readonly contextual: readonly TupleKey[];
  /** Milliseconds since 1970: when the first of all tuples that it rests on expires. */
  readonly expiresAt: number | undefined;
  /** Sets under `but not` that the subject is not in, and must not come to be in. */
  readonly absences: readonly Absence[];
  /** The kinds of tuples, `type#relation`, that may put an end to an absence. */
  readonly brokenBy: Flows;
}

/** Undefined where a check is false; throws what a check throws. */
export function prove(scope: QueryScope, key: TupleKey): Proof | undefined {
  const question = new Question(scope, key);
  if (!decide(question.verdict())) return undefined;
  const { evaluation, object, relation } = question;
  return proofBy(new Derivation(evaluation).of(object, relation), question);
}

/** Of whatever was derived for the question's subject. */
export function proofBy(derivation: Gate, question: Question): Proof {
  const collector = new ProofCollector(question);
  for (const ground of groundsOf(derivation)) collector.add(ground);
  return collector.proof();
}

function groundsOf(derivation: Gate): readonly Ground[] {
  const grounds: Ground[] = [];
  const found = new Set([derivation]);
  for (const gate of found) {
    if (gate.ground !== undefined) grounds.push(gate.ground);
    for (const because of gate.because) found.add(because);
  }
  return grounds;
}

class ProofCollector {
  readonly #question: Question;
  readonly #scope: QueryScope;
  readonly #tuples: TupleKey[] = [];
  readonly #contextual: TupleKey[] = [];
  /** By object: the edges that were added, so that none is added twice. */
  readonly #edges = new Map<Node, Edge[]>();
  /** To read an id costs more than to find an edge, and edges that follow each other share one. */
  readonly #ids = new Map<Node, string>();
  readonly #absences = new Map<string, Absence>();
  #expiresAt = Infinity;
  #brokenBy = NO_FLOWS;

  constructor(question: Question) {
    this.#question = question;
    this.#scope = question.scope;
  }

  proof(): Proof {
    return {
      tuples: this.#tuples,
      contextual: this.#contextual,
      expiresAt: this.#expiresAt === Infinity ? undefined : this.#expiresAt,
      absences: [...this.#absences.values()],
      brokenBy: this.#brokenBy,
    };
  }

  add(ground: Ground): void {
    if (ground.kind === 'edges') for (const edge of ground.edges) this.#edge(edge);
    else this.#outside(ground.object, ground.expression);
  }

  #edge(edge: Edge): void {
    const { graph, binding } = this.#scope;
    const { object, kind, subject } = edge;
    const known = this.#edges.get(object);
    if (known === undefined) this.#edges.set(object, [edge]);
    else if (known.some((each) => each.kind === kind && each.subject === subject)) return;
    else known.push(edge);
    const edgeKind = binding.kind(kind);
    if (graph.hasGuarded) {
      const { expiresAt = Infinity } = graph.edge(object, edgeKind, subject) ?? {};
      this.#expiresAt = Math.min(this.#expiresAt, expiresAt);
    }
    const isContextual = graph.isOverlaidEdge(object, edgeKind, subject);
    const tuples = isContextual ? this.#contextual : this.#tuples;
    tuples.push(edgeKey(binding.plan, edge, this.#idOf));
  }

  #outside(object: Node, expression: LeafExpression): void {
    const { plan } = this.#scope.binding;
    switch (expression.kind) {
      case 'computed':
        if (!this.#question.evaluation.leaves.isReached(expression.target)) return;
        this.#absent(object, expression.target);
        break;
      case 'direct':
        for (const set of expression.sets) if (set.form === 'userset') this.#ends(object, set);
        break;
      case 'from':
        for (const path of expression.paths) this.#ends(object, path);
        break;
    }
    this.#brokenBy = united(this.#brokenBy, flowsOf(plan, expression));
  }

  /** Who is not in over the edges is in none of the sets that these lead to. */
  #ends(object: Node, way: Way): void {
    this.#question.evaluation.leaves.someEnd(object, way, (node) => {
      this.#absent(node, way.target);
      return false;
    });
  }

  #absent(object: Node, index: RelationIndex): void {
    const relation = this.#scope.binding.plan.relations[index];
    if (relation === undefined) throw new RangeError(`no relation ${index} in the plan`);
    this.#absences.set(`${object} ${index}`, {
      relation: relation.name,
      object: { type: relation.type, id: this.#idOf(object) },
    });
  }

  readonly #idOf = (node: Node): string => {
    const known = this.#ids.get(node);
    if (known !== undefined) return known;
    const id = this.#question.idOf(node);
    this.#ids.set(node, id);
    return id;
  };
}

function united(a: Flows, b: Flows): Flows {
  if (a === NO_FLOWS || a === b) return b;
  return {
    added: new Set([...a.added, ...b.added]),
    removed: new Set([...a.removed, ...b.removed]),
  };
}
