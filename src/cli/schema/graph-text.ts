/**
 * A graph in the languages of two programs that draw. What a name is made of never becomes a word of
 * theirs: nodes are numbered, and texts are quoted.
 */
import { grouped, relationId } from './graph.js';
import type { Arrow, ArrowKind, Box, Graph } from './graph.js';

/** A flowchart: a frame for each module, in it one for each type, in it a node for each relation. */
export function mermaidText({ boxes, arrows }: Graph): string {
  const ids = new Map<string, string>();
  const idOf = (name: string): string => {
    const id = ids.get(name) ?? `n${ids.size}`;
    ids.set(name, id);
    return id;
  };
  const boxLines = (box: Box, i: number): readonly string[] => {
    const { type, isHome, relations } = box;
    const nodes = relations.map(
      (relation) => `${idOf(relationId(type, relation))}["${mermaidSafe(relation)}"]`,
    );
    const own = isHome ? [`${idOf(type)}(["${mermaidSafe(type)}"])`] : [];
    if (nodes.length === 0) return own;
    const title = mermaidSafe(type);
    return [`subgraph t${i}["${title}"]`, ...[...own, ...nodes].map(indented), 'end'];
  };
  const lines = byModule(boxes).flatMap(([module, list], i) => {
    const inner = list.flatMap(({ box, index }) => boxLines(box, index));
    if (module === undefined) return inner;
    return [`subgraph m${i}["${mermaidSafe(`module ${module}`)}"]`, ...inner.map(indented), 'end'];
  });
  const arrowLines = arrows.map(({ from, to, kind, label }) => {
    const text = label === '' ? '' : `|"${mermaidSafe(label)}"|`;
    return `${idOf(from)} ${MERMAID_ARROWS[kind]}${text} ${idOf(to)}`;
  });
  return ['flowchart LR', ...[...lines, ...arrowLines].map(indented), ''].join('\n');
}

const MERMAID_ARROWS: Readonly<Record<ArrowKind, string>> = {
  direct: '-->',
  computed: '-->',
  from: '==>',
  not: '--x',
  implication: '-.->',
};

/** Mermaid's own escapes, for all that is not plainly a letter. */
const mermaidSafe = (text: string): string =>
  text.replace(/[^\p{L}\p{N}_ ]/gu, (character) => `#${character.codePointAt(0) ?? 0};`);

/** A table for each type, with a row for each relation; a cluster for each module. */
export function dotText({ boxes, arrows }: Graph): string {
  const ports = new Map<string, string>();
  const tableLine = (box: Box, i: number): string => {
    const { type, isHome, relations } = box;
    const row = (id: string | undefined, port: string, content: string, colour = ''): string => {
      if (id !== undefined) ports.set(id, `t${i}:${port}`);
      return `<tr><td port="${port}" align="left"${colour}>${content}</td></tr>`;
    };
    // Where the type is at home, its head is what arrows from its objects begin at.
    const head = row(isHome ? type : undefined, 'h', `<b>${htmlSafe(type)}</b>`, HEAD);
    const rows = relations.map((relation, at) =>
      row(relationId(type, relation), `r${at}`, htmlSafe(relation)),
    );
    return `t${i} [label=<<table ${TABLE}>${head}${rows.join('')}</table>>];`;
  };
  const lines = byModule(boxes).flatMap(([module, list], i) => {
    const tables = list.map(({ box, index }) => tableLine(box, index));
    if (module === undefined) return tables;
    const label = `label=${dotQuoted(`module ${module}`)};`;
    return [`subgraph cluster${i} {`, ...[label, ...tables].map(indented), '}'];
  });
  const arrowLines = arrows.flatMap((arrow) => arrowLine(arrow, ports));
  const settings = ['rankdir=LR;', 'node [shape=plain];', 'edge [fontsize=10];'];
  return [
    'digraph schema {',
    ...[...settings, ...lines, ...arrowLines].map(indented),
    '}',
    '',
  ].join('\n');
}

const TABLE = 'border="0" cellborder="1" cellspacing="0" cellpadding="4"';
const HEAD = ' bgcolor="#e8e8e8"';

const DOT_STYLES: Readonly<Record<ArrowKind, string>> = {
  direct: '',
  computed: 'color="#3060c0"',
  from: 'color="#3060c0", penwidth=1.5',
  not: 'color="#c03030", arrowhead=tee',
  implication: 'style=dashed, color="#a06000"',
};

function arrowLine(
  { from, to, kind, label }: Arrow,
  ports: ReadonlyMap<string, string>,
): readonly string[] {
  const [start, end] = [ports.get(from), ports.get(to)];
  if (start === undefined || end === undefined) return [];
  const attributes = [label === '' ? '' : `label=${dotQuoted(label)}`, DOT_STYLES[kind]];
  const shown = attributes.filter((text) => text !== '').join(', ');
  return [`${start} -> ${end}${shown === '' ? '' : ` [${shown}]`};`];
}

const dotQuoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const htmlSafe = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => HTML_ESCAPES[character] ?? '');

const indented = (line: string): string => `  ${line}`;

type Listed = readonly { readonly box: Box; readonly index: number }[];

const byModule = (boxes: readonly Box[]): readonly (readonly [string | undefined, Listed])[] => [
  ...grouped(
    boxes.map((box, index) => ({ box, index })),
    ({ box }) => box.module,
  ),
];
