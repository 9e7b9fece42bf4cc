/**
 * What tests have reached of a model's `coverage-goals.ts`. An answer counts once it is the expected
 * one, and only with what decided it:
 *
 *   of a set that has the subject     every branch by which it has, and why it has not what is taken away
 *   of a set that has not             every branch, for none leads there; of `and` the operand that alone
 *                                     is lacking; of `but not` what shuts out who would be in
 *
 * and so on through the sets that these lead to. What the parts come to is told by the evaluation that
 * checks use. A list counts as a check for each of its names.
 */
import { PembaError } from '../../errors.js';
import type { EdgeFacts, Node } from '../../graph/reader.js';
import { Question } from '../../query/question.js';
import { edgeVerdict, isAdmitted } from '../../query/scope.js';
import { endOf } from '../../query/subject.js';
import type { Way } from '../../query/leaves.js';
import type { DirectSet, Expression, PlanRelation, RelationIndex } from '../../schema/plan.js';
import type { JsonObject } from '../../tuple/tuple.js';
import { isError, partsOf } from './answers.js';
import type { Answer, CheckPart } from './answers.js';
import {
  branchKey,
  conditionKey,
  guardedText,
  lackingKey,
  refusedKey,
  restrictionKey,
} from './coverage-goals.js';
import type { PartPath } from './coverage-goals.js';
import { checkOf } from './reasons.js';
import type { Question as StoreQuestion } from './store-file.js';
import type { Situation } from './world.js';

export class Coverage {
  /** Keys of goals. */
  readonly reached = new Set<string>();

  add(situation: Situation, question: StoreQuestion, got: Answer, context: JsonObject): void {
    if (isError(got)) return;
    if (question.kind === 'check' || question.kind === 'delegated_check') {
      this.#parts(partsOf(situation, question, context));
      return;
    }
    for (const name of typeof got === 'boolean' ? [] : got) {
      const check = checkOf(question, name);
      if (check !== undefined) this.#parts(partsOf(situation, check, context));
    }
  }

  /** Where several have to be true, one that alone is not has decided. */
  #parts(parts: readonly CheckPart[]): void {
    const isTrue = parts.map(
      ({ scope, key }) => new Question(scope(), key).verdict().kind === 'true',
    );
    const lacking = isTrue.filter((each) => !each).length;
    if (lacking > 1) return;
    for (const [i, { scope, key }] of parts.entries()) {
      if (lacking === 1 && isTrue[i] === true) continue;
      const question = new Question(scope(), key);
      try {
        new Walk(question, this.reached).set(question.object, question.relation);
      } catch (error) {
        // Walked over and over, a large graph is more than a query may cost: it reached enough.
        if (!(error instanceof PembaError)) throw error;
      }
    }
  }
}

const NO_RELATION = { type: '', name: '' };

interface At {
  readonly node: Node;
  /** `order#can_view` */
  readonly relation: string;
}

class Walk {
  readonly #question: Question;
  readonly #reached: Set<string>;
  readonly #seen = new Set<string>();

  constructor(question: Question, reached: Set<string>) {
    this.#question = question;
    this.#reached = reached;
  }

  set(node: Node, index: RelationIndex): void {
    const { evaluation } = this.#question;
    const key = `${node} ${index}`;
    if (this.#seen.has(key) || this.#isSubject(node, index)) return;
    this.#seen.add(key);
    const plan = this.#relation(index);
    const at = { node, relation: `${plan.type}#${plan.name}` };
    if (evaluation.verdict(node, index).kind === 'true') {
      this.#has(at, plan.expression, '');
    } else {
      this.#reached.add(refusedKey(at.relation));
      this.#hasNot(at, plan.expression, '');
    }
  }

  #has(at: At, expression: Expression, path: PartPath): void {
    switch (expression.kind) {
      case 'direct':
        for (const set of expression.sets) this.#direct(at, set, true);
        return;
      case 'computed':
        this.#reached.add(branchKey(at.relation, path));
        this.set(at.node, expression.target);
        return;
      case 'from':
        for (const way of expression.paths) {
          if (this.#ends(at, way, true).length > 0) this.#reached.add(branchKey(at.relation, path));
        }
        return;
      case 'union':
        for (const [i, each] of expression.operands.entries()) {
          if (this.#isTrue(at, each)) this.#has(at, each, `${path}.${i}`);
        }
        return;
      case 'intersection':
        for (const [i, each] of expression.operands.entries()) this.#has(at, each, `${path}.${i}`);
        return;
      case 'exclusion':
        this.#has(at, expression.base, `${path}.0`);
        this.#hasNot(at, expression.subtract, `${path}.1`);
    }
  }

  #hasNot(at: At, expression: Expression, path: PartPath): void {
    switch (expression.kind) {
      case 'direct':
        for (const set of expression.sets) this.#direct(at, set, false);
        return;
      case 'computed':
        this.set(at.node, expression.target);
        return;
      case 'from':
        for (const way of expression.paths) this.#ends(at, way, false);
        return;
      case 'union':
        for (const [i, each] of expression.operands.entries()) {
          this.#hasNot(at, each, `${path}.${i}`);
        }
        return;
      case 'intersection': {
        const lacking = [...expression.operands.entries()].filter(
          ([, each]) => !this.#isTrue(at, each),
        );
        const [only, second] = lacking;
        if (only === undefined || second !== undefined) return;
        const [i, operand] = only;
        this.#reached.add(lackingKey(at.relation, `${path}.${i}`));
        this.#hasNot(at, operand, `${path}.${i}`);
        return;
      }
      case 'exclusion': {
        const { base, subtract } = expression;
        const isBase = this.#isTrue(at, base);
        if (isBase) this.#has(at, subtract, `${path}.1`);
        else if (!this.#isTrue(at, subtract)) this.#hasNot(at, base, `${path}.0`);
      }
    }
  }

  #direct(at: At, set: DirectSet, isIn: boolean): void {
    const { type, name } = set.form === 'userset' ? this.#relation(set.target) : NO_RELATION;
    const subject = {
      object: set.subjectType,
      wildcard: `${set.subjectType}:*`,
      userset: `${type}#${name}`,
    }[set.form];
    const found = set.form === 'userset' ? this.#ends(at, set, isIn) : this.#named(at, set);
    for (const { condition } of found) {
      this.#reached.add(restrictionKey(at.relation, guardedText(subject, condition?.name)));
    }
  }

  /** Of the edge to the subject itself, if it holds. */
  #named(at: At, set: DirectSet): readonly EdgeFacts[] {
    const { scope, evaluation } = this.#question;
    const { subject } = evaluation.leaves;
    if (subject.type !== set.subjectType) return [];
    const end = endOf(subject, set.form === 'wildcard');
    const facts = scope.graph.edge(at.node, scope.binding.kind(set.kind), end);
    return facts !== undefined && this.#holds(at, set, end, facts) ? [facts] : [];
  }

  /** Of the edges that hold, to sets that have the subject. Goes on to these, or else to all. */
  #ends(at: At, way: Way, isIn: boolean): readonly EdgeFacts[] {
    const { scope, evaluation } = this.#question;
    const ends: (readonly [Node, EdgeFacts])[] = [];
    scope.graph.someSubject(at.node, scope.binding.kind(way.kind), (node, facts) => {
      scope.budget.step();
      ends.push([node, facts]);
      return false;
    });
    return ends.flatMap(([node, facts]) => {
      const has = evaluation.verdict(node, way.target).kind === 'true';
      // Where the set has not the subject, its edge's condition decides nothing.
      if (!has && (isIn || facts.condition !== undefined)) return [];
      if (!this.#holds(at, way, node, facts)) return [];
      this.set(node, way.target);
      return has ? [facts] : [];
    });
  }

  #holds(
    { node: object }: At,
    { kind, admission }: Pick<DirectSet, 'kind' | 'admission'>,
    subject: Node,
    facts: EdgeFacts,
  ): boolean {
    const { scope } = this.#question;
    if (!isAdmitted(admission, facts, scope.now)) return false;
    const verdict = edgeVerdict(scope, admission, facts, { object, kind, subject });
    const isTrue = verdict.kind === 'true';
    if (facts.condition !== undefined && (isTrue || verdict.kind === 'false')) {
      this.#reached.add(conditionKey(facts.condition.name, isTrue));
    }
    return isTrue;
  }

  #relation(index: RelationIndex): PlanRelation {
    const relation = this.#question.scope.binding.plan.relations[index];
    if (relation === undefined) throw new RangeError(`no relation ${index} in the plan`);
    return relation;
  }

  #isTrue({ node }: At, expression: Expression): boolean {
    return this.#question.evaluation.judge(node, expression).kind === 'true';
  }

  #isSubject(node: Node, relation: RelationIndex): boolean {
    const { subject } = this.#question.evaluation.leaves;
    return subject.kind === 'userset' && subject.node === node && subject.relation === relation;
  }
}
