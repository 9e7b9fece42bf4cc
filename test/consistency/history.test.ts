import { describe, expect, it } from '@jest/globals';
import { History } from './history.js';
import type { Reading } from './history.js';

const LEFT = 'slot:1-left#holder@user:it';
const RIGHT = 'slot:1-right#holder@user:it';
const DIRECT = 'document:1#granted@user:anne';
const VIEWER = 'document:1#viewer@user:anne';

/** Revision 1: left. 2: anne is granted. 3: right instead of left. */
function history(...readings: readonly Partial<Reading>[]): History {
  const made = new History();
  made.addWritten({ revision: 3, deletes: [LEFT], writes: [RIGHT] });
  made.addWritten({ revision: 1, deletes: [], writes: [LEFT] });
  made.addWritten({ revision: 2, deletes: [], writes: [DIRECT] });
  for (const reading of readings) made.readings.push({ ...READING, ...reading });
  return made;
}

const READING: Reading = {
  endpoint: 'check',
  freshness: 'token',
  owed: 0,
  acknowledged: 3,
  revision: 3,
  saw: new Map(),
};

const kindsIn = (made: History): readonly string[] => made.violations().map(({ kind }) => kind);
const seen = (...facts: readonly [string, boolean][]): Pick<Reading, 'saw'> => ({
  saw: new Map(facts),
});

describe('a history', () => {
  it('is right when every answer is what its revision says', () => {
    const made = history(
      { revision: 0, ...seen([VIEWER, false]) },
      { revision: 1, ...seen([VIEWER, false], [LEFT, true], [RIGHT, false]) },
      { revision: 2, owed: 2, ...seen([VIEWER, true], [LEFT, true], [RIGHT, false]) },
      { revision: 3, owed: 1, ...seen([VIEWER, true], [LEFT, false], [RIGHT, true]) },
    );
    expect(made.acknowledged).toBe(3);
    expect(made.violations()).toEqual([]);
  });

  it('counts the members of a group as viewers', () => {
    const made = history();
    made.addWritten({ revision: 4, deletes: [], writes: ['document:2#granted@group:bo#member'] });
    made.addWritten({ revision: 5, deletes: [], writes: ['group:bo#member@user:bo'] });
    const fact = 'document:2#viewer@user:bo';
    made.readings.push({ ...READING, revision: 4, ...seen([fact, false]) });
    made.readings.push({ ...READING, revision: 5, ...seen([fact, true]) });
    expect(made.violations()).toEqual([]);
  });

  it.each([
    ['an answer older than it may be', { revision: 2, owed: 3 }, 'stale'],
    ['an answer of an earlier revision', seen([LEFT, true]), 'wrong'],
    ['an answer of a later revision', { revision: 1, ...seen([VIEWER, true]) }, 'wrong'],
  ])('tells of %s', (_name, reading, kind) => {
    expect(kindsIn(history(reading))).toEqual([kind]);
  });

  it.each([true, false])('tells of rivals that are both %s', (value) => {
    const made = history(seen([LEFT, value], [RIGHT, value]));
    expect([...kindsIn(made)].sort()).toEqual(['torn', 'wrong']);
  });

  it.each([
    ['a revision that stands twice', { revision: 3, deletes: [], writes: ['a'] }],
    ['a revision that is missing', { revision: 5, deletes: [], writes: ['a'] }],
    ['a tuple that was written twice', { revision: 4, deletes: [], writes: [DIRECT] }],
    ['a tuple that was deleted twice', { revision: 4, deletes: [LEFT], writes: [] }],
  ])('tells of %s', (_name, written) => {
    const made = history();
    made.addWritten(written);
    expect(kindsIn(made)).toEqual(['log']);
  });
});
