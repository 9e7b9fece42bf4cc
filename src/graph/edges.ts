import { PLAIN } from './reader.js';
import type { EdgeFacts, EdgeKind, EdgeVisitor, Node } from './reader.js';

type Ends = Map<Node, EdgeFacts>;

/** Edges in one direction: from a node, by kind, to the nodes at the other end. */
export class EdgeIndex {
  readonly #byNode = new Map<Node, Map<EdgeKind, Ends>>();

  set(from: Node, kind: EdgeKind, to: Node, facts: EdgeFacts): void {
    let kinds = this.#byNode.get(from);
    if (kinds === undefined) this.#byNode.set(from, (kinds = new Map<EdgeKind, Ends>()));
    let ends = kinds.get(kind);
    if (ends === undefined) kinds.set(kind, (ends = new Map<Node, EdgeFacts>()));
    ends.set(to, facts);
  }

  delete(from: Node, kind: EdgeKind, to: Node): void {
    const kinds = this.#byNode.get(from);
    const ends = kinds?.get(kind);
    if (kinds === undefined || ends === undefined) return;
    ends.delete(to);
    if (ends.size > 0) return;
    kinds.delete(kind);
    if (kinds.size === 0) this.#byNode.delete(from);
  }

  get(from: Node, kind: EdgeKind, to: Node): EdgeFacts | undefined {
    return this.#byNode.get(from)?.get(kind)?.get(to);
  }

  kinds(from: Node): Iterable<EdgeKind> | undefined {
    return this.#byNode.get(from)?.keys();
  }

  ends(from: Node, kind: EdgeKind): ReadonlyMap<Node, EdgeFacts> | undefined {
    return this.#byNode.get(from)?.get(kind);
  }

  some(from: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    const ends = this.#byNode.get(from)?.get(kind);
    if (ends === undefined) return false;
    for (const [to, facts] of ends) if (visit(to, facts)) return true;
    return false;
  }
}

export function edgeFacts(edge: {
  readonly condition?: EdgeFacts['condition'];
  readonly expiresAt?: number;
}): EdgeFacts {
  if (edge.condition === undefined && edge.expiresAt === undefined) return PLAIN;
  return {
    ...(edge.condition && { condition: edge.condition }),
    ...(edge.expiresAt !== undefined && { expiresAt: edge.expiresAt }),
  };
}
