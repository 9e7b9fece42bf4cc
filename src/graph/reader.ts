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
import type { EdgeJournal } from './edge-journal.js';
import type { SetCursor } from './set-cursor.js';

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

const NO_WORDS = new Int32Array(0);

/** Nodes stand in `words` from `start`, ascending; valid until the graph changes. */
export class NodeList {
  words: Int32Array = NO_WORDS;
  start = 0;
  length = 0;
}

export interface GraphReader {
  readonly revision: Revision;
  /** Whether any edge at all carries a condition or an expiry. */
  readonly hasGuarded: boolean;
  /** Nodes are 0 … nodeCount - 1. Any other number is a node without edges. */
  readonly nodeCount: number;
  /** The store's own tuples, without what may be laid over them. */
  readonly stored: StoredGraph;
  /** Whether edges of the kind are laid over the stored ones. */
  isOverlaid(kind: EdgeKind): boolean;
  /** Whether this very edge is: it is not a stored one, or stands in the place of one. */
  isOverlaidEdge(object: Node, kind: EdgeKind, subject: Node): boolean;
  /** The node of `type:id`, or NO_NODE when no tuple of the store names it. */
  node(type: TypeSymbol, id: string): Node;
  nodeType(node: Node): TypeSymbol;
  nodeId(node: Node): string;
  /** Whether any node at all has attributes. */
  readonly hasAttributes: boolean;
  /** What is stored of the node; the same object each time, until that changes. */
  attributes(node: Node): JsonObject | undefined;
  /** Visits the nodes of a type that have attributes, in no order; true when stopped. */
  someAttributed(type: TypeSymbol, visit: (node: Node) => boolean): boolean;
  edge(object: Node, kind: EdgeKind, subject: Node): EdgeFacts | undefined;
  /** Of the edges that carry nothing. */
  hasPlain(object: Node, kind: EdgeKind, subject: Node): boolean;
  /**
   * The kinds of the object's edges, in no order, a kind's plain and guarded edges apart. A guarded
   * set says only that there may be such edges: `someGuardedSubject` tells which.
   */
  openKinds(object: Node, cursor: SetCursor): void;
  openSubjects(object: Node, kind: EdgeKind, list: NodeList): void;
  openObjects(subject: Node, kind: EdgeKind, list: NodeList): void;
  /** Of the edges that carry something. */
  someGuardedSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean;
  someGuardedObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean;
  /** Of all edges. Visits the subjects of the object's edges, in no order; true when stopped. */
  someSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean;
  /** The same edges from their other end. */
  someObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean;
}

/** The reader at the bottom, which lives on from query to query while its tuples change. */
export interface StoredGraph extends GraphReader {
  readonly journal: EdgeJournal;
  readonly bytes: number;
}
