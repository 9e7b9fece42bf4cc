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

/** Ids of single subjects of the type. Where everybody may be one, all that the graph knows. */
export function subjectCandidates(
  scope: QueryScope,
  {
    object,
    relation,
    type,
  }: { readonly object: ObjectRef; readonly relation: string; readonly type: string },
): readonly string[] {
  const { index } = relationOf(scope.binding, object.type, relation);
  const walk = new MentionWalk({ ...scope, conditionsHold: true }, { type });
  walk.from(new NodeResolver(scope.binding, scope.graph).object(object), index);
  const nodes = walk.mentionsWildcard ? knownOf(scope, type) : walk.mentioned;
  return Array.from(nodes, (node) => scope.graph.nodeId(node));
}

/** Those of a type that some tuple names, or of which something is stored. A name stays in the graph when its last tuple has gone. */
function knownOf(scope: QueryScope, type: string): readonly Node[] {
  const { graph, binding, budget } = scope;
  const symbol = binding.type(type);
  const kinds = binding.plan.kinds.map((kind, i) => ({ kind, edges: binding.kind(i) }));
  const asSubject = kinds.filter(({ kind }) => kind[2] === type).map(({ edges }) => edges);
  const asObject = kinds.filter(({ kind }) => kind[0] === type).map(({ edges }) => edges);
  const known: Node[] = [];
  const list = new NodeList();
  for (let node = 0; node < graph.nodeCount; node++) {
    budget.step();
    if (graph.nodeType(node) !== symbol || graph.nodeId(node) === WILDCARD_ID) continue;
    const isKnown = graph.attributes(node) !== undefined;
    if (isKnown || isNamed(scope, node, { asSubject, asObject, list })) known.push(node);
  }
  return known;
}

const WILDCARD_ID = '*';

function isNamed(
  { graph, budget }: QueryScope,
  node: Node,
  {
    asSubject,
    asObject,
    list,
  }: {
    readonly asSubject: readonly EdgeKind[];
    readonly asObject: readonly EdgeKind[];
    readonly list: NodeList;
  },
): boolean {
  budget.step(asSubject.length + asObject.length);
  const some = (): boolean => true;
  return (
    asSubject.some((kind) => {
      graph.openObjects(node, kind, list);
      return list.length > 0 || graph.someGuardedObject(node, kind, some);
    }) ||
    asObject.some((kind) => {
      graph.openSubjects(node, kind, list);
      return list.length > 0 || graph.someGuardedSubject(node, kind, some);
    })
  );
}
