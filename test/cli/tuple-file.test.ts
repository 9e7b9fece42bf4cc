import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { tupleToWire } from '../../src/api/openfga/wire.js';
import { readTupleFile, readTuples } from '../../src/cli/tuple/tuple-file.js';
import type { TupleFormat, TupleRead } from '../../src/cli/tuple/tuple-file.js';
import { formatSubject, formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';

async function* pieces(text: string, length = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) {
    yield Promise.resolve(bytes.subarray(at, at + length));
  }
}

async function read(text: string, format: TupleFormat, length?: number): Promise<TupleRead[]> {
  const found: TupleRead[] = [];
  for await (const each of readTuples(pieces(text, length), format)) found.push(each);
  return found;
}

/** `LINE object#relation@user`, or `LINE problem`. */
const told = (found: readonly TupleRead[]): readonly string[] =>
  found.map((each) =>
    'problem' in each
      ? `${each.line} ${each.problem}`
      : `${each.line} ${formatTupleKey(each.tuple)}`,
  );

const CSV_HEAD = 'user_type,user_id,user_relation,relation,object_type,object_id';
const A = '{"user":"user:anne","relation":"viewer","object":"doc:1"}';
const B = '{"user":"team:x#member","relation":"viewer","object":"doc:2"}';

describe('a file of tuples', () => {
  it('has a tuple on each line', async () => {
    expect(told(await read(`${A}\n\n  \n${B}\n`, 'jsonl'))).toEqual([
      '1 doc:1#viewer@user:anne',
      '4 doc:2#viewer@team:x#member',
    ]);
  });

  it('goes on after a line that is no tuple', async () => {
    const long = `{"user":"${'x'.repeat(200_000)}"}`;
    expect(told(await read(`{\n${long}\n[]\n${A}`, 'jsonl', 4096))).toEqual([
      expect.stringMatching(/^1 malformed JSON: /),
      '2 the line is longer than 131072 characters',
      '3 a tuple has the members user, relation and object',
      '4 doc:1#viewer@user:anne',
    ]);
  });

  it('has a list in JSON, items beginning anywhere', async () => {
    const text = `[${A},\n\n  ${B.replace(',', ',\n')}\n, ${A}, {"a": [1, "]\\"\\n"]},\n7 ]`;
    expect(told(await read(text, 'json'))).toEqual([
      '1 doc:1#viewer@user:anne',
      '3 doc:2#viewer@team:x#member',
      '5 doc:1#viewer@user:anne',
      "5 user: value is required; there is 'a', but no 'user'",
      '6 a tuple has the members user, relation and object',
    ]);
  });

  it('has a list in YAML', async () => {
    const text = `# people\n- user: user:anne\n  relation: viewer\n  object: doc:1\n\n- ${B}\n- 7\n`;
    expect(told(await read(text, 'yaml'))).toEqual([
      '2 doc:1#viewer@user:anne',
      '6 doc:2#viewer@team:x#member',
      '7 a tuple has the members user, relation and object',
    ]);
  });

  it.each<[TupleFormat, string, string]>([
    ['json', '{}', '1 must be a list of tuples'],
    ['yaml', 'user: user:anne', '1 must be a list of tuples'],
    ['yaml', '- &a {user: 1}\n- *a\n', '2 an alias cannot stand in a tuple'],
    ['yaml', '- {user: a, user: b}', '1 malformed YAML: Map keys must be unique'],
    ['yaml', `- {user: a}\n- !!js x`, '2 malformed YAML: Unresolved tag: tag:yaml.org,2002:js'],
    ['csv', '', '1 there are no columns'],
    ['csv', 'user_type,user_id', "1 the column 'relation' is missing"],
    [
      'csv',
      `${CSV_HEAD},object_idd`,
      "1 there is no column 'object_idd'; did you mean 'object_id'?",
    ],
    ['csv', `${CSV_HEAD},relation`, '1 a column is named twice'],
    ['csv', `${CSV_HEAD},condition_context`, "1 the column 'condition_name' is missing"],
    ['csv', `${CSV_HEAD}\nuser,anne,,viewer,doc`, '2 has 5 columns, where the first line names 6'],
    ['csv', `${CSV_HEAD}\nuser,"anne,,viewer,doc,1\n`, '2 malformed CSV: '],
    ['csv', `${CSV_HEAD}\n\nuser,,,viewer,doc,1\n`, '3 user_id: value is required'],
  ])('in %s: %j is refused', async (format, text, problem) => {
    const found = told(await read(text, format));
    expect(found.some((each) => each.startsWith(problem))).toBe(true);
  });

  it('has columns in CSV, in any order', async () => {
    const text =
      '\ufeffrelation,object_type,object_id,user_type,user_id,user_relation,condition_name,condition_context,expires_at\r\n' +
      'viewer,doc,1,user,anne,,,,\r\n' +
      'viewer,doc,1,team,"x",member,late,"{""hour"":\n 3}",\r\n' +
      'viewer,doc,2,user,*,,,,2030-01-31T12:00:00Z\r\n' +
      'viewer,doc,2,user,*,,late,{,\r\n';
    const found = await read(text, 'csv');
    expect(told(found)).toEqual([
      '2 doc:1#viewer@user:anne',
      '3 doc:1#viewer@team:x#member',
      '5 doc:2#viewer@user:*',
      '6 condition_context: is not JSON',
    ]);
    expect(found[1]).toMatchObject({
      tuple: { condition: { name: 'late', context: { hour: 3 } } },
    });
    expect(found[2]).toMatchObject({ tuple: { expiresAt: Date.parse('2030-01-31T12:00:00Z') } });
  });

  it.each([
    [{ user: 'anne' }, "user: 'anne' is not of the form 'type:id'"],
    [{ user: 7 }, 'user: must be a text'],
    [{ object: `doc:${'x'.repeat(300)}` }, 'object: is longer than 256 characters'],
    [{ expire_at: '2030-01-31T12:00:00Z' }, "no member 'expire_at'; did you mean 'expires_at'?"],
    [{ expires_at: 'tomorrow' }, "expires_at: 'tomorrow' is not an RFC 3339 time"],
    [{ expires_at: 7 }, 'expires_at: must be an RFC 3339 time'],
    [{ condition: 'late' }, 'condition: must have a name, and may have a context'],
    [{ condition: {} }, 'condition.name: value is required'],
    [{ condition: { name: 'late', contxt: {} } }, "no member 'contxt'; did you mean 'context'?"],
    [{ condition: { name: 'late', context: [] } }, 'condition.context: must have members'],
  ])('with %j is refused', async (change, problem) => {
    const tuple = { user: 'user:anne', relation: 'viewer', object: 'doc:1', ...change };
    expect(told(await read(JSON.stringify(tuple), 'jsonl'))).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  it('may leave out, or have empty, what can be absent', async () => {
    const text = `{"user":"user:*","relation":"v","object":"d:1","condition":null,"expires_at":null}`;
    expect(await read(text, 'jsonl')).toEqual([
      {
        line: 1,
        tuple: {
          object: { type: 'd', id: '1' },
          relation: 'v',
          subject: { kind: 'wildcard', type: 'user' },
        },
      },
    ]);
  });
});

describe('on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-tuples-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const all = async (path: string): Promise<readonly TupleRead[]> => {
    const found: TupleRead[] = [];
    for await (const each of readTupleFile(path)) found.push(each);
    return found;
  };

  it('a file says by its name what it is', async () => {
    const path = join(folder, 'tuples.JSONL');
    writeFileSync(path, A);
    expect(told(await all(path))).toEqual(['1 doc:1#viewer@user:anne']);
    await expect(all(join(folder, 'tuples.txt'))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('of which format'),
    });
  });

  it.each(['json', 'jsonl', 'csv', 'yaml'])('a missing .%s file is wrong usage', async (ending) => {
    await expect(all(join(folder, `none.${ending}`))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('cannot be read'),
    });
  });

  it('a file is left as soon as nobody reads on', async () => {
    const path = join(folder, 'long.csv');
    writeFileSync(path, `${CSV_HEAD}\n${'user,anne,,viewer,doc,1\n'.repeat(100_000)}`);
    for await (const { line } of readTupleFile(path)) {
      expect(line).toBe(2);
      break;
    }
  });
});

describe('the four formats', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_|@."',ä-]{1,12}$/);
  const name = fc.stringMatching(/^[a-z_]{1,8}$/);
  const tuple: fc.Arbitrary<RelationTuple> = fc
    .record({
      object: fc.record({ type: name, id }),
      relation: name,
      subject: fc.oneof(
        fc.record({ kind: fc.constant('object' as const), type: name, id }),
        fc.record({ kind: fc.constant('userset' as const), type: name, id, relation: name }),
        fc.record({ kind: fc.constant('wildcard' as const), type: name }),
      ),
      condition: fc.option(
        fc.record({
          name,
          context: fc.dictionary(name, fc.oneof(fc.stringMatching(/^[ -~\n]*$/), fc.integer())),
        }),
      ),
      expiresAt: fc.option(fc.integer({ min: 0, max: 4e12 })),
    })
    .map(({ condition, expiresAt, ...key }) => ({
      ...key,
      ...(condition !== null && { condition: { ...condition, context: { ...condition.context } } }),
      ...(expiresAt !== null && { expiresAt }),
    }));

  it('say the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tuple), fc.integer({ min: 1, max: 50 }), async (tuples, length) => {
        const wire = tuples.map(tupleToWire);
        const texts: readonly (readonly [TupleFormat, string])[] = [
          ['jsonl', wire.map((each) => JSON.stringify(each)).join('\n')],
          ['json', JSON.stringify(wire, null, 1)],
          ['yaml', stringify(wire, { defaultStringType: 'QUOTE_DOUBLE', lineWidth: 0 })],
          ['csv', csvOf(tuples)],
        ];
        for (const [format, text] of texts) {
          const found = await read(text, format, length);
          expect(found.map((each) => ('tuple' in each ? each.tuple : each))).toEqual(tuples);
        }
      }),
      { numRuns: 60 },
    );
  });

  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;

  function csvOf(tuples: readonly RelationTuple[]): string {
    const rows = tuples.map(({ object, relation, subject, condition, expiresAt }) => {
      const [user = '', userRelation = ''] = formatSubject(subject).split('#');
      return [
        ...[subject.type, user.slice(subject.type.length + 1), userRelation],
        ...[relation, object.type, object.id],
        condition?.name ?? '',
        condition === undefined ? '' : JSON.stringify(condition.context, null, 1),
        expiresAt === undefined ? '' : new Date(expiresAt).toISOString(),
      ].map(cell);
    });
    const head = [...CSV_HEAD.split(','), 'condition_name', 'condition_context', 'expires_at'];
    return [head, ...rows].map((row) => row.join(',')).join('\r\n');
  }
});
