/**
 * What conditions are told of a question's two ends. Who evaluates a question binds it to the scope
 * first, and a list does so for each candidate: where a condition reads attributes of the end that
 * differs, nothing that was found out for one candidate is good for another.
 */
import type { End, Entities } from '../condition/entities.js';
import type { JsonObject, ObjectRef, Subject } from '../tuple/tuple.js';
import type { QueryScope } from './scope.js';

/** What is known of an entity that is an end of the question; undefined where nothing is. */
export type PropertiesOf = (entity: ObjectRef, end: End) => JsonObject | undefined;

/** What is not known yet, of a list, is absent. */
interface Ends {
  readonly subject?: Subject;
  readonly object?: ObjectRef;
}

/** The scope as it is for a question: itself, unless attributes are known and read. */
export function askedAbout(scope: QueryScope, ends: Ends): QueryScope {
  const { propertiesOf } = scope;
  if (propertiesOf === undefined) return scope;
  return { ...scope, entities: new AskedEntities(propertiesOf, ends) };
}

/** Whether verdicts under this scope depend on attributes of the end. */
export const variesWith = (scope: QueryScope, relation: number, end: End): boolean =>
  scope.propertiesOf !== undefined && scope.binding.reads(relation).has(end);

/** Looked up when a condition first asks. */
class AskedEntities implements Entities {
  readonly #propertiesOf: PropertiesOf;
  readonly #ends: Ends;
  #subject: { readonly known: JsonObject | undefined } | undefined;
  #resource: { readonly known: JsonObject | undefined } | undefined;

  constructor(propertiesOf: PropertiesOf, ends: Ends) {
    this.#propertiesOf = propertiesOf;
    this.#ends = ends;
  }

  /** A userset or a wildcard stands for many, of whom nothing is known in common. */
  get subject(): JsonObject | undefined {
    const { subject } = this.#ends;
    this.#subject ??= {
      known: subject?.kind === 'object' ? this.#propertiesOf(subject, 'subject') : undefined,
    };
    return this.#subject.known;
  }

  get resource(): JsonObject | undefined {
    const { object } = this.#ends;
    this.#resource ??= { known: object && this.#propertiesOf(object, 'resource') };
    return this.#resource.known;
  }
}
