/**
 * Of whom a question may be true, by the graph alone: everybody of whom it is, whatever conditions
 * are told of each, and some of whom it is not. For searches in which conditions see something else of
 * every candidate, so that one walk cannot judge them all.
 */
import { NodeList } from '../graph/reader.js';
import type { EdgeKind, TypeSymbol } from '../graph/reader.js';
import type { ObjectRef } from '../tuple/tuple.js';
import { relationOf } from './check.js';
import { MentionWalk } from './list-users.js';
import type { QueryScope } from './scope.js';
import { NodeResolver } from './subject.js';

/** Single subjects of the type that is asked for. */
export interface SubjectCandidates {
  readonly ids: readonly string[];
  /** A name stays in the graph when its last tuple has gone: to be asked of those it comes to. */
  readonly isThere: (id: string) => boolean;
}

/** Where everybody may be one, all that the graph has had. */
export function subjectCandidates(
  scope: QueryScope,
  {
    object,
    relation,
    type,
  }: { readonly object: ObjectRef; readonly relation: string; readonly type: string },
): SubjectCandidates {
  const { graph } = scope;
  const { index } = relationOf(scope.binding, object.type, relation);
  const walk = new MentionWalk({ ...scope, conditionsHold: true }, { type });
  walk.from(new NodeResolver(scope.binding, graph).object(object), index);
  if (!walk.mentionsWildcard) {
    const ids = Array.from(walk.mentioned, (node) => graph.nodeId(node));
    return { ids, isThere: () => true };
  }
  const presence = new Presence(scope, type);
  return { ids: idsOf(scope, type), isThere: (id) => presence.of(id) };
}

const WILDCARD_ID = '*';

function idsOf({ graph, binding, budget }: QueryScope, type: string): readonly string[] {
  const symbol = binding.type(type);
  const ids: string[] = [];
  for (let node = 0; node < graph.nodeCount; node++) {
    budget.step();
    if (graph.nodeType(node) !== symbol) continue;
    const id = graph.nodeId(node);
    if (id !== WILDCARD_ID) ids.push(id);
  }
  return ids;
}

/** Whether some tuple names one of the type, or something is stored of it. */
class Presence {
  readonly #scope: QueryScope;
  readonly #type: TypeSymbol;
  readonly #asSubject: readonly EdgeKind[];
  readonly #asObject: readonly EdgeKind[];
  readonly #list = new NodeList();

  constructor(scope: QueryScope, type: string) {
    const { binding } = scope;
    const kinds = binding.plan.kinds.map((kind, i) => ({ kind, edges: binding.kind(i) }));
    this.#scope = scope;
    this.#type = binding.type(type);
    this.#asSubject = kinds.filter(({ kind }) => kind[2] === type).map(({ edges }) => edges);
    this.#asObject = kinds.filter(({ kind }) => kind[0] === type).map(({ edges }) => edges);
  }

  of(id: string): boolean {
    const { graph, budget } = this.#scope;
    const node = graph.node(this.#type, id);
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
