/** A type or a relation under another name, and what that makes of tuples. */
import type { RelationTuple, Subject, TupleKey } from './tuple.js';

export interface Rename {
  readonly type: string;
  /** Of the type; the type itself when absent. */
  readonly relation?: string;
  readonly to: string;
}

export const reversed = ({ type, relation, to }: Rename): Rename =>
  relation === undefined ? { type: to, to: type } : { type, relation: to, to: relation };

export const renamedTuple = <Tuple extends TupleKey | RelationTuple>(
  rename: Rename,
  tuple: Tuple,
): Tuple => ({
  ...tuple,
  object: { ...tuple.object, type: typeAfter(rename, tuple.object.type) },
  relation: relationAfter(rename, tuple.object.type, tuple.relation),
  subject: subjectAfter(rename, tuple.subject),
});

export const typeAfter = ({ type, relation, to }: Rename, name: string): string =>
  relation === undefined && name === type ? to : name;

/** `ofType` is the type's name before. */
export const relationAfter = (
  { type, relation, to }: Rename,
  ofType: string,
  name: string,
): string => (ofType === type && name === relation ? to : name);

function subjectAfter(rename: Rename, subject: Subject): Subject {
  const type = typeAfter(rename, subject.type);
  if (subject.kind !== 'userset') return { ...subject, type };
  return { ...subject, type, relation: relationAfter(rename, subject.type, subject.relation) };
}
