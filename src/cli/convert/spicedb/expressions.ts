/**
 * A permission's expression. In SpiceDB `+` binds closest, then `&`, and `-` loosest, so that
 * `a + b & c - d` is `((a + b) & c) - d`. A left side of an arrow is a name.
 */
import { UnreadableInput } from '../finding.js';
import type { Expression, Name } from './syntax.js';
import type { Tokens } from './tokens.js';

/** Parentheses; far more than anybody writes, and few enough to recurse. */
const DEPTH_MAX = 100;

export interface ExpressionOptions {
  /** Whether `self` is a keyword: where the schema says `use self`. */
  readonly self: boolean;
}

export function parseExpression(tokens: Tokens, options: ExpressionOptions, depth = 0): Expression {
  if (depth > DEPTH_MAX) {
    const message = `parentheses can be nested ${DEPTH_MAX} levels deep at most`;
    throw new UnreadableInput(message, tokens.next.position);
  }
  const leaf = (): Expression => parseLeaf(tokens, options, depth);
  const union = (): Expression => joined('union', operands(tokens, '+', leaf));
  const [base, ...subtracted] = operands(tokens, '-', () =>
    joined('intersection', operands(tokens, '&', union)),
  );
  return subtracted.length === 0 ? base : { kind: 'exclusion', base, subtracted };
}

type AtLeastOne<T> = [T, ...T[]];

function operands(
  tokens: Tokens,
  operator: string,
  operand: () => Expression,
): AtLeastOne<Expression> {
  const found: AtLeastOne<Expression> = [operand()];
  while (tokens.skip(operator)) found.push(operand());
  return found;
}

const joined = (kind: 'union' | 'intersection', all: AtLeastOne<Expression>): Expression =>
  all.length === 1 ? all[0] : { kind, operands: all };

function parseLeaf(tokens: Tokens, options: ExpressionOptions, depth: number): Expression {
  const { position } = tokens.next;
  if (tokens.skip('(')) {
    const inside = parseExpression(tokens, options, depth + 1);
    tokens.expect(')');
    return inside;
  }
  if (tokens.skip('nil')) return { kind: 'nil', position };
  if (options.self && tokens.skip('self')) return { kind: 'self', position };
  const name = tokens.name('a relation or a permission');
  if (!tokens.at('->') && !tokens.at('.')) return { kind: 'name', name };
  const arrow = parseArrow(tokens, name);
  if (tokens.at('->') || tokens.at('.')) {
    const message = 'an arrow on an arrow: SpiceDB refuses it; make the first a permission';
    throw new UnreadableInput(message, tokens.next.position);
  }
  return arrow;
}

function parseArrow(tokens: Tokens, left: Name): Expression {
  if (tokens.skip('->')) {
    return { kind: 'arrow', left, right: tokens.name("the arrow's right side"), all: false };
  }
  tokens.expect('.');
  const quantifier = tokens.name("'any' or 'all'");
  if (quantifier.text !== 'any' && quantifier.text !== 'all') {
    const message = `expected 'any' or 'all', found '${quantifier.text}'`;
    throw new UnreadableInput(message, quantifier.position);
  }
  tokens.expect('(');
  const right = tokens.name("the arrow's right side");
  tokens.expect(')');
  return { kind: 'arrow', left, right, all: quantifier.text === 'all' };
}
