/** The pictures are read by a small reader of the part of each language that is used here. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { graphOf } from '../../../src/cli/schema/graph.js';
import type { Graph } from '../../../src/cli/schema/graph.js';
import { dotText, mermaidText } from '../../../src/cli/schema/graph-text.js';
import { modelFromDsl } from '../../../src/schema/dsl.js';
import type { Model } from '../../../src/schema/model.js';
import { Folder } from './command.js';

const SHOP = join(import.meta.dirname, '..', '..', '..', 'schema', 'shop', 'fga.mod');

const HEAD = 'model\n  schema 1.1\ntype user\ntype group\n  relations\n    define member: [user]\n';

const graph = (relations: string, options: Partial<Parameters<typeof graphOf>[1]> = {}): Graph =>
  graphOf(modelFromDsl(`${HEAD}type doc\n  relations\n${relations}`).model, {
    implications: false,
    ...options,
  });

const told = ({ arrows }: Graph): readonly string[] =>
  arrows
    .filter(({ to }) => to.startsWith('doc#'))
    .map(({ from, to, kind, label }) => `${from} ${kind}(${label}) ${to}`);

/** Arrows as `team#member>shop#manager`, nodes by what is written on them. */
interface Drawing {
  readonly nodes: readonly string[];
  readonly arrows: readonly string[];
}

const MERMAID_LINE =
  /^ *(?:(?<node>n\d+)(?:\["(?<name>[^"]*)"\]|\(\["(?<type>[^"]*)"\]\))|subgraph [mt]\d+\["(?<frame>[^"]*)"\]|(?<end>end)|(?<from>n\d+) (?:-->|==>|--x|-\.->)(?:\|"[^"]*"\|)? (?<to>n\d+))$/;

/** Throws at what is none of the lines that are written. */
function readMermaid(text: string): Drawing {
  const [first, ...lines] = text.trimEnd().split('\n');
  if (first !== 'flowchart LR') throw new Error(first);
  const names = new Map<string, string>();
  const frames: string[] = [];
  const arrows: (readonly [string, string])[] = [];
  for (const line of lines) {
    const { groups } = MERMAID_LINE.exec(line) ?? {};
    if (groups === undefined) throw new Error(line);
    const { node, name, type, frame, end, from, to } = groups;
    if (frame !== undefined) frames.push(unescaped(frame));
    if (end !== undefined && frames.pop() === undefined) throw new Error('too many ends');
    if (node !== undefined) {
      names.set(
        node,
        name === undefined ? unescaped(type ?? '') : `${frames.at(-1) ?? ''}#${unescaped(name)}`,
      );
    }
    if (from !== undefined && to !== undefined) arrows.push([from, to]);
  }
  if (frames.length > 0) throw new Error('an end is missing');
  const nameOf = (id: string): string => {
    const name = names.get(id);
    if (name === undefined) throw new Error(`no node ${id}`);
    return name;
  };
  return {
    nodes: [...names.values()],
    arrows: arrows.map(([from, to]) => `${nameOf(from)}>${nameOf(to)}`),
  };
}

const unescaped = (text: string): string =>
  text.replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));

const DOT_STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const DOT_LINE = new RegExp(
  [
    String.raw`^ *(?:(?:rankdir=LR|node \[shape=plain\]|edge \[fontsize=10\]);`,
    `label=${DOT_STRING};`,
    String.raw`subgraph cluster\d+ \{`,
    String.raw`\}`,
    String.raw`(?<table>t\d+) \[label=<(?<html><table .*</table>)>\];`,
    String.raw`(?<from>t\d+:\w+) -> (?<to>t\d+:\w+)(?: \[(?:,? ?\w+=(?:${DOT_STRING}|[\w.]+))+\])?;)$`,
  ].join('|'),
);
const ROW =
  /<tr><td port="(\w+)" align="left"(?: bgcolor="#e8e8e8")?>(?:<b>)?([^<>]*)(?:<\/b>)?<\/td><\/tr>/g;

function readDot(text: string): Drawing {
  const lines = text.trimEnd().split('\n');
  if (lines.shift() !== 'digraph schema {' || lines.pop() !== '}') throw new Error(text);
  const names = new Map<string, string>();
  const arrows: (readonly [string, string])[] = [];
  for (const line of lines) {
    const match = DOT_LINE.exec(line);
    if (match === null) throw new Error(line);
    const { table, html, from, to } = match.groups ?? {};
    const [head, ...rows] = [...(html ?? '').matchAll(ROW)].map(([, port, name]) => [
      `${table ?? ''}:${port ?? ''}`,
      plain(name ?? ''),
    ]);
    if (head !== undefined) names.set(head[0] ?? '', head[1] ?? '');
    for (const [port = '', name = ''] of rows) names.set(port, `${head?.[1] ?? ''}#${name}`);
    if (from !== undefined && to !== undefined) arrows.push([from, to]);
  }
  return {
    nodes: [...names.values()],
    arrows: arrows.map(([from, to]) => {
      const ends = [names.get(from), names.get(to)];
      if (ends.includes(undefined)) throw new Error(`${from} -> ${to}`);
      return ends.join('>');
    }),
  };
}

const plain = (html: string): string =>
  html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');

describe('the graph of a model', () => {
  it('has an arrow for each way to become a member', () => {
    expect(
      told(
        graph(
          '    define parent: [doc]\n' +
            '    define owner: [user, user:*, group#member]\n' +
            '    define viewer: owner or viewer from parent\n' +
            '    define editor: owner but not viewer\n',
        ),
      ),
    ).toEqual([
      'doc direct() doc#parent',
      'user direct() doc#owner',
      'user direct(everybody) doc#owner',
      'group#member direct() doc#owner',
      'doc#owner computed() doc#viewer',
      'doc#viewer from(from parent) doc#viewer',
      'doc#owner computed() doc#editor',
      'doc#viewer not(but not) doc#editor',
    ]);
  });

  it('has nothing but what leads to and from the one it is about', () => {
    const relations =
      '    define a: [user]\n    define b: a\n    define c: b\n    define d: [group]\n';
    const about = graph(relations, { focus: 'doc#b' });
    expect(told(about)).toEqual([
      'user direct() doc#a',
      'doc#a computed() doc#b',
      'doc#b computed() doc#c',
    ]);
    expect(about.boxes.map(({ type, relations: kept }) => [type, kept])).toEqual([
      ['user', []],
      ['doc', ['a', 'b', 'c']],
    ]);
  });
});

/** Words of both languages, and what would end a text in them. */
const NAMES = [
  'end',
  'graph',
  'class',
  'subgraph',
  'node',
  '"]',
  '&lt;<b>',
  'a\\"',
  '#35;',
  '日本',
  'x|y',
];

const hostile = (): Graph => {
  const types: Model['types'] = new Map(
    NAMES.map((name) => [
      name,
      {
        name,
        relations: new Map(
          NAMES.map((relation) => [
            relation,
            {
              name: relation,
              rewrite: { kind: 'direct' },
              restrictions: [{ type: name, kind: 'object', relation: '', condition: '"|x' }],
            },
          ]),
        ),
        source: { module: '"; end' },
      },
    ]),
  );
  return graphOf({ schemaVersion: '1.2', types, conditions: new Map() }, { implications: true });
};

const RELATIONS = NAMES.flatMap((type) => NAMES.map((name) => `${type}#${name}`));

describe('a drawing, whatever names there are', () => {
  it.each([
    ['Mermaid', (): Drawing => readMermaid(mermaidText(hostile()))],
    ['DOT', (): Drawing => readDot(dotText(hostile()))],
  ])('has all of them in %s', (_, read) => {
    const { nodes, arrows } = read();
    expect([...nodes].sort()).toEqual([...NAMES, ...RELATIONS].sort());
    expect([...arrows].sort()).toEqual(
      NAMES.flatMap((type) => NAMES.map((name) => `${type}>${type}#${name}`)).sort(),
    );
  });

  // In CI a missing part fails.
  const hasDot = process.env['CI'] === 'true' || spawnSync('dot', ['-V']).status === 0;
  const skipped = hasDot ? '' : ' (skipped: there is no Graphviz here)';
  (hasDot ? it : it.skip)(`is drawn by Graphviz${skipped}`, () => {
    const { status, stderr } = spawnSync('dot', ['-Tsvg'], {
      input: dotText(hostile()),
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('pemba schema graph', () => {
  let folder: Folder;

  beforeEach(() => {
    folder = new Folder();
  });
  afterEach(() => {
    folder.remove();
  });

  it('draws the shop by its modules, with what acts for customers', () => {
    const { exitCode, out } = folder.run('schema', 'graph', SHOP, '--implications');
    expect(exitCode).toBe(0);
    const { nodes, arrows } = readMermaid(out);
    expect(out).toContain('  subgraph m1["module orders"]\n');
    expect(nodes).toContain('item#can_reserve');
    expect(out).toMatch(/-\.->\|"by ordering_service"\|/);
    const dot = folder.run('schema', 'graph', SHOP, '--implications', '--format', 'dot');
    expect(readDot(dot.out).arrows).toEqual(arrows);
  });

  it('refuses a schema with mistakes, and a focus that is not there', () => {
    folder.write('wrong.fga', `${HEAD}type a\n  relations\n    define b: c\n`);
    const wrong = folder.run('schema', 'graph', 'wrong.fga');
    expect([wrong.exitCode, wrong.out]).toEqual([1, '']);
    expect(wrong.err).toContain('wrong.fga:9:15');
    expect(folder.run('schema', 'graph', SHOP, '--focus', 'item#nothing').exitCode).toBe(2);
    expect(folder.run('schema', 'graph', SHOP, '--format', 'png').exitCode).toBe(2);
  });
});
