/**
 * Patterns of paths and hosts: steps with a separator between them, of which each is a text, a
 * `{parameter}` for one step, or at a path's end `{parameter*}` for one or more.
 *
 * Which of two patterns is meant for what both match is never a matter of their order: one has to
 * match a part of what the other matches, and then it is the one that is meant.
 */
import { quote } from './problem.js';

export type Step =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter' | 'rest'; readonly name: string };

export type Pattern = readonly Step[];

/** By the names of the pattern's parameters. */
export type Parameters = ReadonlyMap<string, string>;

const PARAMETER = /^\{([A-Za-z_][A-Za-z0-9_-]*)(\*?)\}$/;
const STEPS_MAX = 32;

/** What a path has for text between its slashes when it is canonical; see `api/edge/request-path.ts`. */
const PATH_TEXT = /^[^\\/?#;%{}\s\p{Cc}]*$/u;
const HOST_TEXT = /^[a-z0-9_-]+$/;

/** A string says what is wrong. */
export function readPathPattern(text: string): Pattern | string {
  if (!text.startsWith('/')) return 'must begin with a slash';
  const steps = text.slice(1).split('/');
  for (const [i, step] of steps.entries()) {
    const isLast = i === steps.length - 1;
    if (step === '' && !isLast) return 'has two slashes together';
    if (step === '.' || step === '..') return `has a step ${quote(step)}`;
    if (/^\{.*\*\}$/.test(step) && !isLast) return `has more behind ${quote(step)}`;
  }
  return readSteps(steps, PATH_TEXT, 'cannot be met: write paths decoded, without \\ ? # ; or %');
}

export function readHostPattern(text: string): Pattern | string {
  const steps = text.split('.');
  const many = steps.find((step) => step.endsWith('*}'));
  if (many !== undefined) return `${quote(many)} is for paths`;
  return readSteps(steps, HOST_TEXT, 'is not of a host: write it in small letters, without a port');
}

function readSteps(texts: readonly string[], literal: RegExp, refusal: string): Pattern | string {
  if (texts.length > STEPS_MAX) return `can have ${STEPS_MAX} steps at most`;
  const steps: Step[] = [];
  const names = new Set<string>();
  for (const text of texts) {
    const [, name, star] = PARAMETER.exec(text) ?? [];
    if (name === undefined) {
      if (/[{}]/.test(text)) return `${quote(text)} is no parameter: {name} stands alone`;
      if (!literal.test(text)) return `${quote(text)} ${refusal}`;
      steps.push({ kind: 'literal', text });
      continue;
    }
    if (names.has(name)) return `has the parameter ${quote(name)} twice`;
    names.add(name);
    steps.push({ kind: star === '*' ? 'rest' : 'parameter', name });
  }
  return steps;
}

export const parameterNames = (pattern: Pattern): readonly string[] =>
  pattern.flatMap((step) => (step.kind === 'literal' ? [] : [step.name]));

/** Undefined where the pattern does not match. A parameter is never empty. */
export function matchPattern(pattern: Pattern, texts: readonly string[]): Parameters | undefined {
  const isOpen = pattern.at(-1)?.kind === 'rest';
  if (isOpen ? texts.length < pattern.length : texts.length !== pattern.length) return undefined;
  let parameters: Map<string, string> | undefined;
  for (const [i, step] of pattern.entries()) {
    const text = texts[i] ?? '';
    if (step.kind === 'literal') {
      if (step.text !== text) return undefined;
    } else {
      if (text === '') return undefined;
      parameters ??= new Map();
      parameters.set(step.name, step.kind === 'rest' ? texts.slice(i).join('/') : text);
    }
  }
  return parameters ?? NONE;
}

const NONE: Parameters = new Map();

/** Whether everything that the second matches is matched by the first. */
export function covers(outer: Pattern, inner: Pattern): boolean {
  const isOpen = outer.at(-1)?.kind === 'rest';
  if (!isOpen && inner.at(-1)?.kind === 'rest') return false;
  if (isOpen ? inner.length < outer.length : inner.length !== outer.length) return false;
  return outer.every((step, i) => {
    const other = inner[i];
    if (step.kind === 'literal') return other?.kind === 'literal' && other.text === step.text;
    return other?.kind !== 'literal' || other.text !== '';
  });
}

/** What both match, as an example; undefined where there is nothing. */
export function commonExample(a: Pattern, b: Pattern): readonly string[] | undefined {
  const [shorter, longer] = a.length <= b.length ? [a, b] : [b, a];
  if (shorter.length < longer.length && shorter.at(-1)?.kind !== 'rest') return undefined;
  const example: string[] = [];
  for (const [i, step] of longer.entries()) {
    const other = shorter[i];
    const texts = [step, other].flatMap((one) => (one?.kind === 'literal' ? [one.text] : []));
    const [text = 'x'] = texts;
    if (texts.some((one) => one !== text)) return undefined;
    // Beyond the shorter's end anything goes, also nothing behind a last slash.
    if (text === '' && other !== undefined && other.kind !== 'literal') return undefined;
    if (text === '' && step.kind !== 'literal') return undefined;
    example.push(text);
  }
  return example;
}
