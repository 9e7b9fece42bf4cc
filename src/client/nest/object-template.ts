/**
 * The object that a rule is about: `order:{params.id}`, `order:{params.tenant}/{body.order.id}`,
 * `inbox:{subject.id}`, `{subject}`, or one that is always the same, `shop:main`.
 *
 * Whoever makes the request chooses the values, so they decide on nothing but the id. A value is one
 * text or whole number in which none of an object's or a set's separators stands. Two values must be
 * kept apart by a text, whose first character the former one must not hold: else "1-2" and "3" would
 * be the object of "1" and "2-3".
 */
import { BadRequestException, ForbiddenException } from '@nestjs/common';
import { parseObject } from '../../tuple/tuple.js';
import type { ObjectRef } from '../../tuple/tuple.js';
import { parsePlace, valueAt } from './http-request.js';
import type { HttpRequest, Place } from './http-request.js';

type Part =
  | { readonly kind: 'literal'; readonly text: string }
  /** `apartFrom` begins what follows. */
  | { readonly kind: 'place'; readonly place: Place; readonly apartFrom: string | undefined }
  | { readonly kind: 'subject_id'; readonly apartFrom: string | undefined };

export type ObjectTemplate =
  | { readonly kind: 'subject' }
  | { readonly kind: 'object'; readonly type: string; readonly parts: readonly Part[] };

/** OpenFGA's limit of an object, type and colon included. */
const OBJECT_LENGTH_MAX = 256;
const FORM = /^([^\s:#@*{}]+):(.+)$/s;
const PIECES = /\{([^{}]*)\}|[^{}]+|[{}]/g;

/** Throws a `TypeError` that says what is wrong with it. */
export function parseTemplate(text: string): ObjectTemplate {
  if (text === '{subject}') return { kind: 'subject' };
  const [, type, id] = FORM.exec(text) ?? [];
  if (type === undefined || id === undefined) throw new TypeError(`${text} is not type:id`);
  const pieces = [...id.matchAll(PIECES)];
  const parts = pieces.map(([piece, name], i) => {
    if (name === undefined) return literal(piece);
    const [next, nextName] = pieces[i + 1] ?? [];
    if (nextName !== undefined) throw new TypeError(`${piece}${next ?? ''} would run together`);
    return placeholder(name, next?.[0]);
  });
  return { kind: 'object', type, parts };
}

function literal(text: string): Part {
  if (/[{}]/.test(text)) throw new TypeError('its braces do not match');
  if (!isId(text)) throw new TypeError(`"${text}" cannot stand in the id of an object`);
  return { kind: 'literal', text };
}

function placeholder(name: string, apartFrom: string | undefined): Part {
  if (name === 'subject.id') return { kind: 'subject_id', apartFrom };
  if (name === 'subject') {
    throw new TypeError('{subject} is a whole object; its id is {subject.id}');
  }
  const place = parsePlace(name);
  if (place !== undefined) return { kind: 'place', place, apartFrom };
  throw new TypeError(
    `{${name}} is none of {params.x}, {query.x}, {body.x.y}, {headers.x}, {subject.id}`,
  );
}

/** Whether who the rule is about must be known first. */
export const namesSubject = (template: ObjectTemplate): boolean =>
  template.kind === 'subject' || template.parts.some(({ kind }) => kind === 'subject_id');

/**
 * Throws a `BadRequestException` where the request has no fitting value, and a `ForbiddenException`
 * where the subject's name is wanted but a token is all that is known of it.
 */
export function fill(
  template: ObjectTemplate,
  request: HttpRequest,
  subject: string | undefined,
): ObjectRef {
  if (template.kind === 'subject') return subjectOf(subject);
  const id = template.parts
    .map((part) => {
      switch (part.kind) {
        case 'literal':
          return part.text;
        case 'place':
          return requireId(valueAt(request, part.place), part.place.text, part.apartFrom);
        case 'subject_id':
          return requireId(subjectOf(subject).id, 'the subject', part.apartFrom);
      }
    })
    .join('');
  const { type } = template;
  if (type.length + 1 + id.length > OBJECT_LENGTH_MAX) throw new BadRequestException();
  return { type, id };
}

function subjectOf(subject: string | undefined): ObjectRef {
  const object = subject === undefined ? undefined : parseObject(subject);
  if (object === undefined) throw new ForbiddenException();
  return object;
}

function requireId(value: unknown, name: string, apartFrom: string | undefined): string {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !isId(text)) throw unfit(name);
  if (apartFrom !== undefined && text.includes(apartFrom)) throw unfit(name);
  return text;
}

const isId = (text: string): boolean =>
  !text.includes('*') && parseObject(`any:${text}`) !== undefined;

const unfit = (name: string): BadRequestException =>
  new BadRequestException(`${name} is not an id`);
