/**
 * Of whom a question may be true, by the graph alone: everybody of whom it is, whatever conditions
 * are told of each, and some of whom it is not. For searches in which conditions see something else of
 * every candidate, so that one walk cannot judge them all.
 */
import { NodeList } from '../graph/reader.js';
import type { EdgeKind, Node } from '../graph/reader.js';
import type { ObjectRef } from '../tuple/tuple.js';
import { relationOf } from './check.js';
import { MentionWalk } from './list-users.js';
import type { QueryScope } from './scope.js';
import { NodeResolver } from './subject.js';

/** A single subject of the type that is asked for. */
export interface SubjectCandidate {
  readonly id: string;
  /** A name stays in the graph when its last tuple has gone. Looked at when it comes to that. */
  readonly isThere: () => boolean;
}

/** Where everybody may be one, all that the graph has had. */
export function subjectCandidates(
  scope: QueryScope,
  {
    object,
    relation,
    type,
  }: { readonly object: ObjectRef; readonly relation: string; readonly type: string },
): readonly SubjectCandidate[] {
  const { graph } = scope;
  const { index } = relationOf(scope.binding, object.type, relation);
  const walk = new MentionWalk({ ...scope, conditionsHold: true }, { type });
  walk.from(new NodeResolver(scope.binding, graph).object(object), index);
  if (!walk.mentionsWildcard) {
    return Array.from(walk.mentioned, (node) => ({ id: graph.nodeId(node), isThere: () => true }));
  }
  const presence = new Presence(scope, type);
  return nodesOf(scope, type).map((node) => ({
    id: graph.nodeId(node),
    isThere: () => presence.of(node),
  }));
}

const WILDCARD_ID = '*';

function nodesOf({ graph, binding, budget }: QueryScope, type: string): readonly Node[] {
  const symbol = binding.type(type);
  const nodes: Node[] = [];
  for (let node = 0; node < graph.nodeCount; node++) {
    budget.step();
    if (graph.nodeType(node) === symbol && graph.nodeId(node) !== WILDCARD_ID) nodes.push(node);
  }
  return nodes;
}

/** Whether some tuple names a node of the type, or something is stored of it. */
class Presence {
  readonly #scope: QueryScope;
  readonly #asSubject: readonly EdgeKind[];
  readonly #asObject: readonly EdgeKind[];
  readonly #list = new NodeList();

  constructor(scope: QueryScope, type: string) {
    const { binding } = scope;
    const kinds = binding.plan.kinds.map((kind, i) => ({ kind, edges: binding.kind(i) }));
    this.#scope = scope;
    this.#asSubject = kinds.filter(({ kind }) => kind[2] === type).map(({ edges }) => edges);
    this.#asObject = kinds.filter(({ kind }) => kind[0] === type).map(({ edges }) => edges);
  }

  of(node: Node): boolean {
    const { graph, budget } = this.#scope;
    if (graph.attributes(node) !== undefined) return true;
    budget.step(this.#asSubject.length + this.#asObject.length);
    const list = this.#list;
    const some = (): boolean => true;
    return (
      this.#asSubject.some((kind) => {
        graph.openObjects(node, kind, list);
        return list.length > 0 || graph.someGuardedObject(node, kind, some);
      }) ||
      this.#asObject.some((kind) => {
        graph.openSubjects(node, kind, list);
        return list.length > 0 || graph.someGuardedSubject(node, kind, some);
      })
    );
  }
}
