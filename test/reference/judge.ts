/**
 * Puts one query to an engine and to the definition, and tells where they part.
 *
 * Check and batch must agree exactly, errors included. Lists must hold exactly the objects (or
 * subjects) that check true, with these liberties:
 *
 *   - if one of the candidates errs, the engine may answer with that error instead; a list of users
 *     may also fail for any condition that it met on the way, as OpenFGA's does;
 *   - once `type:*` is listed, an object that owes its membership to wildcards alone may be left
 *     out, since no tuple need name it. It must be listed if it would be in without any wildcard.
 *
 * Only `condition_failed` is an error that the definition knows: whatever else an engine throws or
 * answers is a disagreement.
 */
import { formatObject, formatSubject, parseObject, parseSubject } from '../../src/tuple/tuple.js';
import type { ObjectRef, RelationTuple, Subject } from '../../src/tuple/tuple.js';
import type { Attributes } from './attributes.js';
import type { CheckQuery, Engine, Surroundings, Verdict, World } from './engine.js';
import { Reference, union } from './evaluator.js';
import { Expansion } from './expansion.js';
import type { Check, Query } from './queries.js';
import type { Truth } from './well-founded.js';

/** `skipped`: the engine does not offer it. */
export type Ruling = 'agreed' | 'skipped' | { readonly expected: string; readonly actual: string };

type ListUsers = Query & { readonly kind: 'listUsers' };
type ListObjects = Query & { readonly kind: 'listObjects' };
type Expand = Query & { readonly kind: 'expand' };
type Listed = { readonly names: readonly string[] } | { readonly error: string };

export interface Stored {
  readonly tuples: readonly RelationTuple[];
  readonly attributes: Attributes;
}

interface JudgedWorld extends World {
  readonly objects: readonly ObjectRef[];
}

export class Judge {
  readonly #world: JudgedWorld;
  readonly #stored: readonly RelationTuple[];
  readonly #attributes: Attributes;
  readonly #engine: Engine;
  readonly #references = new Map<Surroundings, Reference>();
  readonly #withoutWildcards = new Map<Surroundings, Reference>();
  readonly #expansion: Expansion;

  /** For as long as these tuples and attributes are the stored ones and the engine has them all. */
  constructor(world: JudgedWorld, { tuples, attributes }: Stored, engine: Engine) {
    this.#world = world;
    this.#stored = tuples;
    this.#attributes = attributes;
    this.#engine = engine;
    this.#expansion = new Expansion(engine, world.model);
  }

  judge(query: Query): Ruling {
    try {
      switch (query.kind) {
        case 'check':
          return this.#compare([query], [this.#engine.check(asCheckQuery(query))]);
        case 'batch':
          return this.#compare(query.checks, this.#engine.batch(query.checks.map(asCheckQuery)));
        case 'listObjects':
          return this.#judgeObjects(query);
        case 'listUsers':
          return this.#judgeUsers(query);
        case 'expand':
          return this.#judgeExpand(query);
      }
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { expected: 'an answer', actual: `threw ${text}` };
    }
  }

  /** What the definition says. */
  truthOf({ object, relation, subject, at }: Check): Truth {
    return this.#reference(at).truth(object, relation, subject);
  }

  #compare(checks: readonly Check[], verdicts: readonly Verdict[]): Ruling {
    const actual = verdicts.map((each) =>
      each.kind === 'error' ? errorName(each.code) : each.kind,
    );
    const expected = checks.map((check) => {
      const truth = this.truthOf(check);
      return truth === 'undefined' ? 'false' : truth;
    });
    return ruling(expected.join(', '), actual.join(', '));
  }

  #judgeObjects({ type, relation, subject, at }: ListObjects): Ruling {
    const reference = this.#reference(at);
    const answer = this.#engine.listObjects({ type, relation, subject, ...at });
    const listed = 'error' in answer ? answer : { names: answer.objects };
    const truths = new Map(
      reference.objects
        .filter((object) => object.type === type)
        .map((object) => [formatObject(object), reference.truth(object, relation, subject)]),
    );
    const required = [...truths].flatMap(([name, truth]) => (truth === 'true' ? [name] : []));
    return judgeList(listed, {
      required,
      permits: (name) => parseObject(name)?.type === type && truths.get(name) === 'true',
      mayErr: [...truths.values()].includes('error'),
    });
  }

  #judgeUsers({ object, relation, filter, at }: ListUsers): Ruling {
    const reference = this.#reference(at);
    const answer = this.#engine.listUsers({ object, relation, filter, ...at });
    const listed = 'error' in answer ? answer : { names: answer.users };
    const truth = (subject: Subject): Truth => reference.truth(object, relation, subject);
    const candidates = candidatesFor(filter, reference);
    const members = candidates.filter((each) => truth(each) === 'true');
    const isOpen = members.some((each) => each.kind === 'wildcard');
    const required = members.filter((each) => {
      if (filter.relation !== undefined) return isMentioned(each, reference);
      if (!isOpen || each.kind === 'wildcard') return true;
      return this.#closed(at).truth(object, relation, each) === 'true';
    });
    return judgeList(listed, {
      required: required.map(formatSubject),
      permits: (name) => {
        const subject = parseSubject(name);
        return subject !== undefined && isAskedFor(filter, subject) && truth(subject) === 'true';
      },
      mayErr:
        candidates.some((each) => truth(each) === 'error') || reference.hasFailingTuple(object),
    });
  }

  #judgeExpand({ object, relation, subject }: Expand): Ruling {
    const truth = this.#expansion.truth(object, relation, subject);
    if (truth === undefined) return 'skipped';
    const surroundings = { context: {}, contextualTuples: [] };
    const expected = this.#reference(surroundings).truth(object, relation, subject);
    return ruling(String(expected === 'true'), String(truth === 'true'));
  }

  #reference(at: Surroundings): Reference {
    let reference = this.#references.get(at);
    if (reference === undefined) {
      const tuples = union(this.#stored, at.contextualTuples);
      reference = new Reference({
        ...{ ...this.#world, tuples, context: at.context },
        attributes: this.#attributes,
      });
      this.#references.set(at, reference);
    }
    return reference;
  }

  /** The same surroundings in a world without wildcards. */
  #closed(at: Surroundings): Reference {
    let reference = this.#withoutWildcards.get(at);
    if (reference === undefined) {
      const tuples = union(this.#stored, at.contextualTuples).filter(
        (tuple) => tuple.subject.kind !== 'wildcard',
      );
      reference = new Reference({
        ...{ ...this.#world, tuples, context: at.context },
        attributes: this.#attributes,
      });
      this.#withoutWildcards.set(at, reference);
    }
    return reference;
  }
}

const asCheckQuery = ({ object, relation, subject, at }: Check): CheckQuery => ({
  object,
  relation,
  subject,
  ...at,
});

const errorName = (code: string): string =>
  code === 'condition_failed' ? 'error' : `error ${code}`;

function ruling(expected: string, actual: string): Ruling {
  return expected === actual ? 'agreed' : { expected, actual };
}

function judgeList(
  listed: Listed,
  wanted: {
    readonly required: readonly string[];
    readonly permits: (name: string) => boolean;
    readonly mayErr: boolean;
  },
): Ruling {
  const least = [...wanted.required].sort();
  const expected = `${wanted.mayErr ? 'error, or ' : ''}[${least.join(', ')}]`;
  if ('error' in listed) {
    const actual = errorName(listed.error);
    return wanted.mayErr && actual === 'error' ? 'agreed' : { expected, actual };
  }
  const names = [...listed.names].sort();
  const isWhole = least.every((name) => names.includes(name));
  const isDistinct = new Set(names).size === names.length;
  if (isWhole && isDistinct && names.every(wanted.permits)) return 'agreed';
  return { expected, actual: `[${names.join(', ')}]` };
}

type Filter = ListUsers['filter'];

/** Every subject that can be in the list: all known ones of the filter. */
function candidatesFor(filter: Filter, reference: Reference): readonly Subject[] {
  const { type, relation } = filter;
  const objects = reference.objects.filter((object) => object.type === type);
  if (relation !== undefined) {
    return objects.map(({ id }) => ({ kind: 'userset', type, id, relation }));
  }
  return [
    { kind: 'wildcard', type },
    ...objects.map(({ id }): Subject => ({ kind: 'object', type, id })),
  ];
}

function isAskedFor(filter: Filter, subject: Subject): boolean {
  if (subject.type !== filter.type) return false;
  return (subject.kind === 'userset' ? subject.relation : undefined) === filter.relation;
}

function isMentioned(subject: Subject, reference: Reference): boolean {
  const text = formatSubject(subject);
  return reference.tuples.some((tuple) => formatSubject(tuple.subject) === text);
}
