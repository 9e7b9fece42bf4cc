/**
 * A difference between two models, classified by what it may do to a store that has tuples:
 *
 *   safe       to nobody's access
 *   narrowing  may take access from somebody
 *   widening   may give somebody access
 *   breaking   leaves tuples behind that the new model does not admit, and that count no longer
 *
 * `effect` tells of the place itself; where that is used on the right of `but not` the effect is the
 * opposite, so `reaches` names each relation that follows with the effect there (see
 * `influence.ts`). Effects over-estimate: what is left out cannot happen. Whose access changes on live
 * tuples is for `query/impact` to tell.
 */
import type { Effect } from './normal-form.js';

/** In the order of their gravity. */
export const CHANGE_CLASSES = ['safe', 'narrowing', 'widening', 'breaking'] as const;
export type ChangeClass = (typeof CHANGE_CLASSES)[number];

export type ChangeKind =
  | 'schema_version'
  | 'type_added'
  | 'type_removed'
  | 'relation_added'
  | 'relation_removed'
  | 'rule'
  | 'subject_added'
  | 'subject_removed'
  | 'condition_added'
  | 'condition_removed'
  | 'condition_expression'
  | 'condition_parameter'
  | 'module';

/** Which stored tuples are no longer admitted; what is absent is any. */
export interface Broken {
  readonly type?: string;
  readonly relation?: string;
  readonly subjectType?: string;
  /** As `tuple/filter.ts` has it: '' for objects, a relation for usersets. */
  readonly subjectForm?: string;
  /** Tuples under this condition; null for those without one. */
  readonly condition?: string | null;
}

export interface Place {
  readonly type?: string;
  readonly relation?: string;
  readonly condition?: string;
  readonly module?: string | undefined;
}

/** A change before it is seen where it leads. */
export interface LocalChange {
  readonly kind: ChangeKind;
  readonly place: Place;
  readonly message: string;
  readonly effect: Effect;
  readonly before?: string;
  readonly after?: string;
  readonly breaks?: Broken;
}

/** A relation whose sets can change because something else does. */
export interface Reached {
  readonly type: string;
  readonly relation: string;
  readonly effect: Effect;
}

export interface Change extends LocalChange {
  readonly class: ChangeClass;
  readonly reaches: readonly Reached[];
}

export function classOf({ effect, breaks }: Pick<LocalChange, 'effect' | 'breaks'>): ChangeClass {
  if (breaks !== undefined) return 'breaking';
  if (effect.widens) return 'widening';
  return effect.narrows ? 'narrowing' : 'safe';
}
