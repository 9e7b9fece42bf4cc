/** What a conversion has to tell about what it read, with the place where that stands. */
import { formatPosition } from '../../schema/positions.js';
import type { Position } from '../../schema/positions.js';

export interface Finding {
  /**
   * `missing`: no equivalent; left out, and nobody gains a permission by that.
   * `changed`: the same answers, said in another way that one has to know of.
   * `dropped`: of no effect on answers.
   */
  readonly severity: 'missing' | 'changed' | 'dropped';
  readonly message: string;
  readonly position?: Position;
}

/** The input is not what it is said to be; there is nothing to go on with. */
export class UnreadableInput extends Error {
  readonly position: Position;

  constructor(message: string, position: Position) {
    super(message);
    this.name = 'UnreadableInput';
    this.position = position;
  }
}

export function formatFinding({ severity, message, position }: Finding): string {
  return `${severity}: ${position === undefined ? '' : `${formatPosition(position)}: `}${message}`;
}

/** Gathers findings, each once. */
export class Findings {
  readonly #found = new Map<string, Finding>();

  add(severity: Finding['severity'], message: string, position?: Position): void {
    const finding = { severity, message, ...(position && { position }) };
    this.#found.set(formatFinding(finding), finding);
  }

  /** In the order of the files' text, those without a place last. */
  all(): readonly Finding[] {
    return [...this.#found.values()].sort((a, b) => rank(a) - rank(b));
  }
}

/** Lines are far fewer than 2^26, and columns are looked at below 2^26 only to sort. */
const LINE_WEIGHT = 2 ** 26;

const rank = ({ position }: Finding): number =>
  position === undefined ? Infinity : position.line * LINE_WEIGHT + position.column;
