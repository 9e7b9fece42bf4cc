/** The comments above definitions, relations, permissions and caveats, put into the model's text. */
import { modelFromDsl } from '../../../schema/dsl.js';
import type { Catalogue } from './catalogue.js';
import type { Schema } from './syntax.js';

const TYPE = /^type (\S+)$/;
const RELATION = /^ {4}define (\S+):/;
const CONDITION = /^condition ([^(\s]+)\(/;

export function withComments(dsl: string, schema: Schema, catalogue: Catalogue): string {
  const comments = commentsOf(schema, catalogue);
  let type = '';
  let isExpression = false;
  const lines = dsl.split('\n').flatMap((line) => {
    if (isExpression) {
      isExpression = line !== '}';
      return [line];
    }
    const condition = CONDITION.exec(line)?.[1];
    const relation = RELATION.exec(line)?.[1];
    type = TYPE.exec(line)?.[1] ?? type;
    isExpression = condition !== undefined;
    if (relation !== undefined) return [...(comments.get(`${type}#${relation}`) ?? []), line];
    const name = condition === undefined ? TYPE.exec(line)?.[1] : `(${condition}`;
    return [...(comments.get(name ?? '') ?? []), line];
  });
  const text = lines.join('\n');
  // Comments are worth having, but not worth a text that cannot be read.
  return isReadable(text) ? text : dsl;
}

function commentsOf(schema: Schema, catalogue: Catalogue): ReadonlyMap<string, readonly string[]> {
  const comments = new Map<string, readonly string[]>();
  const add = (key: string, lines: readonly string[], indent: string): void => {
    comments.set(
      key,
      lines.map((line) => `${indent}# ${line.replace(/[^\P{C}\t]/gu, ' ')}`.trimEnd()),
    );
  };
  for (const { name, definition } of catalogue.types()) {
    add(name, definition.comments, '');
    for (const member of definition.members.values()) {
      const relation = catalogue.relationName(member.name.text);
      add(`${name}#${relation}`, member.comments, '    ');
    }
  }
  for (const caveat of schema.caveats) {
    const condition = catalogue.conditions.get(caveat.name.text);
    if (condition !== undefined) add(`(${condition.name}`, caveat.comments, '');
  }
  return comments;
}

function isReadable(text: string): boolean {
  try {
    modelFromDsl(text);
    return true;
  } catch {
    return false;
  }
}
