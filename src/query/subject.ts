import { NO_NODE } from '../graph/reader.js';
import type { GraphReader, Node } from '../graph/reader.js';
import type { RelationIndex } from '../schema/plan.js';
import type { ObjectRef, Subject } from '../tuple/tuple.js';
import type { Binding } from './binding.js';

/**
 * A subject as the evaluation compares it. A name that no tuple mentions gets a number beyond the
 * graph's nodes: it has no edges, but `user:*` may still include it and a userset is itself.
 */
export type SubjectNode =
  | {
      readonly kind: 'object';
      readonly type: string;
      readonly node: Node;
      /** Of `type:*`. */
      readonly wildcard: Node;
    }
  | { readonly kind: 'wildcard'; readonly type: string; readonly wildcard: Node }
  | {
      readonly kind: 'userset';
      readonly type: string;
      readonly node: Node;
      readonly relationName: string;
      readonly relation: RelationIndex;
    };

/** What edges have to end in; a node that no edge ends in if there is no such thing. */
export function endOf(subject: SubjectNode, isWildcard: boolean): Node {
  if (subject.kind === 'userset') return NO_NODE;
  if (isWildcard) return subject.wildcard;
  return subject.kind === 'object' ? subject.node : NO_NODE;
}

/** Whether the subject is one of these sets of the node. */
export function isOneOf(
  subject: SubjectNode,
  node: Node,
  relations: readonly RelationIndex[],
): boolean {
  return (
    subject.kind === 'userset' && subject.node === node && relations.includes(subject.relation)
  );
}

/** Resolves the names of one query, so that equal names get equal nodes, known or not. */
export class NodeResolver {
  readonly #binding: Binding;
  readonly #graph: GraphReader;
  #unknown: Map<string, Node> | undefined;

  constructor(binding: Binding, graph: GraphReader) {
    this.#binding = binding;
    this.#graph = graph;
  }

  object({ type, id }: ObjectRef): Node {
    const node = this.#graph.node(this.#binding.type(type), id);
    if (node !== NO_NODE) return node;
    const name = `${type}:${id}`;
    this.#unknown ??= new Map();
    const known = this.#unknown.get(name);
    if (known !== undefined) return known;
    const invented = this.#graph.nodeCount + this.#unknown.size;
    this.#unknown.set(name, invented);
    return invented;
  }

  subject(subject: Subject): SubjectNode {
    switch (subject.kind) {
      case 'object':
        return {
          kind: 'object',
          type: subject.type,
          node: this.object(subject),
          wildcard: this.object({ type: subject.type, id: '*' }),
        };
      case 'wildcard':
        return {
          kind: 'wildcard',
          type: subject.type,
          wildcard: this.object({ type: subject.type, id: '*' }),
        };
      case 'userset': {
        const relation = this.#binding.plan.relation(subject.type, subject.relation);
        if (relation === undefined) {
          throw new RangeError(`no relation ${subject.type}#${subject.relation} in the plan`);
        }
        return {
          kind: 'userset',
          type: subject.type,
          node: this.object(subject),
          relationName: subject.relation,
          relation: relation.index,
        };
      }
    }
  }
}
