/** The tests of store files, run one after the other. */
import { isDeepStrictEqual } from 'node:util';
import { PembaError } from '../../errors.js';
import { CommandError, EXIT } from '../command-error.js';
import type { FileReader } from '../schema/read-schema.js';
import { answerOf, contextOf, isError } from './answers.js';
import type { Answer } from './answers.js';
import type { Coverage } from './coverage.js';
import { readStoreFile } from './read-store-file.js';
import { reasonsFor } from './reasons.js';
import type { Assertion, Expected, StoreFile, StoreTest } from './store-file.js';
import { World, modelProblems } from './world.js';
import type { Situation } from './world.js';

export interface Failure {
  readonly assertion: Assertion;
  readonly got: Answer;
  /** Lines. */
  readonly why: readonly string[];
}

export interface TestResult {
  readonly test: StoreTest;
  readonly failures: readonly Failure[];
  readonly ms: number;
}

export interface FileResult {
  readonly path: string;
  /** A line each, or more. No test is run where there are any. */
  readonly problems: readonly string[];
  /** It could not even be read. */
  readonly isUnreadable: boolean;
  readonly tests: readonly TestResult[];
  readonly ms: number;
  /** All that was read, or could not be: it may change that. */
  readonly files: readonly string[];
}

/** Who answers the questions of a file's tests. */
export interface Answering {
  answersOf(tests: readonly StoreTest[]): Promise<ReadonlyMap<Assertion, Answer>>;
  /** To be called whatever happened. */
  close(): Promise<void>;
}

export interface RunOptions extends FileReader {
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** Milliseconds since 1970: of tests that do not say what time it is. */
  readonly now: number;
  /** Only tests that have it in their name. */
  readonly filter?: string | undefined;
  /** Told what was reached by assertions that hold. */
  readonly coverageOf?: ((file: StoreFile) => Coverage) | undefined;
  /** In place of this process. */
  readonly answering?: ((file: StoreFile) => Promise<Answering>) | undefined;
}

export async function runStoreFile(path: string, options: RunOptions): Promise<FileResult> {
  const start = options.clock();
  const files: string[] = [];
  const readFile = (name: string): Promise<string> => {
    files.push(name);
    return options.readFile(name);
  };
  const ended = (rest: Partial<FileResult>): FileResult => ({
    ...{ path, problems: [], isUnreadable: false, tests: [], files },
    ...rest,
    ms: options.clock() - start,
  });
  try {
    const file = await readStoreFile(path, { readFile });
    const invalid = modelProblems(file);
    if (invalid.length > 0) return ended({ problems: invalid });
    const world = new World(file, options.clock);
    if (world.problems.length > 0) return ended({ problems: world.problems });
    return ended({ tests: await testsOf(file, world, options) });
  } catch (error) {
    if (error instanceof PembaError && error.code === 'invalid_model') {
      return ended({
        problems: error.message.split('\n').map((line) => `${files[1] ?? path}: ${line}`),
      });
    }
    if (!(error instanceof CommandError && error.exitCode === EXIT.usage)) throw error;
    return ended({ problems: [error.message], isUnreadable: true });
  }
}

async function testsOf(
  file: StoreFile,
  world: World,
  options: RunOptions,
): Promise<readonly TestResult[]> {
  const { filter = '', clock } = options;
  const tests = file.tests.filter(({ name }) => name.includes(filter));
  const coverage = options.coverageOf?.(file);
  const answering = await options.answering?.(file);
  let answers: ReadonlyMap<Assertion, Answer> | undefined;
  try {
    answers = await answering?.answersOf(tests);
  } finally {
    await answering?.close();
  }
  return tests.map((test) => {
    const start = clock();
    const situation = world.of(test, test.now ?? options.now);
    const failures = failuresOf(situation, test, answers, coverage);
    return { test, failures, ms: clock() - start };
  });
}

/** `answers` are somebody else's; without them this process answers. */
function failuresOf(
  situation: Situation,
  test: StoreTest,
  answers: ReadonlyMap<Assertion, Answer> | undefined,
  coverage: Coverage | undefined,
): readonly Failure[] {
  return test.assertions.flatMap((assertion) => {
    const context = contextOf(test, assertion);
    const got =
      answers === undefined
        ? answerOf(situation, assertion.question, context)
        : (answers.get(assertion) ?? { error: 'there was no answer' });
    if (!isAsExpected(assertion.expected, got)) {
      return { assertion, got, why: reasonsFor(situation, assertion, got, context) };
    }
    coverage?.add(situation, assertion.question, got, context);
    return [];
  });
}

export function isAsExpected(expected: Expected, got: Answer): boolean {
  if (isError(got)) return false;
  if (typeof got === 'boolean' || typeof expected === 'boolean') return got === expected;
  return isDeepStrictEqual(new Set(got), new Set(expected));
}
