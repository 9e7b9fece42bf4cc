/**
 * Rewrites in a form in which equal meanings look alike, as far as that is cheap: the order of operands
 * and repetitions do not count, nor do parentheses within `or` or within `and`; and what may happen to
 * a set when one rewrite takes the place of another. Both know a relation by its name alone.
 */
import type { RelationDefinition, Rewrite } from './model.js';
import { restrictionText } from './rewrite-text.js';

export type Normal = { readonly text: string } & (
  | { readonly kind: 'atom' }
  | { readonly kind: 'any' | 'all'; readonly operands: readonly Normal[] }
  | { readonly kind: 'butNot'; readonly base: Normal; readonly subtract: Normal }
);

/** What is written to the relation stands as one operand each, or as one for all, `[…]`. */
export function normalOf(
  { rewrite, restrictions }: Pick<RelationDefinition, 'rewrite' | 'restrictions'>,
  direct: 'each' | 'one' = 'each',
): Normal {
  const written: Normal =
    direct === 'one'
      ? atom('[]')
      : several(
          'any',
          restrictions.map((each) =>
            atom(`[${restrictionText(each)}${each.condition ? ` with ${each.condition}` : ''}]`),
          ),
        );
  const normal = (node: Rewrite): Normal => {
    switch (node.kind) {
      case 'direct':
        return written;
      case 'computed':
        return atom(node.relation);
      case 'from':
        return atom(`${node.relation} from ${node.tupleset}`);
      case 'union':
        return several('any', node.operands.map(normal));
      case 'intersection':
        return several('all', node.operands.map(normal));
      case 'exclusion': {
        const base = normal(node.base);
        const subtract = normal(node.subtract);
        return { kind: 'butNot', base, subtract, text: `(${base.text} - ${subtract.text})` };
      }
    }
  };
  return normal(rewrite);
}

const atom = (text: string): Normal => ({ kind: 'atom', text });

function several(kind: 'any' | 'all', operands: readonly Normal[]): Normal {
  const flat = operands.flatMap((each) => (each.kind === kind ? each.operands : [each]));
  const unlike = [...new Map(flat.map((each) => [each.text, each])).values()];
  unlike.sort((a, b) => (a.text < b.text ? -1 : 1));
  const [only] = unlike;
  if (unlike.length === 1 && only !== undefined) return only;
  const sign = kind === 'any' ? ' | ' : ' & ';
  return { kind, operands: unlike, text: `(${unlike.map(({ text }) => text).join(sign)})` };
}

/** What a change may do to who is in a set, while everything that it refers to stays. */
export interface Effect {
  readonly widens: boolean;
  readonly narrows: boolean;
}

export const NO_EFFECT: Effect = { widens: false, narrows: false };
export const WIDENS: Effect = { widens: true, narrows: false };
export const NARROWS: Effect = { widens: false, narrows: true };
export const EITHER_WAY: Effect = { widens: true, narrows: true };

export const together = (a: Effect, b: Effect): Effect => ({
  widens: a.widens || b.widens,
  narrows: a.narrows || b.narrows,
});

/** The effect on a set that the changed one is taken away from. */
export const reversed = ({ widens, narrows }: Effect): Effect => ({
  widens: narrows,
  narrows: widens,
});

/** Over-estimates: what it leaves out cannot happen. */
export function effectOf(before: Normal, after: Normal): Effect {
  if (before.text === after.text) return NO_EFFECT;
  if (before.kind === 'butNot' || after.kind === 'butNot') return ofExclusions(before, after);
  if (before.kind === 'all' || after.kind === 'all') return ofOperands('all', before, after);
  return ofOperands('any', before, after);
}

function ofExclusions(before: Normal, after: Normal): Effect {
  if (before.kind !== 'butNot') {
    return after.kind === 'butNot'
      ? together(effectOf(before, after.base), NARROWS)
      : effectOf(before, after);
  }
  if (after.kind !== 'butNot') return together(effectOf(before.base, after), WIDENS);
  return together(
    effectOf(before.base, after.base),
    reversed(effectOf(before.subtract, after.subtract)),
  );
}

/** What is no `or` (or no `and`) is one of a single operand. */
function ofOperands(kind: 'any' | 'all', before: Normal, after: Normal): Effect {
  const operandsOf = (one: Normal): readonly Normal[] => (one.kind === kind ? one.operands : [one]);
  const gone = without(operandsOf(before), operandsOf(after));
  const come = without(operandsOf(after), operandsOf(before));
  const [left] = gone;
  const [right] = come;
  if (gone.length === 1 && come.length === 1 && left !== undefined && right !== undefined) {
    return left.kind === 'atom' && right.kind === 'atom' ? EITHER_WAY : effectOf(left, right);
  }
  const added = kind === 'any' ? WIDENS : NARROWS;
  return together(
    come.length > 0 ? added : NO_EFFECT,
    gone.length > 0 ? reversed(added) : NO_EFFECT,
  );
}

const without = (all: readonly Normal[], others: readonly Normal[]): readonly Normal[] => {
  const texts = new Set(others.map(({ text }) => text));
  return all.filter(({ text }) => !texts.has(text));
};
