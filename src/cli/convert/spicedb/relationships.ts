/** Relationships to tuples, by the schema that was converted. */
import { admissionProblem } from '../../../schema/admit.js';
import type { Plan } from '../../../schema/plan.js';
import { formatObject, formatSubject } from '../../../tuple/tuple.js';
import type { RelationTuple, Subject } from '../../../tuple/tuple.js';
import type { Findings } from '../finding.js';
import type { Catalogue } from './catalogue.js';
import type { Relationship } from './relationship-text.js';

/** What the server takes of a tuple's object, in characters, and of its subject, in bytes. */
const OBJECT_LENGTH_MAX = 256;
const SUBJECT_BYTES_MAX = 512;

export class RelationshipConversion {
  readonly #catalogue: Catalogue;
  readonly #findings: Findings;
  readonly #plan: Plan | undefined;
  readonly #themselves = new Set<string>();

  /** Without a plan, because the model is not valid, nothing but names is looked at. */
  constructor(catalogue: Catalogue, findings: Findings, plan: Plan | undefined) {
    this.#catalogue = catalogue;
    this.#findings = findings;
    this.#plan = plan;
  }

  /** One tuple; more where an arrow or `self` takes a relation of its own; none if it is refused. */
  tuples(relationship: Relationship): readonly RelationTuple[] {
    const tuple = this.#tuple(relationship);
    const problem = this.#problem(relationship, tuple);
    if (problem !== undefined) {
      this.#findings.add('missing', `left out: ${problem}`, relationship.position);
      return [];
    }
    const { resource, subject } = relationship;
    return [
      tuple,
      ...this.#objectTuples(relationship, tuple),
      ...this.#itself(resource.type, resource.id),
      ...this.#itself(subject.type, subject.id),
    ];
  }

  /** The subject of a question, too. */
  subject({ type, id, relation }: Relationship['subject']): Subject {
    const name = this.#catalogue.typeName(type);
    if (id === '*') return { kind: 'wildcard', type: name };
    if (relation === '') return { kind: 'object', type: name, id };
    return { kind: 'userset', type: name, id, relation: this.#catalogue.relationName(relation) };
  }

  #tuple({ resource, relation, subject, caveat, expiresAt }: Relationship): RelationTuple {
    const condition = caveat && {
      name: this.#catalogue.conditions.get(caveat.name)?.name ?? caveat.name,
      context: caveat.context,
    };
    return {
      object: { type: this.#catalogue.typeName(resource.type), id: resource.id },
      relation: this.#catalogue.relationName(relation),
      subject: this.subject(subject),
      ...(condition && { condition }),
      ...(expiresAt !== undefined && { expiresAt }),
    };
  }

  #problem({ resource, relation }: Relationship, tuple: RelationTuple): string | undefined {
    const member = this.#catalogue.member(resource.type, relation);
    if (member?.kind === 'permission') {
      return `'${relation}' is a permission, which nothing can be written to`;
    }
    if (formatObject(tuple.object).length > OBJECT_LENGTH_MAX) {
      return `an object can have ${OBJECT_LENGTH_MAX} characters at most`;
    }
    if (Buffer.byteLength(formatSubject(tuple.subject)) > SUBJECT_BYTES_MAX) {
      return `a subject can have ${SUBJECT_BYTES_MAX} bytes at most`;
    }
    return this.#plan && admissionProblem(this.#plan, tuple);
  }

  #objectTuples(
    { resource, relation, subject }: Relationship,
    tuple: RelationTuple,
  ): readonly RelationTuple[] {
    const type = this.#catalogue.type(resource.type);
    const helper = type?.objectRelations.find(
      ({ of, subjectRelation }) =>
        of.name.text === relation && subjectRelation === subject.relation,
    );
    if (helper === undefined || tuple.subject.kind === 'wildcard') return [];
    const { type: subjectType, id } = tuple.subject;
    const object: Subject = { kind: 'object', type: subjectType, id };
    return [{ ...tuple, relation: helper.name, subject: object }];
  }

  /** Once for each object. */
  #itself(type: string, id: string): readonly RelationTuple[] {
    const { name, itself } = this.#catalogue.type(type) ?? {};
    const object = `${type}:${id}`;
    if (name === undefined || itself === undefined || id === '*') return [];
    if (this.#themselves.has(object)) return [];
    this.#themselves.add(object);
    return [
      { object: { type: name, id }, relation: itself, subject: { kind: 'object', type: name, id } },
    ];
  }
}

/** As `pemba tuple import` takes it. */
export function tupleLine(tuple: RelationTuple): string {
  const { object, relation, subject, condition, expiresAt } = tuple;
  return JSON.stringify({
    user: formatSubject(subject),
    relation,
    object: formatObject(object),
    ...(condition && { condition }),
    ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
  });
}
