/** `pemba schema test`: patterns to files, files to results, results to whoever reads them. */
import { readFile, writeFile } from 'node:fs/promises';
import { CommandError, EXIT, usageError } from '../command-error.js';
import type { Output } from '../print.js';
import type { Surroundings } from '../surroundings.js';
import { CoverageByModel, coverageText } from './coverage-report.js';
import type { ModelCoverage } from './coverage-report.js';
import { findStoreFiles, foldersOf } from './find-store-files.js';
import { junitXml } from './junit.js';
import { fileText, fileToJson, isPassed, sumText } from './report.js';
import { runStoreFile } from './run.js';
import type { FileResult } from './run.js';
import { ServerStore } from './server-store.js';
import { watchFiles } from './watch.js';

export interface TestOptions {
  readonly filter?: string;
  readonly junit?: string;
  readonly coverage?: boolean;
  readonly coverageMin?: string;
  readonly watch?: boolean;
  readonly server?: boolean;
}

interface Run {
  readonly results: readonly FileResult[];
  readonly coverage: readonly ModelCoverage[];
}

export async function testStoreFiles(
  patterns: readonly string[],
  options: TestOptions,
  around: Surroundings,
): Promise<void> {
  const percent = percentOf(options.coverageMin);
  if (options.watch === true) {
    if (around.output().json) throw usageError('--watch goes on and on, which --json cannot');
    await watchFiles(around.output(), {
      search: async () => ({
        paths: await findStoreFiles(patterns),
        folders: await foldersOf(patterns),
      }),
      run: async (paths) => {
        const { results } = await runOnce(paths, options, around);
        return results.flatMap(({ files }) => files);
      },
      now: around.now,
    });
    return;
  }
  const { results, coverage } = await runOnce(await findStoreFiles(patterns), options, around);
  if (results.some(({ isUnreadable }) => isUnreadable)) throw usageError(sumText(results));
  if (!results.every(isPassed)) throw new CommandError(sumText(results), EXIT.failed);
  const low = coverage.find((each) => each.percent < percent);
  if (low !== undefined) {
    const message = `coverage of ${low.model} is ${low.percent} %, less than ${percent} %`;
    throw new CommandError(message, EXIT.failed);
  }
}

async function runOnce(
  paths: readonly string[],
  options: TestOptions,
  around: Surroundings,
): Promise<Run> {
  const output = around.output();
  const covered =
    options.coverage === true || options.coverageMin !== undefined
      ? new CoverageByModel()
      : undefined;
  const results: FileResult[] = [];
  for (const path of paths) {
    const result = await runStoreFile(path, {
      readFile: (name) => readFile(name, 'utf8'),
      clock: () => performance.now(),
      now: around.now(),
      filter: options.filter,
      coverageOf: covered?.of,
      answering:
        options.server === true ? (file) => ServerStore.open(around.api(), file) : undefined,
    });
    results.push(result);
    if (!output.json) output.write(`${fileText(result, output.paint)}\n`);
  }
  const coverage = covered?.report() ?? [];
  if (options.junit !== undefined) await writeFile(options.junit, junitXml(results));
  report(output, { results, coverage });
  return { results, coverage };
}

function report(output: Output, { results, coverage }: Run): void {
  if (output.json) {
    const document = {
      passed: results.every(isPassed),
      files: results.map(fileToJson),
      ...(coverage.length > 0 && { coverage }),
    };
    output.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  for (const each of coverage) output.write(`${coverageText(each)}\n`);
  if (results.length > 1 && results.every(isPassed)) output.write(`${sumText(results)}\n`);
}

function percentOf(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^(100|\d{1,2})$/.test(text)) return Number(text);
  throw usageError(`--coverage-min ${text}: a whole number from 0 to 100`);
}
