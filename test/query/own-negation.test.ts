/** Sets that hang on their own negation, or seem to, in worlds small enough to be read. */
import { describe, expect, it } from '@jest/globals';

import { modelFromDsl } from '../../src/schema/dsl.js';
import { parseSubject, parseTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple, Subject, TupleKey } from '../../src/tuple/tuple.js';
import { makeEngine } from '../reference/pemba-engine.js';
import type { Engine } from '../reference/engine.js';

function key(text: string): TupleKey {
  const parsed = parseTupleKey(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function subject(text: string): Subject {
  const parsed = parseSubject(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

/** `object#relation@subject`, with the name of a condition after a blank. */
function tuple(text: string): RelationTuple {
  const [plain = '', condition] = text.split(' ');
  return condition === undefined
    ? key(plain)
    : { ...key(plain), condition: { name: condition, context: {} } };
}

function engineOf(types: string, tuples: readonly string[]): Engine {
  const { model } = modelFromDsl(`model\n  schema 1.1\ntype user\n${types}`);
  const engine = makeEngine({ model, now: 0 });
  engine.apply(tuples.map((text) => ({ operation: 'write', tuple: tuple(text) })));
  return engine;
}

const AT = { context: {}, contextualTuples: [] };

function answer(engine: Engine, text: string): string {
  const verdict = engine.check({ ...key(text), ...AT });
  return verdict.kind === 'error' ? verdict.code : verdict.kind;
}

const FOLDERS = `
type document
  relations
    define editor: [user, folder#editor, folder#parent]
    define viewer: [user:*, document, folder#editor, folder#home] but not editor
type folder
  relations
    define home: [user]
    define parent: [document]
    define editor: [document, document:*, folder#owner] but not viewer from parent
    define owner: editor from parent
`;

const FOLDER_TUPLES = [
  'document:2#editor@folder:2#parent',
  'document:4#editor@folder:4#editor',
  'folder:4#parent@document:2',
  'document:2#viewer@folder:3#editor',
  'folder:1#parent@document:2',
  'folder:3#editor@document:*',
  'folder:4#editor@folder:1#owner',
  'folder:3#parent@document:4',
  'folder:2#parent@document:1',
  'document:4#viewer@folder:3#editor',
  'folder:1#editor@document:*',
];

/** `m1` needs itself through `n`, so it is empty, whatever `l` is. */
const NEEDLESS = `
type node
  relations
    define self: [node]
    define everyone: [user]
    define l: everyone but not m1
    define m1: m2 and n
    define m2: n or l from self
    define n: m1 from self
`;

const BLOCKS = `
type node
  relations
    define next: [node]
    define member: [user, user with late] but not blocked
    define blocked: member from next
condition late(hour: int) {
  hour > 20
}
`;

describe('a set on a cycle through `but not`', () => {
  it('is true where another operand of the cycle had only seemed to depend on it', () => {
    const list = engineOf(FOLDERS, FOLDER_TUPLES).listObjects({
      type: 'folder',
      relation: 'editor',
      subject: subject('document:1'),
      ...AT,
    });
    expect(list).toHaveProperty('objects');
    expect('objects' in list && [...list.objects].sort()).toEqual([
      'folder:1',
      'folder:3',
      'folder:4',
    ]);
  });

  it('is true where what it negates needs itself, and names the set besides', () => {
    const engine = engineOf(NEEDLESS, ['node:1#self@node:1', 'node:1#everyone@user:anne']);
    expect(answer(engine, 'node:1#m1@user:anne')).toBe('false');
    expect(answer(engine, 'node:1#l@user:anne')).toBe('true');
  });

  it('is decided by turns along a chain, and not at all around a ring', () => {
    const members = [1, 2, 3].map((id) => `node:${id}#member@user:anne`);
    const chain = ['node:1#next@node:2', 'node:2#next@node:3'];
    const all = [1, 2, 3].map((id) => `node:${id}#member@user:anne`);
    const inChain = engineOf(BLOCKS, [...members, ...chain]);
    expect(all.map((each) => answer(inChain, each))).toEqual(['true', 'false', 'true']);
    const inRing = engineOf(BLOCKS, [...members, ...chain, 'node:3#next@node:1']);
    expect(all.map((each) => answer(inRing, each))).toEqual(['false', 'false', 'false']);
  });

  it('fails where a condition of the cycle cannot be evaluated', () => {
    const engine = engineOf(BLOCKS, [
      'node:1#member@user:anne late',
      'node:2#member@user:anne',
      'node:1#next@node:2',
      'node:2#next@node:1',
    ]);
    expect(answer(engine, 'node:1#member@user:anne')).toBe('condition_failed');
    expect(answer(engine, 'node:2#member@user:anne')).toBe('condition_failed');
  });
});
