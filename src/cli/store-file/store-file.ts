/**
 * What a store file says, OpenFGA's format (`*.fga.yaml`): a model, the tuples of a store, and tests,
 * each with tuples of its own beside them and with assertions about what is answered. Pemba's tools
 * read a little more, which OpenFGA's do not know:
 *
 *   now                   of the file or a test: the instant at which tuples are expired or not; a
 *                         condition's `current_time`, where the context does not say otherwise
 *   attributes            by entity, such as `user:anne`; `attributes_file` names a file of them
 *   expires_at            of a tuple
 *   delegated_check       of a test: `user`, `actor`, `through` (the services before it), `object`
 */
import type { SubjectForm } from '../../query/list-users.js';
import type { ServiceId } from '../../ids.js';
import type { JsonObject, ObjectRef, RelationTuple, Subject } from '../../tuple/tuple.js';
import { serviceName } from '../../tuple/delegation.js';
import { formatObject, formatSubject } from '../../tuple/tuple.js';
import type { ReadSchema } from '../schema/read-schema.js';
import type { Place } from './yaml-item.js';

export interface StoreFile {
  readonly path: string;
  readonly name: string;
  readonly schema: ReadSchema;
  /** This file's own where the model is in it. */
  readonly modelPath: string;
  readonly tuples: readonly PlacedTuple[];
  readonly attributes: readonly EntityAttributes[];
  readonly tests: readonly StoreTest[];
}

export interface PlacedTuple {
  readonly place: Place;
  readonly tuple: RelationTuple;
}

export interface EntityAttributes {
  readonly entity: ObjectRef;
  readonly attributes: JsonObject;
}

export interface StoreTest {
  readonly place: Place;
  readonly name: string;
  readonly description: string | undefined;
  readonly tuples: readonly PlacedTuple[];
  /** Milliseconds since 1970. */
  readonly now: number | undefined;
  readonly assertions: readonly Assertion[];
}

export interface Assertion {
  readonly place: Place;
  readonly question: Question;
  readonly context: JsonObject;
  readonly expected: Expected;
}

/** Names in any order: `type:id`, and of subjects `type:*` and `type:id#relation` as well. */
export type Expected = boolean | readonly string[];

export interface CheckQuestion {
  readonly kind: 'check';
  readonly subject: Subject;
  readonly object: ObjectRef;
  readonly relation: string;
}

export type Question =
  | CheckQuestion
  | (Omit<CheckQuestion, 'kind'> & {
      readonly kind: 'delegated_check';
      readonly actor: ServiceId;
      /** The services before it, the latest one first. */
      readonly through: readonly ServiceId[];
    })
  | {
      readonly kind: 'list_objects';
      readonly subject: Subject;
      readonly type: string;
      readonly relation: string;
    }
  | {
      readonly kind: 'list_users';
      readonly object: ObjectRef;
      readonly relation: string;
      /** One list for each, told as one. */
      readonly forms: readonly SubjectForm[];
    };

export const formatForm = ({ type, relation }: SubjectForm): string =>
  relation === undefined ? type : `${type}#${relation}`;

/** `user:anne can_view order:1001` */
export function formatQuestion(question: Question): string {
  const { relation } = question;
  switch (question.kind) {
    case 'check':
      return `${formatSubject(question.subject)} ${relation} ${formatObject(question.object)}`;
    case 'delegated_check': {
      const services = [question.actor, ...question.through].map(serviceName).join(' for ');
      const { subject, object } = question;
      return `${services} for ${formatSubject(subject)} ${relation} ${formatObject(object)}`;
    }
    case 'list_objects':
      return `${formatSubject(question.subject)} ${relation} which ${question.type}`;
    case 'list_users':
      return `which ${question.forms.map(formatForm).join(' or ')} ${relation} ${formatObject(question.object)}`;
  }
}
