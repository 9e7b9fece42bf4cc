/** Why checks are not true, in stores small enough to be read. Random ones: denial-worlds.test.ts. */
import { describe, expect, it } from '@jest/globals';

import { explainDenial } from '../../src/query/denial.js';
import type { Denial, Explanation } from '../../src/query/denial.js';
import { reasonOf } from '../../src/query/reason.js';
import { formatObject, formatTupleKey } from '../../src/tuple/tuple.js';
import { key, storeOf } from './small-store.js';
import type { At, SmallStore } from './small-store.js';

const SHELF = `
type service
type group
  relations
    define member: [user, user:*, group#member]
type folder
  relations
    define parent: [folder]
    define viewer: [user, group#member]
    define view: viewer or view from parent
type document
  relations
    define parent: [folder, folder with office]
    define owner: [user]
    define editor: [user with office, group#member with office]
    define approver: [user, service]
    define banned: [user]
    define edit: owner or editor
    define view: edit or view from parent
    define approve: approver and edit
    define read: view but not banned
    define twice: approver and (view but not banned)
condition office(hour: int, day: string) {
  hour > 8 && hour < 18 && day != "sunday"
}
`;

const NOW = 1000;
const shelf = (...tuples: readonly string[]): SmallStore => storeOf(SHELF, tuples, NOW);

function explained(store: SmallStore, asked: string, at: At = {}): Explanation {
  const explanation = explainDenial(store.scope(at), key(asked));
  if (explanation === undefined) throw new Error(`${asked} is true`);
  return explanation;
}

/** The tree as lines, so that a test shows what a person would see. */
function drawn(denial: Denial, indent = ''): readonly string[] {
  const { set } = denial;
  const head = `${indent}${formatObject(set.object)}#${set.relation} ${denial.because}`;
  switch (denial.because) {
    case 'all_ways_fail':
    case 'one_operand_fails': {
      const more = denial.more > 0 ? [`${indent}  … ${denial.more}`] : [];
      return [head, ...denial.ways.flatMap((way) => drawn(way, `${indent}  `)), ...more];
    }
    case 'no_tuple':
      return [`${head}: ${denial.absent.join(', ')}`];
    case 'condition_false':
      return [`${head}: ${denial.condition} of ${denial.tuple}`];
    case 'missing_parameters':
      return [`${head}: ${denial.parameters.join(', ')} of ${denial.condition}, ${denial.tuple}`];
    case 'condition_error':
      return [`${head}: ${denial.message}`];
    case 'excluded': {
      const from = denial.from && `${formatObject(denial.from.object)}#${denial.from.relation}`;
      return [`${head}: ${from ?? '-'} by ${denial.proof.tuples.map(formatTupleKey).join(', ')}`];
    }
    case 'no_way_in_model':
      return [`${head}: ${denial.subject}`];
    case 'expired':
    case 'not_admitted':
      return [`${head}: ${denial.tuple}`];
    case 'cycle':
    case 'own_negation':
    case 'too_deep':
    case 'not_shown':
      return [head];
  }
}

const tree = (store: SmallStore, asked: string, at?: At): readonly string[] =>
  drawn(explained(store, asked, at).denial);

describe('a denial', () => {
  it('is not there where the check is true', () => {
    const store = shelf('document:1#owner@user:anne');
    expect(explainDenial(store.scope(), key('document:1#view@user:anne'))).toBeUndefined();
    expect(reasonOf(store.scope(), key('document:1#view@user:anne'))).toBeUndefined();
  });

  it('names the tuples that would do, and follows those that are there', () => {
    const store = shelf('folder:a#viewer@group:x#member', 'document:1#parent@folder:a');
    expect(tree(store, 'document:1#view@user:anne')).toEqual([
      'document:1#view all_ways_fail',
      '  document:1#edit all_ways_fail',
      '    document:1#owner no_tuple: document:1#owner@user:anne',
      '    document:1#editor no_tuple: ' +
        'document:1#editor@user:anne with office, document:1#editor@group:…#member with office',
      '  folder:a#view all_ways_fail',
      '    folder:a#viewer all_ways_fail',
      '      group:x#member no_tuple: ' +
        'group:x#member@user:anne, group:x#member@user:*, group:x#member@group:…#member',
      '      folder:a#viewer no_tuple: folder:a#viewer@user:anne, folder:a#viewer@group:…#member',
      '    folder:a#view no_tuple: folder:a#parent@folder:…',
    ]);
  });

  it('names the very userset that is asked about', () => {
    expect(tree(shelf(), 'folder:a#viewer@group:x#member')).toEqual([
      'folder:a#viewer no_tuple: folder:a#viewer@group:x#member',
    ]);
  });

  it('tells where no tuple could help', () => {
    expect(tree(shelf(), 'document:1#view@service:orders')).toEqual([
      'document:1#view no_way_in_model: service:orders',
    ]);
    expect(tree(shelf(), 'document:1#approve@service:orders')).toEqual([
      'document:1#approve one_operand_fails',
      '  document:1#approver no_tuple: document:1#approver@service:orders',
      '  document:1#edit no_way_in_model: service:orders',
    ]);
  });

  it('shows of an intersection the operands that fail', () => {
    const store = shelf('document:1#owner@user:anne');
    expect(tree(store, 'document:1#approve@user:anne')).toEqual([
      'document:1#approver no_tuple: document:1#approver@user:anne',
    ]);
  });

  it('says what the subject is excluded from, and why', () => {
    const store = shelf('document:1#owner@user:anne', 'document:1#banned@user:anne');
    const excluded = 'excluded: document:1#banned by document:1#banned@user:anne';
    expect(tree(store, 'document:1#read@user:anne')).toEqual([`document:1#read ${excluded}`]);
    expect(tree(store, 'document:1#twice@user:anne')).toEqual([
      'document:1#twice one_operand_fails',
      '  document:1#approver no_tuple: document:1#approver@user:anne',
      `  document:1#twice ${excluded}`,
    ]);
    expect(explained(store, 'document:1#read@user:anne').reason).toBe('no_path');
  });

  it('tells of tuples that are over, or that the model does not admit', () => {
    const store = shelf(
      `document:1#owner@user:anne until ${NOW}`,
      'document:1#editor@user:anne',
      'document:1#parent@folder:a until 1',
      'document:1#parent@folder:b until 1',
      'folder:a#viewer@user:anne',
    );
    expect(tree(store, 'document:1#view@user:anne')).toEqual([
      'document:1#view all_ways_fail',
      '  document:1#edit all_ways_fail',
      '    document:1#owner expired: document:1#owner@user:anne',
      '    document:1#editor all_ways_fail',
      '      document:1#editor not_admitted: document:1#editor@user:anne',
      '      document:1#editor no_tuple: document:1#editor@group:…#member with office',
      '  document:1#view expired: document:1#parent@folder:a',
    ]);
    expect(explained(store, 'document:1#view@user:anne').reason).toBe('no_path');
  });

  it('ends where a set leads back to itself, and where it gets too long', () => {
    const ring = shelf('folder:a#parent@folder:b', 'folder:b#parent@folder:a');
    expect(tree(ring, 'folder:a#view@user:anne').at(-1)).toBe('    folder:a#view cycle');
    const parents = Array.from({ length: 15 }, (_, n) => `folder:a#parent@folder:p${n}`);
    const wide = tree(shelf(...parents), 'folder:a#view@user:anne');
    expect(wide.filter((line) => line.startsWith('  folder:p'))).toHaveLength(9);
    expect(wide.at(-1)).toBe('  … 6');
    const chain = Array.from({ length: 30 }, (_, n) => `folder:${n}#parent@folder:${n + 1}`);
    const deep = tree(shelf(...chain), 'folder:0#view@user:anne');
    expect(deep.at(-1)).toMatch(/folder:\d+#view not_shown$/);
    const bush = Array.from({ length: 10 }, (_, n) => n).flatMap((n) => [
      `folder:a#parent@folder:${n}`,
      ...parents.map((_, m) => `folder:${n}#parent@folder:${n}-${m}`),
      ...parents.map((_, m) => `folder:${n}-1#parent@folder:${n}-1-${m}`),
    ]);
    const bushy = tree(shelf(...bush), 'folder:a#view@user:anne');
    expect(bushy.some((line) => line.endsWith('not_shown'))).toBe(true);
    expect(bushy.length).toBeLessThan(500);
  });

  it('tells of a set that hangs on its own negation', () => {
    const types = `
type node
  relations
    define next: [node]
    define member: [user] but not blocked
    define blocked: member from next
`;
    const store = storeOf(types, ['node:1#member@user:anne', 'node:1#next@node:1']);
    expect(tree(store, 'node:1#member@user:anne')).toEqual(['node:1#member own_negation']);
    expect(explained(store, 'node:1#member@user:anne').reason).toBe('no_path');
  });

  it('throws what the check throws, but for parameters', () => {
    const chain = Array.from({ length: 9 }, (_, n) => `group:${n}#member@group:${n + 1}#member`);
    const store = shelf(...chain, 'group:9#member@user:anne');
    const scope = store.scope({ limits: { maxDepth: 5 } });
    expect(() => explainDenial(scope, key('group:0#member@user:anne'))).toThrow(
      'too many rewrite rules',
    );
  });
});

describe('the reason', () => {
  const BUSY = 'document:1#editor@user:anne with office {"day":"monday"}';

  it('is a false condition where it alone stands in the way', () => {
    const night = { context: { hour: 23 } };
    const explanation = explained(shelf(BUSY), 'document:1#view@user:anne', night);
    expect(explanation).toMatchObject({ reason: 'condition_false', parameters: [] });
    expect(drawn(explanation.denial)).toContain(
      '      document:1#editor condition_false: office of document:1#editor@user:anne',
    );
    expect(explained(shelf(BUSY), 'document:1#approve@user:anne', night).reason).toBe('no_path');
    const both = shelf(BUSY, 'document:1#approver@user:anne');
    expect(explained(both, 'document:1#approve@user:anne', night).reason).toBe('condition_false');
  });

  it('is a false condition also on the way to a parent or to a group', () => {
    const store = shelf(
      'document:1#parent@folder:a with office {"day":"sunday"}',
      'document:1#parent@folder:b with office {"day":"sunday"}',
      'folder:b#viewer@user:anne',
    );
    const explanation = explained(store, 'document:1#view@user:anne', { context: { hour: 10 } });
    expect(explanation.reason).toBe('condition_false');
    expect(drawn(explanation.denial).at(-1)).toBe(
      '  document:1#view condition_false: office of document:1#parent@folder:b',
    );
  });

  it('is the parameters that are missing, by name', () => {
    const store = shelf(
      'document:1#editor@user:anne with office {"day":"monday"}',
      'document:1#editor@group:x#member with office {"hour":10}',
      'group:x#member@user:anne',
    );
    const explanation = explained(store, 'document:1#edit@user:anne');
    expect(explanation.reason).toBe('missing_parameters');
    expect([...explanation.parameters].sort()).toEqual(['day', 'hour']);
    expect(drawn(explanation.denial)).toContain(
      '    document:1#editor missing_parameters: hour of office, document:1#editor@user:anne',
    );
    const short = reasonOf(store.scope(), key('document:1#edit@user:anne'));
    expect(short?.reason).toBe('missing_parameters');
    expect(short?.parameters).toHaveLength(1);
  });

  it('is no path where a condition lacks parameters but decides nothing', () => {
    const store = shelf('document:1#editor@group:x#member with office');
    const explanation = explained(store, 'document:1#edit@user:anne');
    expect(explanation).toMatchObject({ reason: 'no_path', parameters: [] });
  });
});
