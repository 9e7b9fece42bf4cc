/**
 * The tuple of a claims mapping with its places for values:
 *
 *   role:{claims.tenant}/{value}#assignee@{subject}
 *
 * Type and relation are literal, so a token never chooses what kind of tuple it makes.
 */
import { parseTupleKey } from '../tuple/tuple.js';
import type { ObjectRef, Subject, TupleKey } from '../tuple/tuple.js';
import { claimPlace } from './claims-mapping-wire.js';
import type { ClaimPlace } from './claims-mapping-wire.js';
import { fillIdTemplate, readIdTemplate } from './id-template.js';
import type { IdTemplate } from './id-template.js';
import { quote } from './problem.js';

export type ObjectSubject = Subject & { readonly kind: 'object' };

type Place = { readonly kind: 'value' } | { readonly kind: 'subject-id' } | ClaimPlace;

/** What the places are filled with. Ids, not values. */
export interface Filling {
  readonly subject: ObjectSubject;
  readonly value: string;
  /** Undefined where the token has no such claim, or one that is no id. */
  readonly claim: (path: readonly string[]) => string | undefined;
}

export interface ClaimsTemplate {
  /** With the places' names for ids: what can be said of every tuple that it makes. */
  readonly sample: TupleKey;
  /** Whether the token's subject is the tuple's subject: its type is the issuer's affair. */
  readonly isOfSubject: boolean;
  /** Undefined when a place stays empty, or an id gets too long. */
  fill(filling: Filling): TupleKey | undefined;
}

const WHOLE_SUBJECT = '@{subject}';
/** The same for the grammar of tuples, which wants an object there. */
const SUBJECT_AS_OBJECT = '@{subject}:{id}';

/** A string says what is wrong. */
export function readTemplate(text: string): ClaimsTemplate | string {
  const isOfSubject = text.endsWith(WHOLE_SUBJECT);
  const sample = parseTupleKey(
    isOfSubject ? text.slice(0, -WHOLE_SUBJECT.length) + SUBJECT_AS_OBJECT : text,
  );
  if (sample === undefined) {
    return `${quote(text)} is not of the form 'type:id#relation@subject'`;
  }
  const { object, relation, subject } = sample;
  const literals = [object.type, relation, isOfSubject ? '' : subject.type];
  if (subject.kind === 'userset') literals.push(subject.relation);
  if (literals.some((literal) => /[{}]/.test(literal))) {
    return 'a type or a relation cannot come from a token';
  }
  const objectId = readIdTemplate(object.id, readPlace);
  if (typeof objectId === 'string') return objectId;
  const subjectId =
    isOfSubject || subject.kind === 'wildcard' ? undefined : readIdTemplate(subject.id, readPlace);
  if (typeof subjectId === 'string') return subjectId;
  const places = [...objectId.places, ...(subjectId?.places ?? [])];
  if (!places.some(({ kind }) => kind === 'value')) return 'must have {value} in an id';
  return {
    sample,
    isOfSubject,
    fill: (filling) => fill(sample, { objectId, subjectId, isOfSubject }, filling),
  };
}

interface Ids {
  readonly objectId: IdTemplate<Place>;
  /** Undefined where the subject is the token's, or a wildcard. */
  readonly subjectId: IdTemplate<Place> | undefined;
  readonly isOfSubject: boolean;
}

function fill(sample: TupleKey, ids: Ids, filling: Filling): TupleKey | undefined {
  const id = fillIdTemplate(ids.objectId, valueOf(filling));
  const subject = ids.isOfSubject ? filling.subject : fillSubject(sample, ids.subjectId, filling);
  if (id === undefined || subject === undefined) return undefined;
  const object: ObjectRef = { type: sample.object.type, id };
  return { object, relation: sample.relation, subject };
}

function fillSubject(
  { subject }: TupleKey,
  template: IdTemplate<Place> | undefined,
  filling: Filling,
): Subject | undefined {
  if (template === undefined || subject.kind === 'wildcard') return subject;
  const id = fillIdTemplate(template, valueOf(filling));
  return id === undefined ? undefined : { ...subject, id };
}

function readPlace(name: string): Place | string {
  if (name === 'value') return { kind: 'value' };
  if (name === 'subject.id') return { kind: 'subject-id' };
  if (name === 'subject') return '{subject} can only be the whole subject; its id is {subject.id}';
  return (
    claimPlace(name) ?? `{${name}} is none of {value}, {subject}, {subject.id} and {claims.NAME}`
  );
}

const valueOf =
  ({ subject, value, claim }: Filling) =>
  (place: Place): string | undefined => {
    switch (place.kind) {
      case 'value':
        return value;
      case 'subject-id':
        return subject.id;
      case 'claim':
        return claim(place.path);
    }
  };
