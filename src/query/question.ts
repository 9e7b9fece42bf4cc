import type { Node } from '../graph/reader.js';
import type { RelationIndex } from '../schema/plan.js';
import type { TupleKey } from '../tuple/tuple.js';
import { relationOf } from './check.js';
import { askedAbout } from './entities.js';
import { Evaluation } from './evaluation.js';
import type { QueryScope } from './scope.js';
import { NodeResolver } from './subject.js';
import type { Verdict } from './truth.js';

/** A check whose evaluation is asked further, to explain the answer. */
export class Question {
  readonly scope: QueryScope;
  readonly key: TupleKey;
  readonly evaluation: Evaluation;
  readonly object: Node;
  readonly relation: RelationIndex;

  constructor(unasked: QueryScope, key: TupleKey) {
    const scope = askedAbout(unasked, key);
    const nodes = new NodeResolver(scope.binding, scope.graph);
    this.scope = scope;
    this.key = key;
    this.object = nodes.object(key.object);
    this.relation = relationOf(scope.binding, key.object.type, key.relation).index;
    this.evaluation = new Evaluation(scope, nodes.subject(key.subject));
  }

  verdict(): Verdict {
    return this.evaluation.verdict(this.object, this.relation);
  }

  /** Of the same subject and object, on another relation. */
  verdictOn(relation: string): Verdict {
    const { index } = relationOf(this.scope.binding, this.key.object.type, relation);
    return this.evaluation.verdict(this.object, index);
  }

  /** Of a node on the way; the asked object need not be one that any tuple names. */
  readonly idOf = (node: Node): string =>
    node === this.object ? this.key.object.id : this.scope.graph.nodeId(node);
}
