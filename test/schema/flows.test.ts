import { describe, expect, it } from '@jest/globals';

import { modelFromDsl } from '../../src/schema/dsl.js';
import { flowsInto, flowsOf } from '../../src/schema/flows.js';
import { compilePlan } from '../../src/schema/plan.js';

const { model } = modelFromDsl(`model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define parent: [folder]
    define hidden: [user]
    define viewer: [user, group#member] but not hidden
    define view: viewer or view from parent
type document
  relations
    define parent: [folder]
    define owner: [user]
    define banned: [group#member]
    define pardoned: [user]
    define shut: banned but not pardoned
    define view: (owner and view from parent) but not shut
    define peek: [user, document#view]
`);
const plan = compilePlan(model);
const into = (type: string, relation: string): readonly string[] =>
  [...flowsInto(plan, type, relation)].sort();

function outOf(type: string, relation: string): readonly string[] {
  const found = plan.relation(type, relation);
  if (found === undefined) throw new Error(relation);
  return [...flowsOf(plan, found.expression).removed].sort();
}

describe('what flows into a set', () => {
  it('is the tuples written to it and to the groups that they may name', () => {
    expect(into('group', 'member')).toEqual(['group#member']);
    expect(into('document', 'banned')).toEqual(['document#banned', 'group#member']);
    expect(outOf('document', 'banned')).toEqual([]);
  });

  it('is what comes from parents and what makes them parents', () => {
    const folders = ['folder#parent', 'folder#viewer', 'group#member'];
    expect(into('folder', 'view')).toEqual(folders);
    expect(outOf('folder', 'view')).toEqual(['folder#hidden']);
  });

  it('is not what is subtracted, but what is subtracted from that', () => {
    expect(into('document', 'shut')).toEqual(['document#banned', 'group#member']);
    expect(outOf('document', 'shut')).toEqual(['document#pardoned']);
    const view = ['document#owner', 'document#pardoned', 'document#parent'];
    const folders = ['folder#parent', 'folder#viewer', 'group#member'];
    expect(into('document', 'view')).toEqual([...view, ...folders]);
    expect(outOf('document', 'view')).toEqual(['document#banned', 'folder#hidden', 'group#member']);
    expect(into('document', 'peek')).toEqual([
      ...['document#owner', 'document#pardoned', 'document#parent', 'document#peek'],
      ...folders,
    ]);
  });

  it('is nothing for a relation that is not in the model', () => {
    expect(into('document', 'unheard')).toEqual([]);
  });
});
