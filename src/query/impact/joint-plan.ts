/**
 * Two plans as one, over one graph: what both define alike is there once, so that its sets are made
 * once for both; the rest is there twice. Expressions are flat where they say `or`, and their kinds of
 * edges are the graph's.
 */
import type { EdgeKind } from '../../graph/reader.js';
import { affectedRelations } from '../../schema/affected.js';
import type { Admission, Expression, PlanRelation } from '../../schema/plan.js';
import type { Binding } from '../binding.js';

export type Side = 'before' | 'after';

/** Of one of the two plans, or of both. */
export type JointIndex = number;

/** Edges to the subjects themselves. */
export interface JointEnd {
  readonly kind: EdgeKind;
  readonly admission: Admission;
  readonly subjectType: string;
  readonly isWildcard: boolean;
}

/** Edges to nodes whose members (of a relation) are members. */
export interface JointWay {
  readonly kind: EdgeKind;
  readonly admission: Admission;
  readonly target: JointIndex;
}

export type JointExpression =
  | {
      readonly kind: 'any';
      readonly ends: JointEnd[];
      readonly ways: JointWay[];
      /** Of the same object; only those whose rule is no union. */
      readonly computed: JointIndex[];
      readonly others: readonly JointExpression[];
    }
  | { readonly kind: 'all'; readonly operands: readonly JointExpression[] }
  | { readonly kind: 'butNot'; readonly base: JointExpression; readonly subtract: JointExpression };

export interface JointRelation {
  /** Whose conditions its edges have. */
  readonly side: Side;
  readonly plan: PlanRelation;
  readonly expression: JointExpression;
}

/** A relation whose members can differ; undefined where a model does not have it. */
export interface AffectedRelation {
  readonly type: string;
  readonly name: string;
  readonly before: JointIndex | undefined;
  readonly after: JointIndex | undefined;
}

export class JointPlan {
  readonly relations: readonly JointRelation[];
  readonly affected: readonly AffectedRelation[];
  /** By relation, 1 where its sets are asked for from more objects than their own. */
  readonly isHeld: Uint8Array;

  constructor(before: Binding, after: Binding) {
    const names = affectedRelations(before.plan.model, after.plan.model);
    const old = before.plan.relations;
    const own = after.plan.relations.filter((each) => names.has(nameOf(each)));
    const places = new Map(own.map((each, i) => [each.index, old.length + i]));
    const jointIndexOf = (index: number): JointIndex => {
      const relation = after.plan.relations[index];
      const place = places.get(index);
      return place ?? (relation && before.plan.relation(relation.type, relation.name)?.index) ?? -1;
    };
    this.relations = [
      ...old.map((plan) => joint('before', before, plan, (index) => index)),
      ...own.map((plan) => joint('after', after, plan, jointIndexOf)),
    ];
    for (const relation of this.relations) flatten(relation.expression, this.relations);
    this.affected = affectedOf(
      old.filter((each) => names.has(nameOf(each))),
      own.map((plan) => ({ plan, index: places.get(plan.index) ?? -1 })),
    );
    this.isHeld = heldRelations(this.relations);
  }
}

const nameOf = ({ type, name }: PlanRelation): string => `${type}#${name}`;

function affectedOf(
  before: readonly PlanRelation[],
  after: readonly { readonly plan: PlanRelation; readonly index: JointIndex }[],
): readonly AffectedRelation[] {
  const indexes = new Map(after.map(({ plan, index }) => [nameOf(plan), index]));
  const old = new Set(before.map(nameOf));
  return [
    ...before.map((plan) => ({
      type: plan.type,
      name: plan.name,
      before: plan.index,
      after: indexes.get(nameOf(plan)),
    })),
    ...after
      .filter(({ plan }) => !old.has(nameOf(plan)))
      .map(({ plan, index }) => ({
        type: plan.type,
        name: plan.name,
        before: undefined,
        after: index,
      })),
  ];
}

function joint(
  side: Side,
  binding: Binding,
  plan: PlanRelation,
  indexOf: (index: number) => JointIndex,
): JointRelation {
  const convert = (expression: Expression): JointExpression => {
    switch (expression.kind) {
      case 'intersection':
        return { kind: 'all', operands: expression.operands.map(convert) };
      case 'exclusion':
        return {
          kind: 'butNot',
          base: convert(expression.base),
          subtract: convert(expression.subtract),
        };
      default:
        return any(expression);
    }
  };
  const any = (whole: Expression): JointExpression => {
    const ends: JointEnd[] = [];
    const ways: JointWay[] = [];
    const computed: JointIndex[] = [];
    const others: JointExpression[] = [];
    const collect = (expression: Expression): void => {
      switch (expression.kind) {
        case 'direct':
          for (const set of expression.sets) {
            const { admission, subjectType } = set;
            const kind = binding.kind(set.kind);
            if (set.form === 'userset') {
              ways.push({ kind, admission, target: indexOf(set.target) });
            } else {
              ends.push({ kind, admission, subjectType, isWildcard: set.form === 'wildcard' });
            }
          }
          return;
        case 'computed':
          computed.push(indexOf(expression.target));
          return;
        case 'from':
          for (const { kind, admission, target } of expression.paths) {
            ways.push({ kind: binding.kind(kind), admission, target: indexOf(target) });
          }
          return;
        case 'union':
          expression.operands.forEach(collect);
          return;
        default:
          others.push(convert(expression));
      }
    };
    collect(whole);
    return { kind: 'any', ends, ways, computed, others };
  };
  return { side, plan, expression: convert(plan.expression) };
}

/**
 * Takes the unions that an expression computes from into it: their parts are worth more than the sets
 * that these would be put together to.
 */
function flatten(expression: JointExpression, relations: readonly JointRelation[]): void {
  switch (expression.kind) {
    case 'any': {
      const met = new Set(expression.computed.splice(0));
      // The set grows while it is gone through.
      for (const index of met) {
        const target = relations[index]?.expression;
        if (target?.kind !== 'any' || target.others.length > 0) {
          expression.computed.push(index);
          continue;
        }
        expression.ends.push(...target.ends);
        expression.ways.push(...target.ways);
        for (const next of target.computed) met.add(next);
      }
      for (const other of expression.others) flatten(other, relations);
      return;
    }
    case 'all':
      for (const operand of expression.operands) flatten(operand, relations);
      return;
    case 'butNot':
      flatten(expression.base, relations);
      flatten(expression.subtract, relations);
  }
}

/** Those that edges lead to, and what these compute from. */
function heldRelations(relations: readonly JointRelation[]): Uint8Array {
  const held = new Uint8Array(relations.length);
  const queue: JointIndex[] = [];
  const visit = (expression: JointExpression, take: (any: AnyExpression) => void): void => {
    switch (expression.kind) {
      case 'any':
        take(expression);
        expression.others.forEach((other) => {
          visit(other, take);
        });
        return;
      case 'all':
        expression.operands.forEach((operand) => {
          visit(operand, take);
        });
        return;
      case 'butNot':
        visit(expression.base, take);
        visit(expression.subtract, take);
    }
  };
  for (const { expression } of relations) {
    visit(expression, ({ ways }) => {
      for (const { target } of ways) queue.push(target);
    });
  }
  for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
    const relation = relations[index];
    if (relation === undefined || held[index] === 1) continue;
    held[index] = 1;
    visit(relation.expression, ({ computed }) => queue.push(...computed));
  }
  return held;
}

type AnyExpression = JointExpression & { readonly kind: 'any' };
