/**
 * The objects of a type in which a subject has a relation. Candidates come from a walk along the
 * edges backwards, from the subject to whatever its tuples can flow into; conditions and the other
 * operands of `and` and `but not` are not looked at on the way. Then each is judged by the same
 * evaluation that a check uses, which remembers what it settled for the candidates before. In a
 * monotone relation there is nothing left to judge.
 *
 * Where a condition reads attributes of the object, each candidate is judged on its own.
 */
import type { EdgeFacts, Node } from '../graph/reader.js';
import type { Admission, KindIndex, RelationIndex } from '../schema/plan.js';
import type { Subject } from '../tuple/tuple.js';
import { relationOf } from './check.js';
import { Closure } from './closure.js';
import { askedAbout, variesWith } from './entities.js';
import { Evaluation } from './evaluation.js';
import { fillPage, pageOfNames } from './page.js';
import type { Page, PageRequest } from './page.js';
import { isAdmitted } from './scope.js';
import type { QueryScope } from './scope.js';
import { NodeResolver } from './subject.js';
import type { SubjectNode } from './subject.js';
import { FALSE, TRUE, certainly, unlessLacking } from './truth.js';
import type { Verdict } from './truth.js';

export interface ListObjectsQuestion {
  readonly subject: Subject;
  readonly relation: string;
  readonly type: string;
}

/** What else an object takes, to be in the list. */
export interface Listing {
  /** What becomes of a verdict. */
  readonly judged?: (verdict: Verdict) => Verdict;
  /** A relation that bars from the other; also where nobody can tell whether the subject has it. */
  readonly veto?: string | undefined;
}

/** The page's names are object ids, without the type. */
export function listObjects(
  unasked: QueryScope,
  question: ListObjectsQuestion,
  page: PageRequest,
  { judged = (verdict) => verdict, veto }: Listing = {},
): Page {
  const scope = askedAbout(unasked, question);
  const { index } = relationOf(scope.binding, question.type, question.relation);
  const bar = veto === undefined ? undefined : relationOf(scope.binding, question.type, veto).index;
  const nodes = new NodeResolver(scope.binding, scope.graph);
  const subject = nodes.subject(question.subject);
  const isItself = (node: Node): boolean => subject.kind === 'userset' && subject.node === node;
  const nameOf = (node: Node): string =>
    isItself(node) ? idOf(question.subject) : scope.graph.nodeId(node);
  const isEachItsOwn =
    variesWith(scope, index, 'resource') ||
    (bar !== undefined && variesWith(scope, bar, 'resource'));
  const ofAll = new Evaluation(scope, subject);
  const evaluationOf = (id: string): Evaluation => {
    if (!isEachItsOwn) return ofAll;
    const object = { type: question.type, id };
    return new Evaluation(askedAbout(scope, { subject: question.subject, object }), subject);
  };
  const judge = (node: Node, id: string): Verdict => {
    const evaluation = evaluationOf(id);
    const verdict = judged(unlessLacking(evaluation.verdict(node, index), 'resource'));
    if (verdict.kind !== 'true' || bar === undefined) return verdict;
    return certainly(evaluation.verdict(node, bar)).kind === 'false' ? TRUE : FALSE;
  };
  const isJudged = isEachItsOwn || bar !== undefined;
  const all = isJudged ? undefined : reachedForSure(scope, subject, index);
  if (all !== undefined) return pageOfNames(Array.from(all, nameOf), page);
  const reached = new ReverseWalk(scope, index).from(subject);
  const candidates = [...reached].map((node) => {
    const name = nameOf(node);
    return { name, judge: () => judge(node, name) };
  });
  return fillPage(candidates, page, scope.budget);
}

/**
 * Where the relation is monotone, what the walk reaches is the answer: undefined unless it is, and
 * every condition on the way could be evaluated, and nothing is too deep.
 */
function reachedForSure(
  scope: QueryScope,
  subject: SubjectNode,
  relation: RelationIndex,
): Int32Array | undefined {
  if (!scope.binding.monotone.isMonotone(relation)) return undefined;
  const { binding, budget } = scope;
  const ways = binding.reverseWays(relation);
  const closure = new Closure(scope, ways, binding.scratch.closureTables()).of(subject);
  if (!closure.isWhole) return undefined;
  const members = closure.members.view();
  const { maxDepth } = budget.limits;
  return members.every((node) => closure.hops(node) < maxDepth) ? members : undefined;
}

const idOf = (subject: Subject): string => (subject.kind === 'wildcard' ? '*' : subject.id);

/** Collects the objects that a subject's tuples can flow into a relation of. */
class ReverseWalk {
  readonly #scope: QueryScope;
  readonly #target: RelationIndex;
  readonly #contributors: Uint8Array;
  readonly #seen = new Set<number>();
  readonly #queue: { readonly node: Node; readonly relation: RelationIndex }[] = [];
  readonly #found = new Set<Node>();

  constructor(scope: QueryScope, target: RelationIndex) {
    this.#scope = scope;
    this.#target = target;
    this.#contributors = scope.binding.reach.contributors(target);
  }

  from(subject: SubjectNode): ReadonlySet<Node> {
    if (subject.kind === 'userset') {
      this.#reach(subject.node, subject.relation);
    } else {
      for (const { relation, set } of this.#scope.binding.reach.entryPoints(subject.type)) {
        if (set.form === 'wildcard') {
          this.#follow(subject.wildcard, set.kind, set.admission, relation);
        } else if (subject.kind === 'object') {
          this.#follow(subject.node, set.kind, set.admission, relation);
        }
      }
    }
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) {
      this.#leave(next.node, next.relation);
    }
    return this.#found;
  }

  #leave(node: Node, relation: RelationIndex): void {
    for (const reference of this.#scope.binding.reach.references(relation)) {
      switch (reference.kind) {
        case 'computed':
          this.#reach(node, reference.by);
          break;
        case 'userset':
          this.#follow(node, reference.set.kind, reference.set.admission, reference.by);
          break;
        case 'from':
          this.#follow(node, reference.path.kind, reference.path.admission, reference.by);
          break;
      }
    }
  }

  #follow(node: Node, kind: KindIndex, admission: Admission, relation: RelationIndex): void {
    const { graph, binding, budget, now } = this.#scope;
    graph.someObject(node, binding.kind(kind), (object: Node, facts: EdgeFacts) => {
      budget.step();
      if (isAdmitted(admission, facts, now)) this.#reach(object, relation);
      return false;
    });
  }

  #reach(node: Node, relation: RelationIndex): void {
    if (this.#contributors[relation] !== 1) return;
    const key = node * this.#contributors.length + relation;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (relation === this.#target) this.#found.add(node);
    this.#queue.push({ node, relation });
  }
}
