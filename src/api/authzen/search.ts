/**
 * Who may, what may be done it to, and what may be done: everything of which an evaluation would be
 * true. Candidates come from the graph; each is judged as an evaluation would judge it, except where
 * the graph's own list cannot differ from that.
 */
import type { Engine } from '../../operations/engine.js';
import { scopeOf } from '../../operations/resolve.js';
import type { Circumstances, Resolved } from '../../operations/resolve.js';
import { subjectCandidates } from '../../query/candidates.js';
import { listObjects } from '../../query/list-objects.js';
import { fillPage, fillPageOfNames } from '../../query/page.js';
import type { Page, PageRequest } from '../../query/page.js';
import { Question } from '../../query/question.js';
import { FALSE, TRUE, certainly } from '../../query/truth.js';
import type { Verdict } from '../../query/truth.js';
import type { ObjectRef, Subject, TupleKey } from '../../tuple/tuple.js';
import { canMeet } from './circumstances.js';
import type { Wanted } from './circumstances.js';
import { isVetoed, vetoOf } from './judgement.js';

export interface SearchGround {
  readonly engine: Engine;
  readonly resolved: Resolved;
  readonly page: PageRequest;
  readonly circumstances: Circumstances;
}

type SingleSubject = Subject & { readonly kind: 'object' };

/** The page's names are ids. */
export function searchSubjects(
  { engine, resolved, page, circumstances }: SearchGround,
  {
    object,
    relation,
    type,
  }: { readonly object: ObjectRef; readonly relation: string; readonly type: string },
): Page {
  const scope = scopeOf(engine, resolved, circumstances);
  const { ids, isThere } = subjectCandidates(scope, { object, relation, type });
  const judge = (id: string): Verdict => {
    if (!isThere(id)) return FALSE;
    const key: TupleKey = { object, relation, subject: { kind: 'object', type, id } };
    return verdictOn(resolved, new Question(scope, key));
  };
  return fillPageOfNames(ids, judge, page, scope.budget);
}

/** The page's names are ids. */
export function searchResources(
  { engine, resolved, page, circumstances }: SearchGround,
  {
    subject,
    relation,
    type,
  }: { readonly subject: SingleSubject; readonly relation: string; readonly type: string },
): Page {
  const scope = scopeOf(engine, resolved, circumstances);
  const veto = vetoOf(resolved, type, relation);
  return listObjects(scope, { subject, relation, type }, page, { judged: certainOnly, veto });
}

/** The page's names are those of actions. */
export function searchActions(
  { engine, resolved, page, circumstances }: SearchGround,
  {
    subject,
    object,
    wanted,
  }: { readonly subject: SingleSubject; readonly object: ObjectRef; readonly wanted: Wanted },
): Page {
  const scope = scopeOf(engine, resolved, circumstances);
  const { authzen } = resolved;
  const candidates = authzen.actionsOf(object.type).flatMap((name) => {
    const relation = authzen.relationOf(object.type, name);
    if (relation === undefined) return [];
    if (!canMeet(authzen.obligationsOf(object.type, relation, 'permit'), wanted)) return [];
    const key: TupleKey = { object, relation, subject };
    return { name, judge: () => verdictOn(resolved, new Question(scope, key)) };
  });
  return fillPage(candidates, page, scope.budget);
}

/** What cannot be evaluated is no, as it is for an evaluation. */
const certainOnly = (verdict: Verdict): Verdict =>
  certainly(verdict).kind === 'true' ? TRUE : FALSE;

function verdictOn(resolved: Resolved, question: Question): Verdict {
  const verdict = certainOnly(question.verdict());
  return verdict.kind === 'true' && isVetoed(resolved, question) ? FALSE : verdict;
}
