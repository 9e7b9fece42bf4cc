import type { Subject } from './tuple.js';

/**
 * A conjunction of wanted values; an absent member matches everything. `subjectRelation: ''` means
 * "not a userset"; a wildcard subject has the id `*`.
 */
export interface TupleFilter {
  readonly objectType?: string;
  readonly objectId?: string;
  readonly relation?: string;
  readonly subjectType?: string;
  readonly subjectId?: string;
  readonly subjectRelation?: string;
}

export const isEmptyFilter = (filter: TupleFilter): boolean =>
  Object.values(filter).every((value) => value === undefined);

/** The three columns that a subject is stored and compared as. */
export function subjectColumns(subject: Subject): {
  readonly type: string;
  readonly id: string;
  readonly relation: string;
} {
  switch (subject.kind) {
    case 'object':
      return { type: subject.type, id: subject.id, relation: '' };
    case 'userset':
      return { type: subject.type, id: subject.id, relation: subject.relation };
    case 'wildcard':
      return { type: subject.type, id: '*', relation: '' };
  }
}

/** What an edge kind has in place of a relation for `type:*`: no relation can be named so. */
export const WILDCARD_FORM = ':*';

/** '' for an object, the relation of a userset, or WILDCARD_FORM. */
export function subjectForm(subject: Subject): string {
  switch (subject.kind) {
    case 'object':
      return '';
    case 'userset':
      return subject.relation;
    case 'wildcard':
      return WILDCARD_FORM;
  }
}

export function subjectFromColumns(type: string, id: string, relation: string): Subject {
  if (id === '*') return { kind: 'wildcard', type };
  if (relation !== '') return { kind: 'userset', type, id, relation };
  return { kind: 'object', type, id };
}
