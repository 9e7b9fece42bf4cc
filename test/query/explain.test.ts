/** Proofs of checks in stores small enough to be read. Random ones: proof-worlds.test.ts. */
import { describe, expect, it } from '@jest/globals';

import { prove } from '../../src/query/explain.js';
import type { Proof } from '../../src/query/explain.js';
import { formatObject, formatTupleKey } from '../../src/tuple/tuple.js';
import { key, storeOf, tuple } from './small-store.js';
import type { At, SmallStore } from './small-store.js';

const SHELF = `
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
    define parent: [folder]
    define owner: [user]
    define editor: [user, group#member with office, user with office]
    define approver: [user]
    define banned: [user, group#member]
    define pardoned: [user]
    define shut: banned but not pardoned
    define edit: owner or editor
    define view: edit or view from parent
    define approve: approver and edit
    define read: view but not banned
    define peek: view but not shut
    define lend: view but not (banned or shut)
    define rent: view but not (banned or approver)
    define hold: view but not (banned and approver)
    define keep: view but not (banned but not pardoned)
    define look: view but not view from banner
    define banner: [folder]
condition office(hour: int) {
  hour > 8 && hour < 18
}
`;

const NOW = 1000;
const shelf = (...tuples: readonly string[]): SmallStore => storeOf(SHELF, tuples, NOW);

function proofIn(store: SmallStore, asked: string, at: At = {}): Proof {
  const proof = prove(store.scope(at), key(asked));
  if (proof === undefined) throw new Error(`${asked} is false`);
  return proof;
}

const tuplesOf = ({ tuples }: Proof): readonly string[] => tuples.map(formatTupleKey).sort();

const absencesOf = ({ absences }: Proof): readonly string[] =>
  absences.map(({ object, relation }) => `${formatObject(object)}#${relation}`).sort();

function rests(store: SmallStore, asked: string, ...on: readonly string[]): Proof {
  const proof = proofIn(store, asked);
  expect(tuplesOf(proof)).toEqual([...on].sort());
  return proof;
}

describe('a proof', () => {
  it('is not there where the check is false', () => {
    const store = shelf('document:1#owner@user:anne');
    expect(prove(store.scope(), key('document:1#view@user:bob'))).toBeUndefined();
    expect(prove(store.scope(), key('document:2#view@user:anne'))).toBeUndefined();
  });

  it('of a direct tuple is that tuple', () => {
    const store = shelf('document:1#owner@user:anne', 'document:1#owner@user:bob');
    const proof = rests(store, 'document:1#view@user:anne', 'document:1#owner@user:anne');
    expect(proof).toMatchObject({ expiresAt: undefined, absences: [] });
    expect(proof.brokenBy.added.size + proof.brokenBy.removed.size).toBe(0);
  });

  it('goes through parents, usersets and nested groups, over the fewest hops', () => {
    const way = [
      'document:1#parent@folder:a',
      'folder:a#parent@folder:b',
      'folder:b#viewer@group:x#member',
      'group:x#member@group:y#member',
      'group:y#member@user:anne',
    ];
    const detour = ['group:x#member@group:z#member', 'group:z#member@group:y#member'];
    rests(shelf(...detour, ...way), 'document:1#view@user:anne', ...way);
  });

  it('goes by the group that is nearest', () => {
    const store = shelf(
      'folder:a#viewer@group:far#member',
      'folder:a#viewer@group:near#member',
      'group:far#member@group:mid#member',
      'group:mid#member@user:anne',
      'group:near#member@user:anne',
    );
    const on = ['folder:a#viewer@group:near#member', 'group:near#member@user:anne'];
    rests(store, 'folder:a#view@user:anne', ...on);
  });

  it('rests on the wildcard that includes the subject, and on no other', () => {
    const store = shelf('folder:a#viewer@group:x#member', 'group:x#member@user:*');
    const on = ['folder:a#viewer@group:x#member', 'group:x#member@user:*'];
    rests(store, 'folder:a#view@user:anne', ...on);
    rests(store, 'folder:a#view@user:*', ...on);
    expect(prove(store.scope(), key('group:x#member@group:y#member'))).toBeUndefined();
  });

  it('of a userset ends in that userset, and of a set in itself needs no tuple', () => {
    const store = shelf('folder:a#viewer@group:x#member', 'group:x#member@group:y#member');
    const on = ['folder:a#viewer@group:x#member', 'group:x#member@group:y#member'];
    rests(store, 'folder:a#view@group:y#member', ...on);
    rests(store, 'folder:a#view@folder:a#viewer');
    rests(store, 'document:unheard#view@document:unheard#owner');
  });

  it('of an intersection holds each tuple once', () => {
    const store = shelf('document:1#approver@user:anne', 'document:1#owner@user:anne');
    const on = ['document:1#approver@user:anne', 'document:1#owner@user:anne'];
    rests(store, 'document:1#approve@user:anne', ...on);
  });

  it('does not go round in circles', () => {
    const store = shelf(
      'group:x#member@group:y#member',
      'group:y#member@group:x#member',
      'folder:a#parent@folder:b',
      'folder:b#parent@folder:a',
      'folder:b#viewer@group:x#member',
      'group:y#member@user:anne',
    );
    rests(
      store,
      'folder:a#view@user:anne',
      'folder:a#parent@folder:b',
      'folder:b#viewer@group:x#member',
      'group:x#member@group:y#member',
      'group:y#member@user:anne',
    );
    expect(prove(store.scope(), key('folder:a#view@user:bob'))).toBeUndefined();
  });

  it('throws when the check does, or when it has no steps left', () => {
    const store = shelf('document:1#editor@user:anne with office', 'group:x#member@user:anne');
    const ask = (asked: string, at: At) => () => prove(store.scope(at), key(asked));
    expect(ask('document:1#edit@user:anne', {})).toThrow('missing context parameters');
    const steps = { limits: { maxSteps: 3 } };
    expect(ask('group:x#member@user:anne', steps)).toThrow('more than 3 steps');
    const deep = { limits: { maxDepth: 1 } };
    const nested = shelf('group:x#member@group:y#member', 'group:y#member@user:anne');
    expect(() => prove(nested.scope(deep), key('group:x#member@user:anne'))).toThrow(
      'too many rewrite rules',
    );
  });
});

describe('conditions, expiries and contextual tuples', () => {
  it('goes by what holds, past what has expired, is false or cannot be told', () => {
    const store = shelf(
      'document:1#editor@user:anne with office',
      `document:1#owner@user:anne until ${NOW}`,
      'document:1#editor@group:x#member with office {"hour":9}',
      'document:1#editor@group:y#member with office {"hour":20}',
      'group:x#member@user:anne',
      'group:y#member@user:anne',
    );
    const on = ['document:1#editor@group:x#member', 'group:x#member@user:anne'];
    rests(store, 'document:1#edit@user:anne', ...on);
    const late = proofIn(store, 'document:1#edit@user:anne', { context: { hour: 12 } });
    expect(tuplesOf(late)).toEqual(['document:1#editor@user:anne']);
  });

  it('does not rest on a tuple that the model does not admit', () => {
    const on = ['document:1#parent@folder:a', 'folder:a#viewer@user:anne'];
    const stale = ['document:1#editor@group:x#member', 'group:x#member@user:anne'];
    const store = shelf(...stale, ...on);
    rests(store, 'document:1#view@user:anne', ...on);
  });

  it('goes by the nearest group also where conditions guard them', () => {
    const condition = 'with office {"hour":9}';
    for (const [near, far] of [['x', 'y'] as const, ['y', 'x'] as const]) {
      const store = shelf(
        `document:1#editor@group:${near}#member ${condition}`,
        `document:1#editor@group:${far}#member ${condition}`,
        `group:${far}#member@group:${near}#member`,
        `group:${near}#member@user:anne`,
      );
      const on = [`document:1#editor@group:${near}#member`, `group:${near}#member@user:anne`];
      rests(store, 'document:1#edit@user:anne', ...on);
    }
  });

  it('expires with the first of its tuples', () => {
    const store = shelf(
      'document:1#parent@folder:a until 5000',
      'folder:a#viewer@group:x#member until 3000',
      'group:x#member@user:anne until 4000',
      'document:1#owner@user:bob until 2000',
    );
    expect(proofIn(store, 'document:1#view@user:anne').expiresAt).toBe(3000);
    expect(proofIn(store, 'document:1#view@user:bob').expiresAt).toBe(2000);
  });

  it('leaves out contextual tuples, also those in the place of stored ones', () => {
    const store = shelf('folder:a#viewer@group:x#member', 'group:x#member@user:anne until 3000');
    const contextualTuples = [
      tuple('document:1#parent@folder:a'),
      tuple('group:x#member@user:anne'),
    ];
    const proof = proofIn(store, 'document:1#view@user:anne', { contextualTuples });
    expect(tuplesOf(proof)).toEqual(['folder:a#viewer@group:x#member']);
    expect(proof.expiresAt).toBeUndefined();
  });

  it('expires with a contextual tuple, too', () => {
    const store = shelf('folder:a#viewer@group:x#member');
    const contextualTuples = [tuple('group:x#member@user:anne until 3000')];
    const proof = proofIn(store, 'folder:a#view@user:anne', { contextualTuples });
    expect(proof.expiresAt).toBe(3000);
  });
});

describe('an absence', () => {
  const OWNER = 'document:1#owner@user:anne';

  it('is the set that is subtracted', () => {
    const proof = rests(shelf(OWNER), 'document:1#read@user:anne', OWNER);
    expect(absencesOf(proof)).toEqual(['document:1#banned']);
    expect([...proof.brokenBy.added].sort()).toEqual(['document#banned', 'group#member']);
    expect(proof.brokenBy.removed.size).toBe(0);
  });

  it('is not there where the model lets no such subject in', () => {
    const proof = rests(shelf(), 'document:1#read@document:1#owner');
    expect(absencesOf(proof)).toEqual([]);
    expect(proof.brokenBy.added.size).toBe(0);
  });

  it('of what keeps out by itself may be ended by a removal', () => {
    const on = [OWNER, 'document:1#banned@user:anne', 'document:1#pardoned@user:anne'];
    const proof = rests(shelf(...on), 'document:1#peek@user:anne', OWNER);
    expect(absencesOf(proof)).toEqual(['document:1#shut']);
    expect([...proof.brokenBy.removed]).toEqual(['document#pardoned']);
  });

  it('is each of a subtracted union, and one of a subtracted intersection', () => {
    const union = rests(shelf(OWNER), 'document:1#lend@user:anne', OWNER);
    expect(absencesOf(union)).toEqual(['document:1#banned', 'document:1#shut']);
    const { added } = proofIn(shelf(OWNER), 'document:1#rent@user:anne').brokenBy;
    expect([...added].sort()).toEqual(['document#approver', 'document#banned', 'group#member']);
    const store = shelf(OWNER, 'document:1#banned@user:anne');
    const intersection = rests(store, 'document:1#hold@user:anne', OWNER);
    expect(absencesOf(intersection)).toEqual(['document:1#approver']);
    expect([...intersection.brokenBy.added]).toEqual(['document#approver']);
  });

  it('is proved away where a subtracted exclusion lets the subject off', () => {
    const pardoned = 'document:1#pardoned@user:anne';
    const store = shelf(OWNER, 'document:1#banned@user:anne', pardoned);
    const proof = rests(store, 'document:1#keep@user:anne', OWNER, pardoned);
    expect(absencesOf(proof)).toEqual([]);
    const plain = rests(shelf(OWNER), 'document:1#keep@user:anne', OWNER);
    expect(absencesOf(plain)).toEqual(['document:1#banned']);
  });

  it('is of every parent that is there, and a new one may end it', () => {
    const store = shelf(OWNER, 'document:1#banner@folder:a', 'document:1#banner@folder:b');
    const proof = rests(store, 'document:1#look@user:anne', OWNER);
    expect(absencesOf(proof)).toEqual(['folder:a#view', 'folder:b#view']);
    expect(proof.brokenBy.added).toContain('document#banner');
    expect(proof.brokenBy.added).toContain('folder#viewer');
  });
});

/** `next` is a cycle through `but not` where it is one. */
const RINGS = `
type node
  relations
    define next: [node]
    define up: [node]
    define member: [user] but not blocked
    define blocked: member from next
    define trusted: [user, node#trusted, node#trusted with late] but not blocked
    define heir: [user, node#heir] and trusted
    define chief: heir or chief from up
condition late(hour: int) {
  hour > 20
}
`;

describe('where relations are not monotone', () => {
  it('takes the verdicts of the well-founded model', () => {
    const store = storeOf(RINGS, [
      ...[1, 2, 3].map((id) => `node:${id}#member@user:anne`),
      'node:1#next@node:2',
      'node:2#next@node:3',
    ]);
    const proof = rests(store, 'node:1#member@user:anne', 'node:1#member@user:anne');
    expect(absencesOf(proof)).toEqual(['node:1#blocked']);
    expect([...proof.brokenBy.removed].sort()).toEqual(['node#member', 'node#next']);
    expect(prove(store.scope(), key('node:2#member@user:anne'))).toBeUndefined();
  });

  it('derives nothing from itself', () => {
    const store = storeOf(RINGS, [
      'node:1#trusted@node:2#trusted',
      'node:2#trusted@node:1#trusted',
      'node:2#trusted@node:3#trusted',
      'node:3#trusted@user:anne',
      'node:1#heir@node:2#heir',
      'node:2#heir@node:1#heir',
      'node:2#heir@user:anne',
      'node:4#up@node:5',
      'node:5#up@node:4',
      'node:5#up@node:1',
    ]);
    const proof = rests(
      store,
      'node:4#chief@user:anne',
      'node:4#up@node:5',
      'node:5#up@node:1',
      'node:1#heir@node:2#heir',
      'node:2#heir@user:anne',
      'node:1#trusted@node:2#trusted',
      'node:2#trusted@node:3#trusted',
      'node:3#trusted@user:anne',
    );
    expect(absencesOf(proof)).toEqual(['node:1#blocked', 'node:2#blocked', 'node:3#blocked']);
  });

  it('passes over what cannot be told, though it is nearer', () => {
    const way = [
      'node:1#trusted@node:3#trusted',
      'node:3#trusted@node:4#trusted',
      'node:4#trusted@user:anne',
    ];
    const doubt = ['node:1#trusted@node:2#trusted with late', 'node:2#trusted@user:anne'];
    rests(storeOf(RINGS, [...doubt, ...way]), 'node:1#trusted@user:anne', ...way);
  });

  it('finds its way where a failing condition stops the walk over groups', () => {
    const store = storeOf(
      `
type group
  relations
    define member: [user, group#member, group#member with never]
type document
  relations
    define viewer: [group#member]
condition never(x: string) {
  x == "never"
}
`,
      [
        'group:a#member@user:anne',
        'group:b#member@group:a#member with never',
        'group:c#member@group:a#member',
        'group:d#member@group:c#member',
        'document:1#viewer@group:b#member',
        'document:1#viewer@group:d#member',
      ],
    );
    rests(
      store,
      'document:1#viewer@user:anne',
      'document:1#viewer@group:d#member',
      'group:d#member@group:c#member',
      'group:c#member@group:a#member',
      'group:a#member@user:anne',
    );
  });
});
