import { describe, expect, it } from '@jest/globals';
import type { Change } from '../../src/schema/change.js';
import { compareModels } from '../../src/schema/compare.js';
import { modelFromDsl } from '../../src/schema/dsl.js';

const modelOf = (relations: string, rest = '') =>
  modelFromDsl(`model
  schema 1.1
type user
type group
  relations
    define member: [user]
type doc
  relations
${relations
  .split('\n')
  .map((line) => `    define ${line.trim()}`)
  .join('\n')}
${rest}`).model;

/** `class kind place`, and what follows. */
const shown = ({ class: found, kind, place, effect, reaches }: Change): string => {
  const effects = `${effect.widens ? '+' : ''}${effect.narrows ? '-' : ''}`;
  const then = reaches.map(
    (each) => `${each.relation}${each.effect.widens ? '+' : ''}${each.effect.narrows ? '-' : ''}`,
  );
  const at = place.condition ?? place.relation ?? place.type ?? '';
  return [found, kind, at + effects, ...then].join(' ');
};

const changes = (before: string, after: string, rest?: [string, string]): readonly string[] =>
  compareModels(modelOf(before, rest?.[0]), modelOf(after, rest?.[1])).changes.map(shown);

describe('two models', () => {
  it.each([
    ['the order of operands', 'a: [user]\nb: [user]\nc: a or b', 'a: [user]\nb: [user]\nc: b or a'],
    ['a repetition', 'a: [user]\nc: [user] or a', 'a: [user]\nc: [user] or a or a'],
    [
      'parentheses',
      'a: [user]\nb: [user]\nc: [user] or (a or b)',
      'a: [user]\nb: [user]\nc: [user] or a or b',
    ],
    ['the order of subjects', 'a: [user, group#member]', 'a: [group#member, user]'],
  ])('mean the same whatever %s', (_what, before, after) => {
    expect(changes(before, after)).toEqual([]);
  });

  it.each([
    ['or', '[user]', '[user] or a', 'widening rule c+'],
    ['or', '[user] or a', '[user]', 'narrowing rule c-'],
    ['and', '[user] and a', '[user]', 'widening rule c+'],
    ['and', '[user] and a', '[user] and a and b', 'narrowing rule c-'],
    ['but not', '[user]', '[user] but not a', 'narrowing rule c-'],
    ['but not', '[user] but not a', '[user]', 'widening rule c+'],
    ['but not', '[user] but not a', '[user] but not (a or b)', 'narrowing rule c-'],
    ['but not', '[user] but not (a and b)', '[user] but not a', 'narrowing rule c-'],
    ['another', '[user] or a', '[user] or b', 'widening rule c+-'],
    ['inner', '[user] and (a or b)', '[user] and a', 'narrowing rule c-'],
  ])('differ by %s: %s → %s', (_what, before, after, expected) => {
    const others = 'a: [user]\nb: [user]\n';
    expect(changes(`${others}c: ${before}`, `${others}c: ${after}`)).toEqual([expected]);
  });

  it('break tuples of subjects that a relation takes no longer, and may widen by new ones', () => {
    expect(changes('a: [user, user:*]', 'a: [user, group#member]')).toEqual([
      'breaking subject_removed a-',
      'widening subject_added a+',
    ]);
  });

  it('tell where a change leads, and that it is the opposite behind but not', () => {
    const rest = 'viewer: [user]\nview: viewer but not banned';
    expect(changes(`banned: [user]\n${rest}`, `banned: [user, group#member]\n${rest}`)).toEqual([
      'widening subject_added banned+ view-',
    ]);
  });

  it('tell that types and relations are gone, and what they look like now', () => {
    const [change] = compareModels(modelOf('a: [user]'), modelOf('z: [user]')).changes;
    expect(change).toMatchObject({
      class: 'breaking',
      kind: 'relation_removed',
      message: "relation 'doc#a' is gone; it looks as if it were now 'z'",
      breaks: { type: 'doc', relation: 'a' },
    });
  });

  it('may differ either way by a condition that asks for something else', () => {
    const rest = (text: string): string => `condition open(x: int) {\n  ${text}\n}\n`;
    const relation = 'a: [user with open]\nb: a';
    expect(changes(relation, relation, [rest('x > 1'), rest('x > 2')])).toEqual([
      'widening condition_expression open+- a+- b+-',
    ]);
  });

  it('break stored contexts where a parameter is of another type', () => {
    const rest = (text: string): string => `condition open(x: ${text}) {\n  x == x\n}\n`;
    const relation = 'a: [user with open]';
    expect(changes(relation, relation, [rest('int'), rest('string')])).toEqual([
      'breaking condition_parameter open+- a+-',
    ]);
  });
});
