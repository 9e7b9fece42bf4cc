/** What became of store files: for people, and as JSON. */
import type { Output } from '../print.js';
import { isError } from './answers.js';
import type { Answer } from './answers.js';
import { differenceOf } from './reasons.js';
import type { Failure, FileResult, TestResult } from './run.js';
import { formatQuestion } from './store-file.js';
import type { Assertion } from './store-file.js';
import { formatPlace } from './yaml-item.js';

type Paint = Output['paint'];

export const isPassed = ({ problems, tests }: FileResult): boolean =>
  problems.length === 0 && tests.every(({ failures }) => failures.length === 0);

/** A line for the file, then what failed. */
export function fileText(result: FileResult, paint: Paint): string {
  const { path, problems, tests } = result;
  const failed = tests.filter(({ failures }) => failures.length > 0);
  const assertions = tests.reduce((sum, { test }) => sum + test.assertions.length, 0);
  const mark = isPassed(result) ? paint('green', 'PASS') : paint('red', 'FAIL');
  const counts = [
    ...(problems.length > 0 ? [counted(problems.length, 'problem')] : []),
    ...(failed.length > 0 ? [`${failed.length} of ${counted(tests.length, 'test')} failed`] : []),
    ...(isPassed(result) ? [counted(tests.length, 'test')] : []),
    ...(problems.length === 0 ? [counted(assertions, 'assertion')] : []),
    `${Math.round(result.ms)} ms`,
  ];
  return [
    `${mark} ${path}  ${paint('dim', counts.join(', '))}`,
    ...problems.map((problem) => indented([problem], 2)),
    ...failed.map((each) => testText(each, paint)),
  ].join('\n');
}

const testText = ({ test, failures }: TestResult, paint: Paint): string =>
  [
    '',
    `  ${paint('bold', test.name)}`,
    ...failures.map((failure) => indented(failureLines(failure), 4)),
    '',
  ].join('\n');

/** Without colours: they are what JUnit files hold, too. */
export function failureLines({ assertion, got, why }: Failure): readonly string[] {
  return [
    formatPlace(assertion.place),
    questionText(assertion),
    ...outcomeLines(assertion, got),
    ...why.map((line) => `  ${line}`),
  ];
}

export function questionText({ question, context }: Assertion): string {
  const given = Object.keys(context).length === 0 ? '' : ` given ${JSON.stringify(context)}`;
  return formatQuestion(question) + given;
}

function outcomeLines({ expected }: Assertion, got: Answer): readonly string[] {
  if (isError(got)) return [`expected ${valueText(expected)}, got an error: ${got.error}`];
  if (typeof got === 'boolean' || typeof expected === 'boolean') {
    return [`expected ${valueText(expected)}, got ${valueText(got)}`];
  }
  const { missing, unexpected } = differenceOf(expected, got);
  return [
    ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
  ];
}

const valueText = (value: boolean | readonly string[]): string =>
  typeof value === 'boolean' ? String(value) : `[${value.join(', ')}]`;

const indented = (lines: readonly string[], by: number): string =>
  lines.map((line) => ' '.repeat(by) + line).join('\n');

export const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;

/** `2 of 31 tests failed in 3 files` */
export function sumText(results: readonly FileResult[]): string {
  const tests = results.flatMap((result) => result.tests);
  const failed = tests.filter(({ failures }) => failures.length > 0);
  const wrong = results.filter(({ problems }) => problems.length > 0);
  const ran = `${counted(tests.length, 'test')} in ${counted(results.length, 'file')}`;
  return [
    failed.length > 0 ? `${failed.length} of ${ran} failed` : `${ran} passed`,
    ...(wrong.length > 0 ? [`${counted(wrong.length, 'file')} could not be tested`] : []),
  ].join(', ');
}

export const fileToJson = (result: FileResult): object => ({
  file: result.path,
  passed: isPassed(result),
  problems: result.problems,
  ms: Math.round(result.ms),
  tests: result.tests.map(({ test, failures }) => ({
    name: test.name,
    line: test.place.line,
    passed: failures.length === 0,
    assertions: test.assertions.length,
    failures: failures.map(failureToJson),
  })),
});

const failureToJson = ({ assertion, got, why }: Failure): object => ({
  ...assertion.place,
  question: formatQuestion(assertion.question),
  ...(Object.keys(assertion.context).length > 0 && { context: assertion.context }),
  expected: assertion.expected,
  ...(isError(got) ? got : { got }),
  ...(why.length > 0 && { why }),
});
