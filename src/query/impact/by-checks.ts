/**
 * What the walk over sets does not decide is decided by checks, subject by subject: an object below
 * which sets hang on their own negation or nest as deep as checks go, and subjects of whom a condition
 * reads attributes.
 */
import { PembaError } from '../../errors.js';
import type { Node } from '../../graph/reader.js';
import type { ObjectRef, Subject } from '../../tuple/tuple.js';
import { askedAbout } from '../entities.js';
import { Evaluation } from '../evaluation.js';
import { MentionWalk } from '../list-users.js';
import type { QueryScope } from '../scope.js';
import type { SubjectNode } from '../subject.js';
import type { AffectedRelation, Side } from './joint-plan.js';
import type { Outcome, Transition } from './outcome.js';
import type { ObjectsOfType } from './subjects.js';

/** A scope with a budget of its own for each check. */
export type ScopeOfCheck = (side: Side) => QueryScope;

export interface AskedObject {
  readonly ref: ObjectRef;
  readonly node: Node;
}

/** `undefined` is whoever is not named, as `type:*`. */
export type Candidate = number | undefined;

export class Checks {
  readonly #scopeOf: ScopeOfCheck;
  readonly #subjectType: string;
  readonly #subjects: ObjectsOfType;

  constructor(scopeOf: ScopeOfCheck, subjectType: string, subjects: ObjectsOfType) {
    this.#scopeOf = scopeOf;
    this.#subjectType = subjectType;
    this.#subjects = subjects;
  }

  transition(object: AskedObject, relation: AffectedRelation, candidate: Candidate): Transition {
    return {
      before: this.#outcome('before', object, relation, candidate),
      after: this.#outcome('after', object, relation, candidate),
    };
  }

  /** Ranks of whom either model may let in, and whoever is not named. */
  candidates(object: AskedObject, relation: AffectedRelation): Iterable<Candidate> {
    const mentioned = new Set<Node>();
    for (const side of ['before', 'after'] as const) {
      const scope = this.#scopeOf(side);
      const found = scope.binding.plan.relation(relation.type, relation.name);
      if (found === undefined) continue;
      // Where sets are opened one by one, as with `and`, `but not` and conditions that cannot be told,
      // a walk that is too deep fails for everybody, mentioned or not.
      const isOpened = !scope.binding.monotone.isMonotone(found.index) || scope.graph.hasGuarded;
      if (isOpened) return this.#everybody();
      const lenient = { ...scope, propertiesOf: undefined, conditionsHold: true };
      const walk = new MentionWalk(lenient, { type: this.#subjectType });
      walk.from(object.node, found.index);
      if (walk.mentionsWildcard) return this.#everybody();
      for (const node of walk.mentioned) mentioned.add(node);
    }
    return this.#ranksOf(mentioned);
  }

  *#everybody(): Generator<Candidate> {
    yield undefined;
    yield* this.#subjects.nodes.keys();
  }

  *#ranksOf(mentioned: ReadonlySet<Node>): Generator<Candidate> {
    yield undefined;
    for (const [rank, node] of this.#subjects.nodes.entries()) if (mentioned.has(node)) yield rank;
  }

  #outcome(
    side: Side,
    { ref, node }: AskedObject,
    relation: AffectedRelation,
    candidate: Candidate,
  ): Outcome {
    const scope = this.#scopeOf(side);
    const found = scope.binding.plan.relation(relation.type, relation.name);
    if (found === undefined) return 'no';
    const { subject, named } = this.#subject(scope, candidate);
    try {
      const asked = askedAbout(scope, { subject: named, object: ref });
      const { kind } = new Evaluation(asked, subject).verdict(node, found.index);
      return kind === 'true' ? 'yes' : kind === 'failed' ? 'conditional' : 'no';
    } catch (error) {
      // A check that overspends is refused: whether it would be allowed cannot be told.
      if (error instanceof PembaError) return 'conditional';
      throw error;
    }
  }

  #subject(
    scope: QueryScope,
    candidate: Candidate,
  ): { readonly subject: SubjectNode; readonly named: Subject } {
    const type = this.#subjectType;
    const { nodes, wildcard } = this.#subjects;
    const node = candidate === undefined ? undefined : nodes[candidate];
    if (node === undefined) {
      return { subject: { kind: 'wildcard', type, wildcard }, named: { kind: 'wildcard', type } };
    }
    return {
      subject: { kind: 'object', type, node, wildcard },
      named: { kind: 'object', type, id: scope.graph.nodeId(node) },
    };
  }
}
