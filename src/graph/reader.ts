/**
 * The one narrow interface through which a query sees a store's tuples. All of it is synchronous, so
 * a query that never awaits sees exactly one revision. A layout may be exchanged behind it, and a
 * reader may be laid over another (see `overlay.ts`).
 *
 * Nodes are the objects of a store, `user:anne` as much as `document:1`, as small integers that
 * belong to one reader. A wildcard `user:*` is the node of its type with the id `*`.
 *
 * An edge kind is (object type, relation, subject type, subject form): the form tells objects,
 * wildcards and the usersets of each relation apart (`subjectForm`), so that edges of one kind are all
 * alike. Types and kinds are integers handed out by the store's `KindTable`.
 */
import type { Revision } from '../ids.js';
import type { JsonObject } from '../tuple/tuple.js';

export type Node = number;
export type TypeSymbol = number;
export type EdgeKind = number;

export const NO_NODE = -1;

/** What an edge carries besides its ends. Most carry nothing. */
export interface EdgeFacts {
  readonly condition?: { readonly name: string; readonly context: JsonObject };
  /** Milliseconds since 1970; at this instant the edge is gone. */
  readonly expiresAt?: number;
}

/** `undefined`: there is no such edge · `PLAIN`: there is, and it carries nothing. */
export const PLAIN: EdgeFacts = Object.freeze({});

/** Returns true to stop the walk. */
export type EdgeVisitor = (node: Node, facts: EdgeFacts) => boolean;

export interface GraphReader {
  readonly revision: Revision;
  /** Nodes are 0 … nodeCount - 1. Any other number is a node without edges. */
  readonly nodeCount: number;
  /** The node of `type:id`, or NO_NODE when no tuple of the store names it. */
  node(type: TypeSymbol, id: string): Node;
  nodeType(node: Node): TypeSymbol;
  nodeId(node: Node): string;
  edge(object: Node, kind: EdgeKind, subject: Node): EdgeFacts | undefined;
  /** Visits the subjects of the object's edges of that kind, in no order; true when stopped. */
  someSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean;
  /** The same edges from their other end. */
  someObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean;
}
