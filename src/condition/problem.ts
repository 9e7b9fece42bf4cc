import { PembaError } from '../errors.js';

/** A condition cannot be part of a model. Line and column count from 1 within its expression. */
export class ConditionProblem extends PembaError {
  readonly line: number;
  /** In UTF-16 units, as editors count. */
  readonly column: number;

  constructor(message: string, expression: string, offset: number) {
    const before = expression.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    super('invalid_model', message, { facts: { line, column } });
    this.name = 'ConditionProblem';
    this.line = line;
    this.column = column;
  }
}
