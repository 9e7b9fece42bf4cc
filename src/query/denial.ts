/**
 * Why a check is not true, for people: a tree of what was tried, each branch ending in what is
 * missing there. Of an intersection only the operands that fail are shown, of a subtraction that
 * does, why; a set that the model never lets such a subject into is not looked at.
 *
 * Verdicts are those of the evaluation, so the tree cannot disagree with the check. It is cut where
 * it would be longer than anybody reads; what might have granted but for a condition comes first.
 */
import type { EdgeFacts, Node } from '../graph/reader.js';
import type {
  Admission,
  DirectSet,
  Expression,
  PlanRelation,
  RelationIndex,
} from '../schema/plan.js';
import { formatObject, formatSubject, formatTupleKey } from '../tuple/tuple.js';
import type { ObjectRef, TupleKey } from '../tuple/tuple.js';
import { Derivation } from './derivation.js';
import { proofBy } from './explain.js';
import type { Proof } from './explain.js';
import type { Way } from './leaves.js';
import { Question } from './question.js';
import { reasonOf } from './reason.js';
import type { Reason } from './reason.js';
import { edgeKey, edgeVerdict, isAdmitted } from './scope.js';
import type { Edge, QueryScope } from './scope.js';
import { endOf } from './subject.js';
import type { EvaluationFailure } from './truth.js';

/** Of one set; more are counted, not shown. */
const MAX_WAYS = 10;
/** Sets below each other: deeper ones are seldom where the mistake is. */
const MAX_NESTING = 12;
/** Branches in all, some screens full. */
const MAX_BRANCHES = 200;

export interface DeniedSet {
  readonly relation: string;
  readonly object: ObjectRef;
}

/** `set` has not the subject; tuples are in their textual form. */
export type Denial = { readonly set: DeniedSet } & Cause;

export type Cause =
  | FailureCause
  | {
      readonly because: 'no_tuple';
      /** Each of these would do, or lead on; `…` stands for any id. */
      readonly absent: readonly string[];
    }
  | { readonly because: 'no_way_in_model'; readonly subject: string }
  | { readonly because: 'expired' | 'not_admitted'; readonly tuple: string }
  | { readonly because: 'condition_false'; readonly condition: string; readonly tuple: string }
  | {
      readonly because: 'excluded';
      /** What it is in, where that has a name, and why. */
      readonly from: DeniedSet | undefined;
      readonly proof: Proof;
    }
  | {
      readonly because: 'all_ways_fail' | 'one_operand_fails';
      readonly ways: readonly Denial[];
      readonly more: number;
    }
  /** `not_shown`: the tree is long enough. */
  | { readonly because: 'cycle' | 'own_negation' | 'not_shown' };

type FailureCause =
  | {
      readonly because: 'missing_parameters';
      readonly condition: string;
      readonly tuple: string;
      readonly parameters: readonly string[];
    }
  | {
      readonly because: 'condition_error';
      readonly condition: string;
      readonly tuple: string;
      readonly message: string;
    }
  | { readonly because: 'too_deep' };

export interface Explanation extends Reason {
  readonly denial: Denial;
}

/** Undefined where a check is true; throws as `reasonOf` does. */
export function explainDenial(scope: QueryScope, key: TupleKey): Explanation | undefined {
  const reason = reasonOf(scope, key);
  if (reason === undefined) return undefined;
  const denial = new DenialTree(new Question(scope, key)).root();
  if (reason.reason !== 'missing_parameters') return { ...reason, denial };
  const parameters = new Set([...reason.parameters, ...missingIn(denial)]);
  return { ...reason, parameters: [...parameters], denial };
}

function missingIn(denial: Denial): readonly string[] {
  switch (denial.because) {
    case 'missing_parameters':
      return denial.parameters;
    case 'all_ways_fail':
    case 'one_operand_fails':
      return denial.ways.flatMap(missingIn);
    default:
      return [];
  }
}

type Branch = () => Denial;

interface FoundEdge {
  readonly edge: Edge;
  readonly facts: EdgeFacts;
}

/** A tuple to the set, with the conditions that it may carry if it has to carry one. */
function textOf({ object, relation }: DeniedSet, subject: string, admission: Admission): string {
  const tuple = `${formatObject(object)}#${relation}@${subject}`;
  return admission.plain ? tuple : `${tuple} with ${[...admission.conditions].join(' or ')}`;
}

class DenialTree {
  readonly #scope: QueryScope;
  readonly #question: Question;
  readonly #path = new Set<string>();
  #branches = 0;

  constructor(question: Question) {
    this.#scope = question.scope;
    this.#question = question;
  }

  root(): Denial {
    return this.#set(this.#question.object, this.#question.relation);
  }

  #set(node: Node, index: RelationIndex): Denial {
    const set = this.#name(node, index);
    const { leaves } = this.#question.evaluation;
    if (!leaves.isReached(index)) return this.#noWay(set);
    const place = `${node} ${index}`;
    if (this.#path.has(place)) return { set, because: 'cycle' };
    this.#branches++;
    if (this.#branches > MAX_BRANCHES || this.#path.size >= MAX_NESTING) {
      return { set, because: 'not_shown' };
    }
    this.#path.add(place);
    const denial = this.#expression(set, node, leaves.expressionOf(index));
    this.#path.delete(place);
    return denial;
  }

  #expression(set: DeniedSet, node: Node, expression: Expression): Denial {
    switch (expression.kind) {
      case 'direct':
      case 'from':
      case 'union': {
        const ways = this.#ways(set, node, expression);
        return ways.length > 0 ? this.#of(set, 'all_ways_fail', ways) : this.#noWay(set);
      }
      case 'computed':
        return this.#set(node, expression.target);
      case 'intersection': {
        const failing = expression.operands.filter((each) => !this.#isIn(node, each));
        const ways = failing.map((each) => () => this.#expression(set, node, each));
        return this.#of(set, 'one_operand_fails', ways);
      }
      case 'exclusion': {
        const { base, subtract } = expression;
        const sides: Branch[] = [];
        if (!this.#isIn(node, base)) sides.push(() => this.#expression(set, node, base));
        const excluded = this.#excluded(set, node, subtract);
        if (excluded !== undefined) sides.push(() => excluded);
        return this.#of(set, 'one_operand_fails', sides);
      }
    }
  }

  #excluded(set: DeniedSet, node: Node, subtract: Expression): Denial | undefined {
    const { evaluation } = this.#question;
    const verdict = evaluation.judge(node, subtract);
    switch (verdict.kind) {
      case 'false':
        return undefined;
      case 'undefined':
        return { set, because: 'own_negation' };
      case 'failed':
        return { set, ...this.#failure(verdict.failure) };
      case 'true': {
        const derivation = new Derivation(evaluation).ofPart(node, subtract);
        const from = subtract.kind === 'computed' ? this.#name(node, subtract.target) : undefined;
        return { set, because: 'excluded', from, proof: proofBy(derivation, this.#question) };
      }
    }
  }

  /** Of which each by itself would be enough. */
  #ways(set: DeniedSet, node: Node, expression: Expression): readonly Branch[] {
    switch (expression.kind) {
      case 'direct':
        return this.#direct(set, node, expression.sets);
      case 'from':
        return this.#from(set, node, expression);
      case 'union':
        return expression.operands.flatMap((each) => this.#ways(set, node, each));
      case 'computed':
        return this.#leadsIn(expression) ? [() => this.#set(node, expression.target)] : [];
      case 'intersection':
      case 'exclusion':
        return [() => this.#expression(set, node, expression)];
    }
  }

  #from(
    set: DeniedSet,
    node: Node,
    { paths, tupleset }: Expression & { readonly kind: 'from' },
  ): readonly Branch[] {
    const leading = paths.filter((path) => this.#leadsIn(path));
    const ends = leading.flatMap((path) => this.#ends(set, node, path));
    if (ends.length > 0 || leading.length === 0) return ends;
    const parents = this.#name(node, tupleset);
    const absent = leading.map(({ parentType, admission }) =>
      textOf(parents, `${parentType}:…`, admission),
    );
    return [() => ({ set, because: 'no_tuple', absent })];
  }

  #direct(set: DeniedSet, node: Node, sets: readonly DirectSet[]): readonly Branch[] {
    const absent: string[] = [];
    const ways: Branch[] = [];
    for (const each of sets) {
      const name = this.#wanted(each);
      if (name === undefined) continue;
      const fault = each.form === 'userset' ? undefined : this.#namedFault(set, node, each);
      if (fault === undefined) absent.push(textOf(set, name, each.admission));
      else ways.push(() => fault);
      if (each.form === 'userset') ways.push(...this.#ends(set, node, each));
    }
    if (absent.length > 0) ways.push(() => ({ set, because: 'no_tuple', absent }));
    return ways;
  }

  /** Whom a tuple of the kind would have to name; undefined when none of them would help. */
  #wanted(set: DirectSet): string | undefined {
    const { subject } = this.#question.key;
    const { subjectType: type, form } = set;
    switch (form) {
      case 'userset': {
        if (!this.#leadsIn(set)) return undefined;
        const { name } = this.#relation(set.target);
        const isIt = subject.kind === form && subject.type === type && subject.relation === name;
        return isIt ? formatSubject(subject) : `${type}:…#${name}`;
      }
      case 'object':
        return subject.kind === form && subject.type === type ? formatSubject(subject) : undefined;
      case 'wildcard':
        return subject.kind !== 'userset' && subject.type === type ? `${type}:*` : undefined;
    }
  }

  #namedFault(set: DeniedSet, object: Node, direct: DirectSet): Denial | undefined {
    const { graph, binding } = this.#scope;
    const { kind, admission, form } = direct;
    const subject = endOf(this.#question.evaluation.leaves.subject, form === 'wildcard');
    const facts = graph.edge(object, binding.kind(kind), subject);
    return facts && this.#fault(set, admission, { edge: { object, kind, subject }, facts });
  }

  /** What there is over edges that exist, those first that a condition or a date keeps from holding. */
  #ends(set: DeniedSet, object: Node, { kind, admission, target }: Way): readonly Branch[] {
    const { graph, binding, budget } = this.#scope;
    const ends: FoundEdge[] = [];
    graph.someSubject(object, binding.kind(kind), (subject, facts) => {
      budget.step();
      ends.push({ edge: { object, kind, subject }, facts });
      return false;
    });
    const faulty: Branch[] = [];
    const open: Branch[] = [];
    for (const end of ends) {
      const { subject } = end.edge;
      const fault = this.#fault(set, admission, end);
      if (fault === undefined) open.push(() => this.#set(subject, target));
      else if (this.#question.evaluation.verdict(subject, target).kind === 'true') {
        faulty.push(() => fault);
      }
    }
    return [...faulty, ...open];
  }

  /** Why an edge does not hold; undefined when it does. */
  #fault(set: DeniedSet, admission: Admission, { edge, facts }: FoundEdge): Denial | undefined {
    if (!isAdmitted(admission, facts, this.#scope.now)) {
      const isOver = facts.expiresAt !== undefined && facts.expiresAt <= this.#scope.now;
      return { set, because: isOver ? 'expired' : 'not_admitted', tuple: this.#edgeText(edge) };
    }
    const verdict = edgeVerdict(this.#scope, admission, facts, edge);
    if (verdict.kind === 'true') return undefined;
    if (verdict.kind === 'failed') return { set, ...this.#failure(verdict.failure) };
    const condition = facts.condition?.name ?? '';
    return { set, because: 'condition_false', condition, tuple: this.#edgeText(edge) };
  }

  #failure(failure: EvaluationFailure): FailureCause {
    switch (failure.kind) {
      case 'missing': {
        const { condition, tuple, parameters } = failure;
        return { because: 'missing_parameters', condition, tuple, parameters };
      }
      case 'error': {
        const { condition, tuple, message } = failure;
        return { because: 'condition_error', condition, tuple, message };
      }
      case 'too_deep':
        return { because: 'too_deep' };
    }
  }

  #of(
    set: DeniedSet,
    because: 'all_ways_fail' | 'one_operand_fails',
    branches: readonly Branch[],
  ): Denial {
    const [first, ...others] = branches;
    // Seen by itself no part fails: each did only for being too far from the set that is asked about.
    if (first === undefined) return { set, because: 'too_deep' };
    if (others.length === 0) return first();
    const ways = branches.slice(0, MAX_WAYS).map((branch) => branch());
    return { set, because, ways, more: branches.length - ways.length };
  }

  #noWay(set: DeniedSet): Denial {
    return { set, because: 'no_way_in_model', subject: formatSubject(this.#question.key.subject) };
  }

  #isIn(node: Node, expression: Expression): boolean {
    return this.#question.evaluation.judge(node, expression).kind === 'true';
  }

  #leadsIn({ target }: { readonly target: RelationIndex }): boolean {
    return this.#question.evaluation.leaves.isReached(target);
  }

  #name(node: Node, index: RelationIndex): DeniedSet {
    const { type, name } = this.#relation(index);
    return { relation: name, object: { type, id: this.#question.idOf(node) } };
  }

  #edgeText(edge: Edge): string {
    return formatTupleKey(edgeKey(this.#scope.binding.plan, edge, this.#question.idOf));
  }

  #relation(index: RelationIndex): PlanRelation {
    const relation = this.#scope.binding.plan.relations[index];
    if (relation === undefined) throw new RangeError(`no relation ${index} in the plan`);
    return relation;
  }
}
