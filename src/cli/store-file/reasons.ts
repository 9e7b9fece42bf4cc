/** Why an answer is not the expected one: `pemba explain`'s text, of the answers in question. */
import { explainedToWire, missingToWire } from '../../api/openfga/explanation.js';
import { PembaError } from '../../errors.js';
import { explainDenial } from '../../query/denial.js';
import { prove } from '../../query/explain.js';
import { parseObject, parseSubject } from '../../tuple/tuple.js';
import type { JsonObject } from '../../tuple/tuple.js';
import { explanationText } from '../query/explanation-text.js';
import type { Json } from '../api.js';
import { isError, partsOf, questionProblem } from './answers.js';
import type { Answer, CheckPart } from './answers.js';
import { formatQuestion } from './store-file.js';
import type { Assertion, CheckQuestion, Question } from './store-file.js';
import type { Situation } from './world.js';

/** Of a list that is far off; the others are seldom wrong for other reasons. */
const NAMES_EXPLAINED_MAX = 3;

/** Lines of text. Empty where there is no more to tell than the answer does. */
export function reasonsFor(
  situation: Situation,
  { question, expected }: Assertion,
  got: Answer,
  context: JsonObject,
): readonly string[] {
  if (question.kind === 'check' || question.kind === 'delegated_check') {
    return explained(situation, question, context);
  }
  if (isError(got) || typeof got === 'boolean' || typeof expected === 'boolean') return [];
  const { missing, unexpected } = differenceOf(expected, got);
  return [
    ...missing.slice(0, NAMES_EXPLAINED_MAX),
    ...unexpected.slice(0, NAMES_EXPLAINED_MAX),
  ].flatMap((name) => {
    const check = checkOf(question, name);
    return check === undefined ? [] : explained(situation, check, context);
  });
}

export interface Difference {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

export function differenceOf(expected: readonly string[], got: readonly string[]): Difference {
  return {
    missing: [...new Set(expected)].filter((name) => !got.includes(name)).sort(),
    unexpected: got.filter((name) => !expected.includes(name)),
  };
}

/** What a name in a list stands for; undefined where it could never be in it. */
export function checkOf(
  question: Question & { readonly kind: 'list_objects' | 'list_users' },
  name: string,
): CheckQuestion | undefined {
  const { relation } = question;
  if (question.kind === 'list_objects') {
    const object = parseObject(name);
    if (object?.type !== question.type) return undefined;
    return { kind: 'check', subject: question.subject, object, relation };
  }
  const subject = parseSubject(name);
  return subject && { kind: 'check', subject, object: question.object, relation };
}

function explained(
  situation: Situation,
  question: Question & { readonly kind: 'check' | 'delegated_check' },
  context: JsonObject,
): readonly string[] {
  if (questionProblem(situation.world.plan, question) !== undefined) return [];
  try {
    const parts = partsOf(situation, question, context);
    const answer =
      question.kind === 'check' ? explainedPart(parts) : { ...explainedDelegation(parts) };
    return explanationText(answer as Json, formatQuestion(question), (_, text) => text).split('\n');
  } catch (error) {
    // There is no explanation of what cannot be answered, and the answer says why.
    if (error instanceof PembaError) return [];
    throw error;
  }
}

function explainedPart([part]: readonly CheckPart[]): object {
  if (part === undefined) return {};
  const { scope, key } = part;
  const denial = explainDenial(scope(), key);
  if (denial !== undefined) return explainedToWire({ allowed: false, ...denial });
  const proof = prove(scope(), key);
  return proof === undefined ? {} : explainedToWire({ allowed: true, proof });
}

function explainedDelegation(parts: readonly CheckPart[]): object {
  const missing = parts.flatMap(({ kind, key, scope }) => {
    const explanation = explainDenial(scope(), key);
    if (explanation === undefined) return [];
    return missingToWire(kind === 'authority' ? { kind, explanation } : { kind, tuple: key });
  });
  if (missing.length > 0) return { allowed: false, missing };
  return explainedPart(parts.filter(({ kind }) => kind === 'authority'));
}
