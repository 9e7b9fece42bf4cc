/**
 * The subjects of one form that have a relation to an object. Candidates are all that any tuple
 * below the object mentions, on the right of a `but not` as well: `everyone but not (banned but not
 * pardoned)` can admit them. Each is judged by its own evaluation, exactly as a check would.
 *
 * `user:*` in the answer stands for everybody. Beside it, only those concrete users are listed who
 * would be members without any wildcard.
 *
 * As in OpenFGA, a condition on the way that cannot be evaluated fails the list, even if every
 * candidate could do without it. A condition that reads attributes of the subject waits for the
 * candidate, and who lacks one that it asks for is not in the list. Where `user:*` is mentioned as
 * well, all users who have attributes are candidates, mentioned or not.
 */
import { NO_NODE } from '../graph/reader.js';
import type { EdgeFacts, Node } from '../graph/reader.js';
import type { Admission, DirectSet, Expression, RelationIndex } from '../schema/plan.js';
import { formatSubject } from '../tuple/tuple.js';
import type { ObjectRef, Subject } from '../tuple/tuple.js';
import { relationOf } from './check.js';
import { askedAbout, variesWith } from './entities.js';
import { Evaluation } from './evaluation.js';
import { fillPage } from './page.js';
import type { Candidate, Page, PageRequest } from './page.js';
import { edgeVerdict, isAdmitted } from './scope.js';
import type { Edge, QueryScope } from './scope.js';
import { NodeResolver } from './subject.js';
import type { SubjectNode } from './subject.js';
import { FALSE, decide, unlessLacking } from './truth.js';
import type { Verdict } from './truth.js';

/** `{ type: 'user' }` asks for users and `user:*`, `{ type: 'group', relation: 'member' }` for usersets. */
export interface SubjectForm {
  readonly type: string;
  readonly relation?: string;
}

export interface ListUsersQuestion {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly form: SubjectForm;
}

/** The page's names are subjects: `user:anne`, `user:*` or `group:eng#member`. */
export function listUsers(scope: QueryScope, question: ListUsersQuestion, page: PageRequest): Page {
  const { index } = relationOf(scope.binding, question.object.type, question.relation);
  const nodes = new NodeResolver(scope.binding, scope.graph);
  const object = nodes.object(question.object);
  const walk = new MentionWalk(askedAbout(scope, question), question.form);
  walk.from(object, index);
  const nameOf = (node: Node): string =>
    node === object ? question.object.id : scope.graph.nodeId(node);
  const isOfEach = variesWith(scope, index, 'subject');
  const judge = (subject: SubjectNode, named: Subject): Verdict => {
    const asked = askedAbout(scope, { subject: named, object: question.object });
    const verdict = new Evaluation(asked, subject).verdict(object, index);
    return isOfEach ? unlessLacking(verdict, 'subject') : verdict;
  };
  const { type, relation } = question.form;
  const candidate = (subject: Subject, judgeNode: typeof judge): Candidate => ({
    name: formatSubject(subject),
    judge: () => judgeNode(nodes.subject(subject), subject),
  });
  if (walk.asksEach) addAttributed(scope, type, walk.mentioned);
  const ids = [...walk.mentioned].map(nameOf);
  if (relation !== undefined) {
    const usersets = ids.map((id) => candidate({ kind: 'userset', type, id, relation }, judge));
    return fillPage(usersets, page, scope.budget);
  }
  // What is asked of each user may have no answer for all of them.
  const isOpenTo = (all: Verdict): boolean => (walk.asksEach ? all.kind === 'true' : decide(all));
  const wildcard: Subject = { kind: 'wildcard', type };
  const isOpen = walk.mentionsWildcard && isOpenTo(judge(nodes.subject(wildcard), wildcard));
  const judgeNamed = (subject: SubjectNode, named: Subject): Verdict =>
    isOpen && judge(withoutWildcard(subject), named).kind !== 'true'
      ? FALSE
      : judge(subject, named);
  const users = ids.map((id) => candidate({ kind: 'object', type, id }, judgeNamed));
  if (isOpen) users.push(candidate(wildcard, judge));
  return fillPage(users, page, scope.budget);
}

const withoutWildcard = (subject: SubjectNode): SubjectNode =>
  subject.kind === 'object' ? { ...subject, wildcard: NO_NODE } : subject;

function addAttributed({ graph, binding, budget }: QueryScope, type: string, to: Set<Node>): void {
  graph.someAttributed(binding.type(type), (node) => {
    budget.step();
    to.add(node);
    return false;
  });
}

interface Visit {
  readonly node: Node;
  readonly relation: RelationIndex;
}

/** Collects the nodes of the wanted form that are mentioned anywhere below a set. */
export class MentionWalk {
  readonly mentioned = new Set<Node>();
  mentionsWildcard = false;
  /** A condition on the way reads attributes of the subject. */
  #hasWaiting = false;
  readonly #scope: QueryScope;
  readonly #form: SubjectForm;
  readonly #seen = new Set<number>();
  readonly #queue: Visit[] = [];

  constructor(scope: QueryScope, form: SubjectForm) {
    this.#scope = scope;
    this.#form = form;
  }

  /** Whether everybody may be a member, each by what is known of them. */
  get asksEach(): boolean {
    return this.mentionsWildcard && this.#hasWaiting;
  }

  from(node: Node, relation: RelationIndex): void {
    this.#enter({ node, relation });
    for (let visit = this.#queue.pop(); visit !== undefined; visit = this.#queue.pop()) {
      const relationPlan = this.#scope.binding.plan.relations[visit.relation];
      if (relationPlan !== undefined) this.#expression(visit, relationPlan.expression);
    }
  }

  #enter(visit: Visit): void {
    this.#scope.budget.step();
    const key = visit.node * this.#scope.binding.plan.relations.length + visit.relation;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const relation = this.#scope.binding.plan.relations[visit.relation];
    if (relation?.type === this.#form.type && relation.name === this.#form.relation) {
      this.mentioned.add(visit.node);
    }
    this.#queue.push(visit);
  }

  #expression(at: Visit, expression: Expression): void {
    switch (expression.kind) {
      case 'direct':
        for (const set of expression.sets) this.#directSet(at, set);
        return;
      case 'computed':
        this.#enter({ node: at.node, relation: expression.target });
        return;
      case 'from':
        for (const { kind, admission, target } of expression.paths) {
          this.#subjects(at.node, kind, (node, facts) => {
            if (this.#holds(admission, facts, { object: at.node, kind, subject: node })) {
              this.#enter({ node, relation: target });
            }
          });
        }
        return;
      case 'union':
      case 'intersection':
        for (const operand of expression.operands) this.#expression(at, operand);
        return;
      case 'exclusion':
        this.#expression(at, expression.base);
        this.#expression(at, expression.subtract);
        return;
    }
  }

  #directSet(at: Visit, set: DirectSet): void {
    const isWanted = set.subjectType === this.#form.type && this.#form.relation === undefined;
    if (set.form !== 'userset' && !isWanted) return;
    this.#subjects(at.node, set.kind, (node, facts) => {
      const edge = { object: at.node, kind: set.kind, subject: node };
      if (!this.#holds(set.admission, facts, edge)) return;
      switch (set.form) {
        case 'object':
          this.mentioned.add(node);
          return;
        case 'wildcard':
          this.mentionsWildcard = true;
          return;
        case 'userset':
          this.#enter({ node, relation: set.target });
      }
    });
  }

  #holds(admission: Admission, facts: EdgeFacts, edge: Edge): boolean {
    if (this.#waits(facts)) {
      const isOne = isAdmitted(admission, facts, this.#scope.now);
      this.#hasWaiting ||= isOne;
      return isOne;
    }
    return decide(edgeVerdict(this.#scope, admission, facts, edge));
  }

  /** Whether its condition is for each candidate to meet. */
  #waits({ condition }: EdgeFacts): boolean {
    const { propertiesOf, binding } = this.#scope;
    if (condition === undefined || propertiesOf === undefined) return false;
    return binding.plan.conditions.get(condition.name)?.reads.has('subject') === true;
  }

  #subjects(node: Node, kind: number, visit: (node: Node, facts: EdgeFacts) => void): void {
    const { graph, binding, budget } = this.#scope;
    graph.someSubject(node, binding.kind(kind), (subject, facts) => {
      budget.step();
      visit(subject, facts);
      return false;
    });
  }
}
