import { describe, expect, it } from '@jest/globals';
import { CoverageByModel, coverageText } from '../../../src/cli/store-file/coverage-report.js';
import { junitXml } from '../../../src/cli/store-file/junit.js';
import { fileText, fileToJson } from '../../../src/cli/store-file/report.js';
import { LIMITS } from '../../../src/cli/store-file/world.js';
import { QuerySettings } from '../../../src/config/query-settings.js';
import { MODEL, run } from './store-files.js';

const TUPLES = `tuples:
  - {user: user:anne, relation: owner, object: doc:1}
  - {user: user:bob, relation: owner, object: doc:1, condition: {name: late}}
  - {user: user:anne, relation: blocked, object: doc:1}
  - {user: "team:x#member", relation: viewer, object: doc:1}
  - {user: user:cat, relation: member, object: team:x}
  - {user: folder:f, relation: parent, object: doc:1}
  - {user: user:dan, relation: viewer, object: folder:f, expires_at: 2026-01-01T00:00:00Z}
`;

const textOf = async (tests: string, before = MODEL + TUPLES): Promise<readonly string[]> =>
  fileText(await run(`${before}tests:\n${tests}`), (_, text) => text).split('\n');

/** The text of one failing check. */
const failing = async (check: string): Promise<readonly string[]> =>
  (await textOf(`  - {name: t, check: [${check}]}`)).slice(4, -1).map((line) => line.slice(4));

describe('a failure says', () => {
  it('by which tuples an unwanted answer holds', async () => {
    expect(await failing('{user: user:cat, object: doc:1, assertions: {viewer: false}}')).toEqual([
      'user:cat viewer doc:1',
      'expected false, got true',
      '  user:cat viewer doc:1: allowed',
      '  ├─ doc:1#viewer@team:x#member',
      '  └─ team:x#member@user:cat',
    ]);
  });

  it('which branches refused', async () => {
    expect(await failing('{user: user:zoe, object: doc:1, assertions: {viewer: true}}')).toEqual([
      'user:zoe viewer doc:1',
      'expected true, got false',
      '  user:zoe viewer doc:1: denied',
      '  └─ doc:1#viewer: no way leads here',
      '     ├─ no team:x#member@user:zoe, nor team:x#member@team:…#member',
      '     ├─ no doc:1#viewer@user:zoe, nor doc:1#viewer@user:*, nor doc:1#viewer@team:…#member',
      '     ├─ no doc:1#owner@user:zoe',
      '     └─ no folder:f#viewer@user:zoe',
    ]);
  });

  it('who shuts out', async () => {
    expect(await failing('{user: user:anne, object: doc:1, assertions: {editor: true}}')).toEqual([
      'user:anne editor doc:1',
      'expected true, got false',
      '  user:anne editor doc:1: denied',
      '  └─ doc:1#editor: shut out by doc:1#blocked, because of',
      '     └─ doc:1#blocked@user:anne',
    ]);
  });

  it('which parameters a condition lacks, and what it was given', async () => {
    const check = '{user: user:bob, object: doc:1, assertions: {owner: true}}';
    expect(await failing(check)).toEqual([
      'user:bob owner doc:1',
      "expected true, got an error: failed to evaluate relationship condition: 'late' - " +
        "tuple 'doc:1#owner@user:bob' is missing context parameters '[hour]'",
      '  user:bob owner doc:1: denied',
      '  └─ late of doc:1#owner@user:bob lacks hour',
    ]);
    expect(await failing(check.replace('assertions', 'context: {hour: 3}, assertions'))).toEqual([
      'user:bob owner doc:1 given {"hour":3}',
      'expected true, got false',
      '  user:bob owner doc:1: denied',
      '  └─ late is false for doc:1#owner@user:bob',
    ]);
  });

  it('what has expired, and nothing has at an earlier instant', async () => {
    const check = 'check: [{user: user:dan, object: doc:1, assertions: {viewer: true}}]';
    const late = await textOf(`  - {name: t, ${check}}`);
    expect(late.at(-2)).toBe('         └─ folder:f#viewer@user:dan has expired');
    const early = await textOf(`  - {name: t, now: 2025-12-31T00:00:00Z, ${check}}`);
    expect(early).toEqual(['PASS a.fga.yaml  1 test, 1 assertion, 0 ms']);
  });

  it('what a list lacks and what it should not have', async () => {
    const objects = 'list_objects: [{user: user:cat, type: doc, assertions: {viewer: [doc:2]}}]';
    expect((await textOf(`  - {name: t, ${objects}}`)).slice(3, -1)).toEqual([
      '    a.fga.yaml:30:71',
      '    user:cat viewer which doc',
      '    missing: doc:2',
      '    unexpected: doc:1',
      '      user:cat viewer doc:2: denied',
      '      └─ doc:2#viewer: no way leads here',
      '         ├─ no doc:2#viewer@user:cat, nor doc:2#viewer@user:*, nor doc:2#viewer@team:…#member',
      '         ├─ no doc:2#owner@user:cat',
      '         └─ no doc:2#parent@folder:…',
      '      user:cat viewer doc:1: allowed',
      '      ├─ doc:1#viewer@team:x#member',
      '      └─ team:x#member@user:cat',
    ]);
    const users = `list_users: [{object: doc:1, user_filter: [{type: user}],
      context: {hour: 20}, assertions: {viewer: {users: [user:anne, user:bob]}}}]`;
    expect((await textOf(`  - {name: t, ${users}}`)).slice(4, 7)).toEqual([
      '    which user viewer doc:1 given {"hour":20}',
      '    unexpected: user:cat',
      '      user:cat viewer doc:1: allowed',
    ]);
  });

  it('which name the model does not have', async () => {
    expect(await failing('{user: user:bob, object: doc:1, assertions: {ownr: true}}')).toEqual([
      'user:bob ownr doc:1',
      "expected true, got an error: relation 'doc#ownr' not found; did you mean 'owner'?",
    ]);
  });
});

describe('a store file', () => {
  it('asks for every user with every object', async () => {
    const { tests } = await run(`${MODEL}${TUPLES}tests:
  - name: many
    tuples:
      - {user: user:anne, relation: owner, object: doc:2}
    check:
      - users: [user:anne, user:cat]
        objects: [doc:1, doc:2]
        assertions: {viewer: true}
    list_users:
      - object: doc:1
        user_filter: [{type: team, relation: member}, {type: folder}]
        assertions: {viewer: {users: ["team:x#member"]}, parent: {users: [folder:f]}}
    list_objects:
      - {user: user:zoe, type: doc, assertions: {viewer: }}
`);
    expect(
      tests.flatMap(({ failures }) => failures.map(({ assertion }) => assertion.question)),
    ).toMatchObject([{ subject: { id: 'cat' }, object: { id: '2' } }]);
    expect(tests[0]?.test.assertions).toHaveLength(7);
  });

  it('reads aliases', async () => {
    const { problems, tests } = await run(`${MODEL}tests:
  - name: one
    tuples: &own [{user: user:anne, relation: owner, object: doc:2}]
    check: [{user: user:anne, object: doc:2, assertions: &all {viewer: true, editor: true}}]
  - name: two
    tuples: *own
    check: [{user: user:anne, object: doc:2, assertions: *all}]
`);
    expect(problems).toEqual([]);
    expect(tests.map(({ failures }) => failures.length)).toEqual([0, 0]);
  });

  it('runs only the tests that are wanted', async () => {
    const text = `${MODEL}tests: [{name: one}, {name: two}]`;
    const { tests } = await run(text, { filter: 'tw' });
    expect(tests.map(({ test }) => test.name)).toEqual(['two']);
  });

  it('tells conditions the time, unless the context does', async () => {
    const model = MODEL.replace('late(hour: int)', 'late(current_time: timestamp)').replace(
      'hour > 18',
      'current_time > timestamp("2030-01-01T00:00:00Z")',
    );
    const { tests } = await run(`${model}${TUPLES}tests:
  - name: t
    now: 2031-01-01T00:00:00Z
    check:
      - {user: user:bob, object: doc:1, assertions: {owner: true}}
      - {user: user:bob, object: doc:1, assertions: {owner: false}, context: {current_time: 2029-01-01T00:00:00Z}}
`);
    expect(tests[0]?.failures).toEqual([]);
  });

  it.each([
    ['{}', "1:1: there is no 'model' and no 'model_file'"],
    ['', '1:1: the file is empty'],
    ['- 1', '1:1: a store file must have members'],
    ['name: [', '1:8: Flow sequence in block collection must'],
    ['MODELtest: []', "21:1: a store file has no member 'test'; did you mean 'tests'?"],
    ['MODELmodel_file: x.fga', '21:1: there is a model already'],
    ['MODELtests: [{}]', "21:9: a test has a 'name'"],
    ['MODELtests: [{name: a, check: {}}]', '21:19: check must be a list'],
    ['MODELtests: [{name: a, check: [{user: user:a}]}]', "21:27: 'object' is missing"],
    [
      'MODELtests: [{name: a, check: [{user: user:a, users: [], object: doc:1}]}]',
      "21:42: there is 'user' already: give one of them",
    ],
    [
      'MODELtests: [{name: a, check: [{user: user:a, object: doc:1, assertions: {viewer: yes}}]}]',
      '21:70: what a check answers must be true or false',
    ],
    [
      'MODELtests: [{name: a, check: [{user: anne, object: doc:1, assertions: {}}]}]',
      "21:28: user: 'anne' is not of the form 'type:id'",
    ],
    ['MODELtuples: [{user: user:a}]', '21:10: relation: value is required'],
    ['MODELnow: today', '21:1: now must be an RFC 3339 time'],
    ['model_file: none.fga', 'none.fga cannot be read: ENOENT'],
    ['MODELtuple_file: none.json', 'none.json cannot be read: ENOENT'],
    ['MODELattributes: {anne: {}}', "21:14: 'anne' is not of the form 'type:id'"],
  ])('that says %s is refused, with the place', async (text, problem) => {
    const { isUnreadable, problems } = await run(text.replace('MODEL', MODEL));
    expect(isUnreadable).toBe(true);
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  it('fails by a tuple that no server would store, with its place', async () => {
    const { isUnreadable, problems } = await run(`${MODEL}tuples:
  - {user: team:x, relation: owner, object: doc:1}
tests:
  - {name: t, tuples: [{user: user:a, relation: ownr, object: doc:1}]}`);
    expect(isUnreadable).toBe(false);
    expect(problems).toEqual([
      "a.fga.yaml:22:5: doc:1#owner@team:x: subject 'team:x' is not among the type restrictions of 'doc#owner'",
      "a.fga.yaml:24:24: doc:1#ownr@user:a: relation 'doc#ownr' not found",
    ]);
  });

  it('fails by a model that no server would take, with the line that it has in the file', async () => {
    const wrong = await run(MODEL.replace('[folder]', '[foldr]'));
    expect(wrong.problems.join()).toContain("type 'doc', relation 'parent' (line 10, column ");
    const malformed = await run(MODEL.replace('define blocked', 'defin blocked'));
    expect(malformed.problems.join()).toContain('line 11');
  });

  it('is held to the limits of a server that nobody configured', () => {
    const settings = new QuerySettings();
    expect(LIMITS).toEqual({
      maxDepth: settings.queryMaxDepth,
      maxSteps: settings.queryMaxSteps,
      maxMs: settings.queryTimeoutMs,
      maxConditionCost: settings.conditionMaxCost,
      maxTreeNodes: settings.expandMaxNodes,
    });
  });
});

describe('a service that acts for a user', () => {
  const text = (through: string): string => `model: |
  model
    schema 1.1
  type user
  type service
    relations
      define acting_for: [user]
  type scope
    relations
      define actor: [service]
      define through: [service] or actor
  type item
    relations
      define seller: [service]
      define reserver: [user] or acting_for from seller
tuples:
  - {user: service:orders, relation: seller, object: item:1}
  - {user: service:orders, relation: actor, object: scope:item.reserver}
  - {user: service:web, relation: through, object: scope:item.reserver}
tests:
  - name: t
    delegated_check:
      - user: user:anne
        actor: service:orders
        through: [${through}]
        object: item:1
        assertions: {reserver: true}
      - {user: user:anne, actor: service:web, object: item:1, assertions: {reserver: false}}
    check:
      - {user: user:anne, object: item:1, assertions: {reserver: false}}
`;

  it('may what its ceiling, the chain and the schema let it', async () => {
    const { problems, tests } = await run(text('service:web'));
    expect(problems).toEqual([]);
    expect(tests[0]?.failures).toEqual([]);
  });

  it('is told what is missing', async () => {
    const lines = fileText(await run(text('service:mail')), (_, line) => line).split('\n');
    expect(lines.slice(4, -1)).toEqual([
      '    service:orders for service:mail for user:anne reserver item:1',
      '    expected true, got false',
      '      service:orders for service:mail for user:anne reserver item:1: denied',
      '      └─ chain: there is no scope:item.reserver#through@service:mail',
    ]);
  });
});

describe('coverage', () => {
  const covered = async (tests: string): Promise<readonly string[]> => {
    const coverage = new CoverageByModel();
    await run(`${MODEL}${TUPLES}tests:\n  - {name: t, check: [${tests}]}`, {
      coverageOf: coverage.of,
    });
    return coverage.report().flatMap((each) => coverageText(each).split('\n'));
  };

  it('counts what let somebody in, all the way', async () => {
    expect(await covered('{user: user:cat, object: doc:1, assertions: {viewer: true}}')).toEqual([
      'coverage of a.fga.yaml: 7 %, 2 of 26 branches',
      '  team#member: 1 of 3 branches; never: [team#member] (line 7), refused to anybody (line 7)',
      '  doc#parent: never reached (line 10)',
      '  doc#blocked: never reached (line 11)',
      '  doc#owner: never reached (line 12)',
      '  doc#viewer: 1 of 6 branches; never: [user] (line 13), [user:*] (line 13), owner (line 13), ' +
        'viewer from parent (line 13), refused to anybody (line 13)',
      '  doc#editor: never reached (line 14)',
      '  folder#viewer: never reached (line 17)',
      '  late: never reached (line 18)',
    ]);
  });

  it('does not count an answer that was not expected', async () => {
    const [head] = await covered('{user: user:cat, object: doc:1, assertions: {viewer: false}}');
    expect(head).toBe('coverage of a.fga.yaml: 0 %, 0 of 26 branches');
  });

  it('counts what takes away only where somebody would be in', async () => {
    const branch = 'but not blocked (line 14)';
    const anne = await covered('{user: user:anne, object: doc:1, assertions: {editor: false}}');
    expect(anne.join()).not.toContain(branch);
    const zoe = await covered('{user: user:zoe, object: doc:1, assertions: {editor: false}}');
    expect(zoe.join()).toContain('never reached (line 11)');
  });

  it('counts an operand of `and` as lacking only where it alone is', async () => {
    const cat = await covered('{user: user:cat, object: doc:1, assertions: {editor: false}}');
    expect(cat.join()).not.toContain('only owner lacking');
    expect(cat.join()).toContain('only viewer lacking');
    const zoe = await covered('{user: user:zoe, object: doc:1, assertions: {editor: false}}');
    expect(zoe.join()).toContain('only owner lacking');
  });

  it('wants conditions to hold and not to', async () => {
    const check = (hour: number, is: boolean): string =>
      `{user: user:bob, object: doc:1, context: {hour: ${hour}}, assertions: {owner: ${String(is)}}}`;
    expect((await covered(check(20, true))).at(-1)).toBe(
      '  late: 1 of 2 branches; never: false (line 18)',
    );
    const both = await covered(`${check(20, true)}, ${check(3, false)}`);
    expect(both.join()).not.toContain('late:');
    expect(both.join()).not.toContain('[user with late]');
  });
});

describe('the reports', () => {
  it('are XML whatever is in a name', async () => {
    const name = '<&\\">\\u0000\\ufffe é';
    const result = await run(`${MODEL}tests:
  - {name: "${name}", check: [{user: user:a, object: doc:1, assertions: {owner: true}}]}
  - {name: fine}`);
    expect(junitXml([result])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="a.fga.yaml" tests="2" failures="1" errors="0" time="0.000">
    <testcase classname="a.fga.yaml" name="&lt;&amp;&quot;&gt;\ufffd\ufffd é" file="a.fga.yaml" line="22" time="0.000">
      <failure message="user:a owner doc:1">a.fga.yaml:22:86
user:a owner doc:1
expected true, got false
  user:a owner doc:1: denied
  └─ no doc:1#owner@user:a</failure>
    </testcase>
    <testcase classname="a.fga.yaml" name="fine" file="a.fga.yaml" line="23" time="0.000"/>
  </testsuite>
</testsuites>
`);
  });

  it('count a file that cannot be tested as an error', async () => {
    expect(junitXml([await run('{}')])).toContain('tests="1" failures="0" errors="1"');
  });

  it('have all of it as JSON', async () => {
    const result = await run(`${MODEL}tests:
  - {name: t, check: [{user: user:a, object: doc:1, context: {hour: 1}, assertions: {owner: true}}]}`);
    expect(fileToJson(result)).toEqual({
      file: 'a.fga.yaml',
      passed: false,
      problems: [],
      ms: 0,
      tests: [
        {
          name: 't',
          line: 22,
          passed: false,
          assertions: 1,
          failures: [
            {
              file: 'a.fga.yaml',
              line: 22,
              column: 86,
              question: 'user:a owner doc:1',
              context: { hour: 1 },
              expected: true,
              got: false,
              why: ['user:a owner doc:1: denied', '└─ no doc:1#owner@user:a'],
            },
          ],
        },
      ],
    });
  });
});
