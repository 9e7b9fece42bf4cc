/**
 * The executable definition: what every query of Pemba has to answer, computed in the most obvious
 * way and with no thought for speed. Nothing here is taken from the engine.
 *
 * For one set of tuples, every pair (object, relation) is a node with one equation, read off the
 * model's rewrite:
 *
 *   [direct]   any of the node's tuples: the tuple's condition, and
 *                `user:a`     the asked subject is user:a
 *                `user:*`     the asked subject is an object of the type user, or user:* itself
 *                `group:g#m`  the node (group:g, m)
 *   r          the node (object, r)
 *   r from t   any of the tuples object#t@P: the tuple's condition, and the node (P, r); nothing if
 *              the type of P has no r
 *   or, and, but not   any, all, butNot
 *
 * A tuple counts if it is admitted by the model and has not expired; a contextual tuple counts as a
 * stored one, in place of the stored one that has its key.
 *
 * "Is the subject S in (O, R)?" is the truth of that node in the well-founded model
 * (`well-founded.ts`) of the equations read for S. If S is a userset `o#r`, the node (o, r) is true
 * by itself, and so is whatever follows from it. `undefined` means "not allowed".
 *
 * Where attributes are known and a condition asks for them, the question is read in another context;
 * see `attributes.ts`.
 *
 * Lists are defined by that question alone: an object is listed if the subject is in it, a subject
 * if it is in the object.
 */
import type { Model, Rewrite } from '../../src/schema/model.js';
import { formatObject, formatSubject, formatTupleKey } from '../../src/tuple/tuple.js';
import type { JsonObject, ObjectRef, RelationTuple, Subject } from '../../src/tuple/tuple.js';
import { isAdmitted, isLive } from './admission.js';
import { contextOf } from './attributes.js';
import type { Attributes } from './attributes.js';
import { evaluateCondition, readsAttributes } from './conditions.js';
import type { World } from './engine.js';
import { solve } from './well-founded.js';
import type { Formula, Truth } from './well-founded.js';

export interface Situation extends World {
  /** Stored and contextual, each key once. */
  readonly tuples: readonly RelationTuple[];
  readonly context: JsonObject;
  readonly attributes?: Attributes;
  /** Further objects that may be asked about; those of the tuples are known anyway. */
  readonly objects: readonly ObjectRef[];
}

/** Stored and contextual tuples together; the contextual one of a key wins. */
export function union(
  stored: Iterable<RelationTuple>,
  contextual: readonly RelationTuple[],
): readonly RelationTuple[] {
  const byKey = new Map<string, RelationTuple>();
  for (const tuple of [...stored, ...contextual]) byKey.set(formatTupleKey(tuple), tuple);
  return [...byKey.values()];
}

export class Reference {
  /** Every object that a tuple or the asker names. */
  readonly objects: readonly ObjectRef[];
  /** The tuples that count. */
  readonly tuples: readonly RelationTuple[];
  readonly #model: Model;
  readonly #context: JsonObject;
  readonly #byNode = new Map<string, readonly RelationTuple[]>();
  readonly #nodes = new Map<string, number>();
  readonly #equations: Formula[] = [];
  readonly #solved = new Map<string, readonly Truth[]>();
  readonly #situation: Situation;
  readonly #isReadByQuestion: boolean;
  readonly #inOtherContexts = new Map<string, Reference>();

  constructor(situation: Situation) {
    const { attributes, model } = situation;
    this.#situation = situation;
    this.#isReadByQuestion =
      attributes !== undefined && [...model.conditions.keys()].some(readsAttributes);
    this.#model = situation.model;
    this.#context = situation.context;
    this.tuples = situation.tuples.filter(
      (tuple) => isAdmitted(situation.model, tuple) && isLive(tuple, situation.now),
    );
    for (const tuple of this.tuples) {
      const node = nodeName(tuple.object, tuple.relation);
      this.#byNode.set(node, [...(this.#byNode.get(node) ?? []), tuple]);
    }
    this.objects = objectsOf(situation);
    this.#ground();
  }

  /** Is the subject in (object, relation)? An object that nobody names holds nobody. */
  truth(object: ObjectRef, relation: string, subject: Subject): Truth {
    if (this.#isReadByQuestion)
      return this.#about(subject, object).truth(object, relation, subject);
    const node = this.#nodes.get(nodeName(object, relation));
    return node === undefined ? 'false' : (this.#truthsFor(subject)[node] ?? 'false');
  }

  /** Is there any tuple whose condition errs when many are asked about one object? */
  hasFailingTuple(object: ObjectRef): boolean {
    if (this.#isReadByQuestion) return this.#about(NOBODY, object).hasFailingTuple(object);
    return this.tuples.some(
      ({ condition }) =>
        condition !== undefined && evaluateCondition(condition, this.#context) === 'error',
    );
  }

  #about(subject: Subject, object: ObjectRef): Reference {
    const { attributes, ...situation } = this.#situation;
    const context = contextOf(this.#context, attributes ?? new Map(), { subject, object });
    const name = JSON.stringify(context);
    let reference = this.#inOtherContexts.get(name);
    if (reference === undefined) {
      reference = new Reference({ ...situation, context });
      this.#inOtherContexts.set(name, reference);
    }
    return reference;
  }

  #truthsFor(subject: Subject): readonly Truth[] {
    const text = formatSubject(subject);
    let truths = this.#solved.get(text);
    if (truths === undefined) {
      const given = subject.kind === 'userset' ? this.#nodes.get(text) : undefined;
      truths = solve(this.#equations, { names: namesOf(subject), given });
      this.#solved.set(text, truths);
    }
    return truths;
  }

  /** Numbers the nodes first, as their equations refer to one another. */
  #ground(): void {
    const nodes = this.objects.flatMap((object) =>
      [...(this.#model.types.get(object.type)?.relations.values() ?? [])].map((relation) => ({
        object,
        relation,
      })),
    );
    for (const { object, relation } of nodes) {
      this.#nodes.set(nodeName(object, relation.name), this.#nodes.size);
    }
    this.#equations.length = nodes.length;
    nodes.forEach(({ object, relation }, node) => {
      this.#equations[node] = this.#formula(object, relation.name, relation.rewrite);
    });
  }

  #formula(object: ObjectRef, relation: string, rewrite: Rewrite): Formula {
    switch (rewrite.kind) {
      case 'direct':
        return any(
          this.#tuplesOf(object, relation).map((tuple) =>
            this.#guarded(tuple, this.#member(tuple.subject)),
          ),
        );
      case 'computed':
        return this.#node(object, rewrite.relation);
      case 'from':
        return any(
          this.#tuplesOf(object, rewrite.tupleset).map((tuple) =>
            this.#guarded(tuple, this.#node(parentOf(tuple), rewrite.relation)),
          ),
        );
      case 'union':
        return any(rewrite.operands.map((each) => this.#formula(object, relation, each)));
      case 'intersection':
        return all(rewrite.operands.map((each) => this.#formula(object, relation, each)));
      case 'exclusion': {
        const base = this.#formula(object, relation, rewrite.base);
        const subtract = this.#equations.push(this.#formula(object, relation, rewrite.subtract));
        return { kind: 'butNot', base, subtract: subtract - 1 };
      }
    }
  }

  #tuplesOf(object: ObjectRef, relation: string): readonly RelationTuple[] {
    return this.#byNode.get(nodeName(object, relation)) ?? [];
  }

  #member(subject: Subject): Formula {
    if (subject.kind === 'userset') return this.#node(subject, subject.relation);
    return { kind: 'subject', text: formatSubject(subject) };
  }

  #node(object: ObjectRef, relation: string): Formula {
    const node = this.#nodes.get(nodeName(object, relation));
    return node === undefined ? { kind: 'fact', truth: 'false' } : { kind: 'node', node };
  }

  #guarded(tuple: RelationTuple, member: Formula): Formula {
    if (tuple.condition === undefined) return member;
    const truth = evaluateCondition(tuple.condition, this.#context);
    return all([{ kind: 'fact', truth }, member]);
  }
}

/** Of whom nothing is known. */
const NOBODY: Subject = { kind: 'wildcard', type: '' };

const any = (of: readonly Formula[]): Formula => ({ kind: 'any', of });
const all = (of: readonly Formula[]): Formula => ({ kind: 'all', of });

const nodeName = (object: ObjectRef, relation: string): string =>
  `${formatObject(object)}#${relation}`;

/** What the tuples of a subject may say for it to be found in them directly. */
export function namesOf(subject: Subject): ReadonlySet<string> {
  const text = formatSubject(subject);
  return subject.kind === 'object' ? new Set([text, `${subject.type}:*`]) : new Set([text]);
}

/** A valid model lets only plain objects stand in a tupleset. */
function parentOf(tuple: RelationTuple): ObjectRef {
  if (tuple.subject.kind !== 'object') throw new TypeError(`${formatTupleKey(tuple)} as parent`);
  return tuple.subject;
}

function objectsOf(situation: Situation): readonly ObjectRef[] {
  const objects = new Map<string, ObjectRef>();
  const add = ({ type, id }: ObjectRef): void => {
    objects.set(formatObject({ type, id }), { type, id });
  };
  situation.objects.forEach(add);
  for (const { object, subject } of situation.tuples) {
    add(object);
    if (subject.kind !== 'wildcard') add(subject);
  }
  return [...objects.values()];
}
