/** JUnit's XML, which every CI reads: a suite for each store file, a case for each test. */
import { failureLines } from './report.js';
import type { FileResult, TestResult } from './run.js';

export function junitXml(results: readonly FileResult[]): string {
  const suites = results.map(suiteXml);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteXml({ path, problems, tests, ms }: FileResult): string {
  const failures = tests.filter((each) => each.failures.length > 0).length;
  const errors = problems.length > 0 ? 1 : 0;
  const head = attributes({
    name: path,
    tests: tests.length + errors,
    failures,
    errors,
    ...time(ms),
  });
  return [
    `  <testsuite ${head}>`,
    ...(errors === 0 ? [] : [problemsXml(path, problems)]),
    ...tests.map((test) => testXml(path, test)),
    '  </testsuite>',
  ].join('\n');
}

const problemsXml = (path: string, problems: readonly string[]): string =>
  caseXml(attributes({ classname: path, name: path }), 'error', problems);

function testXml(path: string, { test, failures, ms }: TestResult): string {
  const head = attributes({
    ...{ classname: path, name: test.name, file: test.place.file, line: test.place.line },
    ...time(ms),
  });
  if (failures.length === 0) return `    <testcase ${head}/>`;
  const lines = failures.flatMap((failure) => [...failureLines(failure), '']).slice(0, -1);
  return caseXml(head, 'failure', lines);
}

const caseXml = (head: string, kind: 'failure' | 'error', lines: readonly string[]): string =>
  [
    `    <testcase ${head}>`,
    `      <${kind} message="${escaped(lines[1] ?? lines[0] ?? '')}">${escaped(lines.join('\n'))}</${kind}>`,
    '    </testcase>',
  ].join('\n');

const time = (ms: number): { readonly time: string } => ({ time: (ms / 1000).toFixed(3) });

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(' ');

/** What XML 1.0 has no way to write, not even as a reference. */
const UNWRITABLE =
  // eslint-disable-next-line no-control-regex -- control characters are among them
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udfff]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const escaped = (text: string): string =>
  text.replace(UNWRITABLE, '\ufffd').replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
