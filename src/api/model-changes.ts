/** How the differences of two models are shown. */
import type { Change, ChangeClass } from '../schema/change.js';
import type { Effect } from '../schema/normal-form.js';

export interface WireChange {
  readonly kind: string;
  readonly class: ChangeClass;
  readonly type?: string;
  readonly relation?: string;
  readonly condition?: string;
  readonly module?: string;
  readonly message: string;
  /** What it may do to who has access: `widens`, `narrows`. */
  readonly effects: readonly string[];
  readonly before?: string;
  readonly after?: string;
  /** Other relations that can change with it. */
  readonly reaches: readonly {
    readonly type: string;
    readonly relation: string;
    readonly effects: readonly string[];
  }[];
}

export function changeToWire({ place, reaches, effect, ...change }: Change): WireChange {
  const { type, relation, condition, module } = place;
  return {
    kind: change.kind,
    class: change.class,
    ...(type !== undefined && { type }),
    ...(relation !== undefined && { relation }),
    ...(condition !== undefined && { condition }),
    ...(module !== undefined && { module }),
    message: change.message,
    effects: effectsOf(effect),
    ...(change.before !== undefined && { before: change.before }),
    ...(change.after !== undefined && { after: change.after }),
    reaches: reaches.map((each) => ({
      type: each.type,
      relation: each.relation,
      effects: effectsOf(each.effect),
    })),
  };
}

const effectsOf = ({ widens, narrows }: Effect): readonly string[] => [
  ...(widens ? ['widens'] : []),
  ...(narrows ? ['narrows'] : []),
];
