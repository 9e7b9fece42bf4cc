import { LineCounter, isNode, isSeq, parseDocument } from 'yaml';
import { foundAt } from './tuple-read.js';
import type { TupleRead } from './tuple-read.js';

/** Aliases are no way to write a tuple twice, but one to make a small file large. */
const ALIASES_MAX = 0;

export function* yamlTuples(text: string): Generator<TupleRead, void, undefined> {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    schema: 'core',
    uniqueKeys: true,
    stringKeys: true,
    lineCounter,
    logLevel: 'error',
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const [reason = ''] = problem.message.split('\n');
    yield {
      line: lineCounter.linePos(problem.pos[0]).line,
      problem: `malformed YAML: ${reason.replace(/ at line .*$/, '')}`,
    };
    return;
  }
  if (!isSeq(document.contents)) {
    yield { line: 1, problem: 'must be a list of tuples' };
    return;
  }
  for (const item of document.contents.items) {
    if (!isNode(item)) continue;
    const { line } = lineCounter.linePos(item.range[0]);
    let value: unknown;
    try {
      value = item.toJS(document, { maxAliasCount: ALIASES_MAX });
    } catch {
      yield { line, problem: 'an alias cannot stand in a tuple' };
      continue;
    }
    yield foundAt(line, value);
  }
}
