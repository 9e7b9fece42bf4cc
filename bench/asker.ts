/** The engine without anything round it: a graph, a plan, and queries within a budget. */
import type { ResidentGraph } from '../src/graph/resident.js';
import type { Node } from '../src/graph/reader.js';
import { Binding } from '../src/query/binding.js';
import { Budget } from '../src/query/budget.js';
import { check, relationOf } from '../src/query/check.js';
import { Evaluation } from '../src/query/evaluation.js';
import { prove } from '../src/query/explain.js';
import { listObjects } from '../src/query/list-objects.js';
import { listUsers } from '../src/query/list-users.js';
import type { QueryScope } from '../src/query/scope.js';
import { NodeResolver } from '../src/query/subject.js';
import type { SubjectNode } from '../src/query/subject.js';
import { modelFromDsl } from '../src/schema/dsl.js';
import { compilePlan } from '../src/schema/plan.js';
import type { RelationIndex } from '../src/schema/plan.js';
import { parseSubject } from '../src/tuple/tuple.js';
import type { Subject, TupleKey } from '../src/tuple/tuple.js';
import { SCHEMA } from './data.js';

/** The server's, except for depth: the chain of 50 groups must be walked to its end. */
const LIMITS = {
  maxDepth: 250,
  maxSteps: 100_000_000,
  maxMs: 60_000,
  maxConditionCost: 10_000,
  maxTreeNodes: 10_000,
};
const EVERYTHING = { limit: 10_000_000 };

/** A question whose names have been looked up. */
export interface NodeQuestion {
  readonly object: Node;
  readonly relation: RelationIndex;
  readonly subject: SubjectNode;
}

export class Asker {
  readonly graph: ResidentGraph;
  readonly #binding: Binding;

  constructor(graph: ResidentGraph) {
    this.graph = graph;
    this.#binding = new Binding(compilePlan(modelFromDsl(SCHEMA).model), graph.kinds);
  }

  check(key: TupleKey): boolean {
    return check(this.#scope(), key);
  }

  prove(key: TupleKey): boolean {
    return prove(this.#scope(), key) !== undefined;
  }

  /** Ids in a string table are what a server looks up; this is a check without that. */
  checkNodes({ object, relation, subject }: NodeQuestion): boolean {
    return new Evaluation(this.#scope(), subject).verdict(object, relation).kind === 'true';
  }

  resolve({ object, relation, subject }: TupleKey): NodeQuestion {
    const nodes = new NodeResolver(this.#binding, this.graph);
    return {
      object: nodes.object(object),
      relation: relationOf(this.#binding, object.type, relation).index,
      subject: nodes.subject(subject),
    };
  }

  /** How many objects of the type the subject may view. */
  countObjects(type: string, subject: Subject): number {
    const question = { subject, relation: 'view', type };
    return listObjects(this.#scope(), question, EVERYTHING).names.length;
  }

  viewersOf(id: string): readonly string[] {
    const object = { type: 'document', id };
    const question = { object, relation: 'view', form: { type: 'user' } };
    return listUsers(this.#scope(), question, EVERYTHING).names;
  }

  #scope(): QueryScope {
    return {
      binding: this.#binding,
      graph: this.graph,
      context: {},
      now: Date.now(),
      budget: new Budget(LIMITS, () => performance.now()),
    };
  }
}

export function subjectOf(name: string): Subject {
  const subject = parseSubject(name);
  if (subject === undefined) throw new Error(`no subject: ${name}`);
  return subject;
}
