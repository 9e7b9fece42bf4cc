/**
 * The objects of one graph by their types, and their ranks as subjects: every object that any tuple
 * names, in whichever place, can be one. `type:*` is no object; it stands for whoever is not named.
 */
import { NO_NODE } from '../../graph/reader.js';
import type { GraphReader, Node, TypeSymbol } from '../../graph/reader.js';

export interface ObjectsOfType {
  /** Ascending; the rank is the place. */
  readonly nodes: Int32Array;
  readonly wildcard: Node;
}

export class Population {
  readonly #byType = new Map<TypeSymbol, ObjectsOfType>();
  readonly #ranks: Int32Array;

  constructor(graph: GraphReader) {
    const counts = new Map<TypeSymbol, number>();
    for (let node = 0; node < graph.nodeCount; node++) {
      const type = graph.nodeType(node);
      counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    this.#ranks = new Int32Array(graph.nodeCount);
    const filling = new Map<TypeSymbol, { nodes: Int32Array; end: number; wildcard: Node }>();
    for (const [type, count] of counts) {
      const wildcard = graph.node(type, '*');
      const nodes = new Int32Array(wildcard === NO_NODE ? count : count - 1);
      filling.set(type, { nodes, end: 0, wildcard });
    }
    for (let node = 0; node < graph.nodeCount; node++) {
      const of = filling.get(graph.nodeType(node));
      if (of === undefined || node === of.wildcard) continue;
      this.#ranks[node] = of.end;
      of.nodes[of.end++] = node;
    }
    for (const [type, { nodes, wildcard }] of filling) this.#byType.set(type, { nodes, wildcard });
  }

  of(type: TypeSymbol): ObjectsOfType {
    return this.#byType.get(type) ?? NONE;
  }

  /** Among the objects of its type. */
  rankOf(node: Node): number {
    return this.#ranks[node] ?? 0;
  }
}

const NONE: ObjectsOfType = { nodes: new Int32Array(0), wildcard: NO_NODE };
