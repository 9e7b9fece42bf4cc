/**
 * What is wrong with a model, told to the person who wrote it. Every rule reports a ModelProblem,
 * so that an editor can mark all of them; `invalidModel` folds them into the one error of the API.
 */
import { PembaError } from '../errors.js';
import { formatPosition } from './positions.js';
import type { Position } from './positions.js';

export interface ModelProblem {
  readonly message: string;
  readonly type?: string;
  readonly relation?: string;
  readonly condition?: string;
  readonly position?: Position | undefined;
}

/** An error's message goes to logs and terminals; a reader fixes the first few, then asks again. */
const PROBLEMS_SHOWN_MAX = 20;

/** Names longer than any valid relation are shown by their beginning. */
const QUOTED_LENGTH_MAX = 60;

export function quote(name: string): string {
  const shown =
    name.length <= QUOTED_LENGTH_MAX ? name : `${name.slice(0, QUOTED_LENGTH_MAX).trimEnd()}…`;
  return `'${shown.replace(/\p{Cc}/gu, '\ufffd')}'`;
}

/** `type 'document', relation 'viewer' (line 7, column 12): …` or `line 7, column 12: …` */
export function formatProblem(problem: ModelProblem): string {
  const { type, relation, condition, position, message } = problem;
  const subject = [
    ...(type === undefined ? [] : [`type ${quote(type)}`]),
    ...(relation === undefined ? [] : [`relation ${quote(relation)}`]),
    ...(condition === undefined ? [] : [`condition ${quote(condition)}`]),
  ].join(', ');
  const place = position && formatPosition(position);
  if (subject === '') return place === undefined ? message : `${place}: ${message}`;
  return `${subject}${place === undefined ? '' : ` (${place})`}: ${message}`;
}

/** One error that tells all problems, a line each. */
export function invalidModel(problems: readonly ModelProblem[]): PembaError {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map(formatProblem);
  const hidden = problems.length - shown.length;
  const message = [...shown, ...(hidden > 0 ? [`… and ${hidden} more`] : [])].join('\n');
  return new PembaError('invalid_model', message, {
    facts: { problems: shown, problemCount: problems.length },
  });
}
