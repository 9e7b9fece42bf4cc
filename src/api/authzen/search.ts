/**
 * Who may, what may be done it to, and what may be done: everything of which an evaluation would be
 * true. Candidates come from the graph; each is judged as an evaluation would judge it, except where
 * the graph's own list cannot differ from that.
 */
import type { Engine } from '../../operations/engine.js';
import { overlaid } from '../../operations/properties.js';
import type { AssertedProperties } from '../../operations/properties.js';
import { scopeOf } from '../../operations/resolve.js';
import type { Resolved } from '../../operations/resolve.js';
import { objectCandidates, subjectCandidates } from '../../query/candidates.js';
import { listObjects } from '../../query/list-objects.js';
import { fillPage } from '../../query/page.js';
import type { Candidate, Page, PageRequest } from '../../query/page.js';
import type { QueryScope } from '../../query/scope.js';
import { FALSE, TRUE } from '../../query/truth.js';
import type { Verdict } from '../../query/truth.js';
import type { JsonObject, ObjectRef, Subject, TupleKey } from '../../tuple/tuple.js';
import { canMeet } from './circumstances.js';
import type { Wanted } from './circumstances.js';
import { certainly, isVetoed } from './judgement.js';
import { Question } from '../../query/question.js';

export interface SearchGround {
  readonly engine: Engine;
  readonly resolved: Resolved;
  readonly page: PageRequest;
  readonly context: JsonObject;
  /** What the request says of the two, where this is the question. */
  readonly assertedFor: (subject: ObjectRef, object: ObjectRef) => readonly AssertedProperties[];
}

type SingleSubject = Subject & { readonly kind: 'object' };

/** The page's names are ids. */
export function searchSubjects(
  ground: SearchGround,
  {
    object,
    relation,
    type,
  }: { readonly object: ObjectRef; readonly relation: string; readonly type: string },
): Page {
  const scope = scopeIn(ground);
  const candidates = subjectCandidates(scope, { object, relation, type }).map((id) =>
    candidate(ground, scope, id, { object, relation, subject: { kind: 'object', type, id } }),
  );
  return fillPage(candidates, ground.page, scope.budget);
}

/** The page's names are ids. */
export function searchResources(
  ground: SearchGround,
  {
    subject,
    relation,
    type,
  }: { readonly subject: SingleSubject; readonly relation: string; readonly type: string },
): Page {
  const scope = scopeIn(ground);
  const { authzen, plan } = ground.resolved;
  const isSaidByGraph = plan.conditions.size === 0 || !scope.graph.hasGuarded;
  if (isSaidByGraph && authzen.forbiddenOf(type) === undefined) {
    return listObjects(scope, { subject, relation, type }, ground.page);
  }
  const candidates = objectCandidates(scope, { subject, relation, type }).map((id) =>
    candidate(ground, scope, id, { object: { type, id }, relation, subject }),
  );
  return fillPage(candidates, ground.page, scope.budget);
}

/** The page's names are those of actions. */
export function searchActions(
  ground: SearchGround,
  {
    subject,
    object,
    wanted,
  }: { readonly subject: SingleSubject; readonly object: ObjectRef; readonly wanted: Wanted },
): Page {
  const scope = scopeIn(ground);
  const { authzen } = ground.resolved;
  const candidates = authzen.actionsOf(object.type).flatMap((action) => {
    const relation = authzen.relationOf(object.type, action);
    if (relation === undefined) return [];
    if (!canMeet(authzen.obligationsOf(object.type, relation, 'permit'), wanted)) return [];
    return candidate(ground, scope, action, { object, relation, subject });
  });
  return fillPage(candidates, ground.page, scope.budget);
}

const scopeIn = ({ engine, resolved }: SearchGround): QueryScope =>
  scopeOf(engine, resolved, { contextualTuples: [], context: {} });

const candidate = (
  ground: SearchGround,
  scope: QueryScope,
  name: string,
  key: TupleKey & { readonly subject: SingleSubject },
): Candidate => ({
  name,
  judge: () => verdictOn(ground, toldOf(ground, scope, key), key),
});

/** What the request says of a candidate lies over what is stored of it. */
function toldOf(
  { resolved, context, assertedFor }: SearchGround,
  scope: QueryScope,
  { subject, object }: TupleKey & { readonly subject: SingleSubject },
): QueryScope {
  if (!resolved.plan.readsAttributes) return { ...scope, context };
  const propertiesOf = overlaid(scope.propertiesOf, assertedFor(subject, object));
  return { ...scope, context, propertiesOf };
}

/** All candidates of a search share its budget. */
function verdictOn({ resolved }: SearchGround, scope: QueryScope, key: TupleKey): Verdict {
  const verdict = certainly(new Question(scope, key).verdict());
  if (verdict.kind !== 'true') return FALSE;
  return isVetoed(resolved, scope, key) ? FALSE : TRUE;
}
