/**
 * Lists are pages over candidates in one fixed order, that of their names. A page ends when it is
 * full or when the budget is spent; the cursor of the next page is the last candidate that was
 * judged. So a list is never cut silently, and two pages at one revision neither overlap nor skip.
 */
import { PembaError } from '../errors.js';
import type { Budget } from './budget.js';
import { failureError } from './truth.js';
import type { EvaluationFailure, Verdict } from './truth.js';

export interface PageRequest {
  /** Judge only candidates after this name. */
  readonly after?: string;
  readonly limit: number;
}

export interface Page {
  readonly names: readonly string[];
  /** Where to go on; absent when the list is whole. */
  readonly next?: string;
}

export interface Candidate {
  readonly name: string;
  readonly judge: () => Verdict;
}

/** Of names that are all in the list. `names` is sorted in place. */
export function pageOfNames(names: string[], { after, limit }: PageRequest): Page {
  names.sort();
  const rest = after === undefined ? names : names.filter((name) => name > after);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return { names: page, ...(rest.length > limit && last !== undefined && { next: last }) };
}

export function fillPage(
  candidates: Iterable<Candidate>,
  request: PageRequest,
  budget: Budget,
): Page {
  const { after } = request;
  const rest = [...candidates]
    .filter(({ name }) => after === undefined || name > after)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return fill(rest, request, budget);
}

/** The same where there are so many that a page has room for few: nothing is made of the others. */
export function fillPageOfNames(
  names: readonly string[],
  judge: (name: string) => Verdict,
  request: PageRequest,
  budget: Budget,
): Page {
  const { after } = request;
  const rest = names.filter((name) => after === undefined || name > after).sort();
  return fill(candidatesOf(rest, judge), request, budget);
}

function* candidatesOf(
  names: readonly string[],
  judge: (name: string) => Verdict,
): Generator<Candidate, void> {
  for (const name of names) yield { name, judge: () => judge(name) };
}

/** `rest` is in order. */
function fill(rest: Iterable<Candidate>, request: PageRequest, budget: Budget): Page {
  const names: string[] = [];
  let judged: string | undefined;
  let failure: EvaluationFailure | undefined;
  for (const { name, judge } of rest) {
    const verdict = judgeWithin(budget, judge, judged !== undefined);
    if (verdict === undefined) return { names, ...(judged !== undefined && { next: judged }) };
    if (verdict.kind === 'failed') failure ??= verdict.failure;
    if (verdict.kind === 'true') {
      if (names.length === request.limit && judged !== undefined) return { names, next: judged };
      names.push(name);
    }
    judged = name;
  }
  if (failure !== undefined) throw failureError(failure);
  return { names };
}

/** Undefined when the budget ran out after something had been judged already. */
function judgeWithin(
  budget: Budget,
  judge: () => Verdict,
  hasProgress: boolean,
): Verdict | undefined {
  if (hasProgress && budget.expired()) return undefined;
  try {
    return judge();
  } catch (error) {
    const isOverspent =
      error instanceof PembaError &&
      (error.code === 'query_deadline' || error.code === 'query_too_large');
    if (isOverspent && hasProgress) return undefined;
    throw error;
  }
}
