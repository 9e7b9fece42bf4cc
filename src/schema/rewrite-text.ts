/** A rewrite as the DSL has it, after the colon: `(viewer or viewer from parent) but not blocked`. */
import type { Rewrite, SubjectRestriction } from './model.js';

/** `restrictions` are those of its relation. */
export function rewriteText(rewrite: Rewrite, restrictions: readonly SubjectRestriction[]): string {
  const operandText = (operand: Rewrite): string => {
    const text = rewriteText(operand, restrictions);
    return isOperator(operand) ? `(${text})` : text;
  };
  switch (rewrite.kind) {
    case 'direct':
      return `[${restrictions.map(guardedText).join(', ')}]`;
    case 'computed':
      return rewrite.relation;
    case 'from':
      return `${rewrite.relation} from ${rewrite.tupleset}`;
    case 'union':
      return rewrite.operands.map(operandText).join(' or ');
    case 'intersection':
      return rewrite.operands.map(operandText).join(' and ');
    case 'exclusion':
      return `${operandText(rewrite.base)} but not ${operandText(rewrite.subtract)}`;
  }
}

const isOperator = ({ kind }: Rewrite): boolean =>
  kind === 'union' || kind === 'intersection' || kind === 'exclusion';

/** Without its condition. */
export function restrictionText({ type, kind, relation }: SubjectRestriction): string {
  switch (kind) {
    case 'object':
      return type;
    case 'wildcard':
      return `${type}:*`;
    case 'userset':
      return `${type}#${relation}`;
  }
}

const guardedText = (restriction: SubjectRestriction): string =>
  restriction.condition === undefined
    ? restrictionText(restriction)
    : `${restrictionText(restriction)} with ${restriction.condition}`;
