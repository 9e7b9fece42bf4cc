/**
 * The userset tree of a set: what it is made of, as far as it is asked for. Conditions are not
 * evaluated, as in OpenFGA; expired tuples and those that the model no longer admits are left out.
 *
 * A tree of depth 1 is OpenFGA's: one set, its leaves naming usersets without opening them. A deeper
 * one opens each of them under `opened`. A set that stands above itself is marked `cycle`, and one
 * that the depth or the node limit left closed is marked `truncated`.
 */
import type { Node } from '../graph/reader.js';
import type { DirectSet, Expression, ParentPath, PlanRelation } from '../schema/plan.js';
import type { ObjectRef } from '../tuple/tuple.js';
import { relationOf } from './check.js';
import { isAdmitted } from './scope.js';
import type { QueryScope } from './scope.js';
import { NodeResolver } from './subject.js';

/** `name` is the set's, `document:1#viewer`. */
export type UsersetTree = { readonly name: string } & (
  | { readonly kind: 'subjects'; readonly subjects: readonly string[]; readonly opened: Opened }
  | { readonly kind: 'computed'; readonly userset: string; readonly opened: Opened }
  | {
      readonly kind: 'from';
      readonly tupleset: string;
      readonly usersets: readonly string[];
      readonly opened: Opened;
    }
  | { readonly kind: 'union' | 'intersection'; readonly nodes: readonly UsersetTree[] }
  | { readonly kind: 'difference'; readonly base: UsersetTree; readonly subtract: UsersetTree }
  | { readonly kind: 'cycle' }
  | { readonly kind: 'truncated' }
);

/** The trees of the usersets that a leaf names; undefined in a tree of depth 1. */
type Opened = readonly UsersetTree[] | undefined;

export interface ExpandQuestion {
  readonly object: ObjectRef;
  readonly relation: string;
  /** 1 for one set; each further one opens the usersets that the level above names. */
  readonly maxDepth: number;
}

export interface Expansion {
  readonly root: UsersetTree;
  readonly complete: boolean;
}

export function expand(scope: QueryScope, question: ExpandQuestion): Expansion {
  const relation = relationOf(scope.binding, question.object.type, question.relation);
  const nodes = new NodeResolver(scope.binding, scope.graph);
  const builder = new TreeBuilder(scope, question.maxDepth > 1);
  const root = builder.set(
    { node: nodes.object(question.object), id: question.object.id, relation },
    question.maxDepth,
  );
  return { root, complete: !builder.truncated };
}

interface SetRef {
  readonly node: Node;
  readonly id: string;
  readonly relation: PlanRelation;
}

const nameOf = ({ id, relation }: SetRef): string => `${relation.type}:${id}#${relation.name}`;

class TreeBuilder {
  truncated = false;
  readonly #scope: QueryScope;
  readonly #opening: boolean;
  readonly #path = new Set<string>();
  #nodes = 0;

  constructor(scope: QueryScope, opening: boolean) {
    this.#scope = scope;
    this.#opening = opening;
  }

  set(set: SetRef, depthLeft: number): UsersetTree {
    const name = nameOf(set);
    if (this.#path.has(name)) return { name, kind: 'cycle' };
    if (depthLeft === 0 || this.#nodes >= this.#scope.budget.limits.maxTreeNodes) {
      this.truncated = true;
      return { name, kind: 'truncated' };
    }
    this.#path.add(name);
    const tree = this.#tree(set, set.relation.expression, depthLeft);
    this.#path.delete(name);
    return tree;
  }

  #tree(set: SetRef, expression: Expression, depthLeft: number): UsersetTree {
    const name = nameOf(set);
    this.#nodes++;
    const operand = (next: Expression): UsersetTree => this.#tree(set, next, depthLeft);
    switch (expression.kind) {
      case 'direct': {
        const found = expression.sets.flatMap((direct) => this.#subjects(set.node, direct));
        found.sort((a, b) => (a.name < b.name ? -1 : 1));
        const subjects = found.map((subject) => subject.name);
        return {
          name,
          kind: 'subjects',
          subjects,
          opened: this.#open(found, depthLeft),
        };
      }
      case 'computed': {
        const userset = { ...set, relation: this.#relation(expression.target) };
        const opened = this.#open([{ set: userset }], depthLeft);
        return { name, kind: 'computed', userset: nameOf(userset), opened };
      }
      case 'from': {
        const tupleset = nameOf({ ...set, relation: this.#relation(expression.tupleset) });
        const parents = expression.paths.flatMap((path) => this.#parents(set.node, path));
        parents.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
        const opened = this.#open(
          parents.map((parent) => ({ set: parent })),
          depthLeft,
        );
        return { name, kind: 'from', tupleset, usersets: parents.map(nameOf), opened };
      }
      case 'union':
      case 'intersection':
        return { name, kind: expression.kind, nodes: expression.operands.map(operand) };
      case 'exclusion':
        return {
          name,
          kind: 'difference',
          base: operand(expression.base),
          subtract: operand(expression.subtract),
        };
    }
  }

  #open(usersets: readonly { readonly set?: SetRef }[], depthLeft: number): Opened {
    if (!this.#opening) return undefined;
    return usersets.flatMap(({ set }) => (set === undefined ? [] : this.set(set, depthLeft - 1)));
  }

  #subjects(object: Node, direct: DirectSet): { readonly name: string; readonly set?: SetRef }[] {
    const { graph, binding, budget, now } = this.#scope;
    const found: { readonly name: string; readonly set?: SetRef }[] = [];
    graph.someSubject(object, binding.kind(direct.kind), (node, facts) => {
      budget.step();
      if (!isAdmitted(direct.admission, facts, now)) return false;
      const id = graph.nodeId(node);
      if (direct.form === 'userset') {
        const set = { node, id, relation: this.#relation(direct.target) };
        found.push({ name: nameOf(set), set });
      } else {
        found.push({ name: `${direct.subjectType}:${id}` });
      }
      return false;
    });
    return found;
  }

  #parents(object: Node, path: ParentPath): SetRef[] {
    const { graph, binding, budget, now } = this.#scope;
    const parents: SetRef[] = [];
    graph.someSubject(object, binding.kind(path.kind), (node, facts) => {
      budget.step();
      if (isAdmitted(path.admission, facts, now)) {
        parents.push({ node, id: graph.nodeId(node), relation: this.#relation(path.target) });
      }
      return false;
    });
    return parents;
  }

  #relation(index: number): PlanRelation {
    const relation = this.#scope.binding.plan.relations[index];
    if (relation === undefined) throw new RangeError(`no relation ${index} in the plan`);
    return relation;
  }
}
