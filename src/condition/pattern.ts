/**
 * Regular expressions in RE2's syntax and on a linear-time engine: CEL's `matches` is defined by
 * RE2, and JavaScript's own engine would let one pattern and thirty characters hold the process.
 *
 * Linear means text × program, and a counted repetition makes a short pattern a long program
 * (`a{1000}`), so the size is bounded before a pattern is compiled: absolutely for the literals of
 * an expression, whose program is known to the cost bound, and in proportion to its length for a
 * pattern that only turns up in evaluation, of which the cost bound knows no more than the length.
 */
import { RE2JS } from 're2js';
import { ValueError } from './value-error.js';

export interface Pattern {
  readonly test: (text: string) => boolean;
  /** Instructions of its program. */
  readonly size: number;
}

/** Takes a few ms to compile and leaves room for `.{1,255}` and the like. */
const LITERAL_SIZE_MAX = 1_000;
/** A computed pattern longer than an expression may be is no pattern that someone wrote. */
const COMPUTED_LENGTH_MAX = 512;
const COMPUTED_SIZE_PER_CHARACTER = 4;
/** So that `[0-9a-f]{64}` is possible. */
const COMPUTED_SIZE_BASE = 80;

/** What a pattern of that length may at most compile to when it is not a literal. */
export const computedSizeMax = (length: number): number =>
  COMPUTED_SIZE_BASE + COMPUTED_SIZE_PER_CHARACTER * length;

export const readLiteralPattern = (text: string): Pattern => compile(text, LITERAL_SIZE_MAX);

export function readComputedPattern(text: string): Pattern {
  if (text.length > COMPUTED_LENGTH_MAX) {
    throw new ValueError(`the pattern is longer than ${COMPUTED_LENGTH_MAX} characters`);
  }
  return compile(text, computedSizeMax(text.length));
}

function compile(text: string, sizeMax: number): Pattern {
  const tooLarge = (): ValueError =>
    new ValueError(`the pattern repeats so much that it compiles to over ${sizeMax} instructions`);
  if (expandedSize(text) > sizeMax) throw tooLarge();
  const compiled = compileRe2(text);
  const size = compiled.programSize();
  if (size > sizeMax) throw tooLarge();
  return { test: (subject) => compiled.test(subject), size };
}

function compileRe2(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ValueError(error.message.replace('error parsing regexp', 'bad pattern'));
  }
}

const TOKEN = /\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[^]/gs;

/** Atoms of the pattern once its counted repetitions are written out. */
function expandedSize(text: string): number {
  const outer: number[] = [];
  let size = 0;
  let atom = 0;
  for (const [token, least, most] of text.matchAll(TOKEN)) {
    if (least !== undefined) {
      const count = Math.max(Number(least), Number(most ?? least), 1);
      size += atom * (count - 1);
      atom *= count;
    } else if (token === '(') {
      outer.push(size);
      size = 0;
    } else if (token === ')') {
      atom = size;
      size += outer.pop() ?? 0;
    } else if (!'|*+?^$'.includes(token)) {
      atom = 1;
      size += 1;
    }
  }
  return size;
}
