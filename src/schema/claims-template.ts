/**
 * The tuple of a claims mapping with its places for values:
 *
 *   role:{claims.tenant}/{value}#assignee@{subject}
 *
 * Type and relation are literal, so a token never chooses what kind of tuple it makes. A value enters
 * an id as `claim-id.ts` writes it. Of several places in one id, the text between two is encoded in
 * the values as well: the tenant `a/b` with the role `c` is not the tenant `a` with the role `b/c`.
 */
import { CLAIM_ID_LENGTH_MAX, percentEncoded } from '../tuple/claim-id.js';
import { parseTupleKey } from '../tuple/tuple.js';
import type { ObjectRef, Subject, TupleKey } from '../tuple/tuple.js';
import { pathProblem, pathSteps } from './claims-mapping-wire.js';
import { quote } from './problem.js';

export type ObjectSubject = Subject & { readonly kind: 'object' };

type Place =
  | { readonly kind: 'value' }
  | { readonly kind: 'subject-id' }
  | { readonly kind: 'claim'; readonly path: readonly string[] };

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
const PLACE = /\{([^{}]*)\}/g;

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
  const objectId = readId(object.id);
  if (typeof objectId === 'string') return objectId;
  const subjectId = isOfSubject || subject.kind === 'wildcard' ? undefined : readId(subject.id);
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
  readonly objectId: IdTemplate;
  /** Undefined where the subject is the token's, or a wildcard. */
  readonly subjectId: IdTemplate | undefined;
  readonly isOfSubject: boolean;
}

function fill(sample: TupleKey, ids: Ids, filling: Filling): TupleKey | undefined {
  const id = fillId(ids.objectId, filling);
  const subject = ids.isOfSubject ? filling.subject : fillSubject(sample, ids.subjectId, filling);
  if (id === undefined || subject === undefined) return undefined;
  const object: ObjectRef = { type: sample.object.type, id };
  return { object, relation: sample.relation, subject };
}

function fillSubject(
  { subject }: TupleKey,
  template: IdTemplate | undefined,
  filling: Filling,
): Subject | undefined {
  if (template === undefined || subject.kind === 'wildcard') return subject;
  const id = fillId(template, filling);
  return id === undefined ? undefined : { ...subject, id };
}

interface IdTemplate {
  /** One more than places; they take turns. */
  readonly literals: readonly string[];
  readonly places: readonly Place[];
  /** The characters that separate places. */
  readonly separators: ReadonlySet<string>;
}

/** Escapes consist of `%`, digits and letters; what separates must not be found in one. */
const SEPARATOR = /^[^A-Za-z0-9%]/u;

function readId(text: string): IdTemplate | string {
  const places: Place[] = [];
  for (const [, name = ''] of text.matchAll(PLACE)) {
    const place = readPlace(name);
    if (typeof place === 'string') return place;
    places.push(place);
  }
  const literals = text.replaceAll(PLACE, '{').split('{');
  if (literals.length !== places.length + 1 || literals.some((literal) => literal.includes('}'))) {
    return `${quote(text)} has a brace without its match`;
  }
  if (literals.join('').length >= CLAIM_ID_LENGTH_MAX) {
    return `${quote(text)} leaves no room for a value: an id has ${CLAIM_ID_LENGTH_MAX} characters`;
  }
  const between = literals.slice(1, -1);
  if (!between.every((literal) => SEPARATOR.test(literal))) {
    return (
      `between two places of ${quote(text)} must stand a text that begins with neither a letter, ` +
      "a digit nor '%'"
    );
  }
  return {
    literals,
    places,
    separators: new Set(between.map((literal) => Array.from(literal)[0] ?? '')),
  };
}

function readPlace(name: string): Place | string {
  if (name === 'value') return { kind: 'value' };
  if (name === 'subject.id') return { kind: 'subject-id' };
  if (name === 'subject') return '{subject} can only be the whole subject; its id is {subject.id}';
  const [, path] = /^claims\.(.*)$/s.exec(name) ?? [];
  if (path === undefined) {
    return `{${name}} is none of {value}, {subject}, {subject.id} and {claims.NAME}`;
  }
  const problem = pathProblem(path);
  return problem === undefined ? { kind: 'claim', path: pathSteps(path) } : `{${name}} ${problem}`;
}

function fillId(
  { literals, places, separators }: IdTemplate,
  filling: Filling,
): string | undefined {
  let id = literals[0] ?? '';
  for (const [i, place] of places.entries()) {
    const value = valueOf(place, filling);
    if (value === undefined) return undefined;
    id += separators.size === 0 ? value : withoutSeparators(value, separators);
    id += literals[i + 1] ?? '';
  }
  return id.length > CLAIM_ID_LENGTH_MAX ? undefined : id;
}

function valueOf(place: Place, { subject, value, claim }: Filling): string | undefined {
  switch (place.kind) {
    case 'value':
      return value;
    case 'subject-id':
      return subject.id;
    case 'claim':
      return claim(place.path);
  }
}

function withoutSeparators(value: string, separators: ReadonlySet<string>): string {
  let result = value;
  for (const char of separators) result = result.replaceAll(char, percentEncoded(char));
  return result;
}
