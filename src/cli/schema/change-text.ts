/** A change of a schema as a reviewer reads it. */
import type { WireChange } from '../../api/model-changes.js';
import type { Output, Style } from '../print.js';

const STYLES: Readonly<Record<WireChange['class'], Style>> = {
  safe: 'dim',
  narrowing: 'cyan',
  widening: 'yellow',
  breaking: 'red',
};

/** Of the relations that follow. */
const REACHES_SHOWN = 6;

export interface ShownChange extends WireChange {
  readonly broken_tuples?: number;
  readonly samples?: readonly string[];
}

export function changeText(change: ShownChange, paint: Output['paint']): string {
  const { class: found, message, before, after, module, broken_tuples: broken = 0 } = change;
  const owner = module === undefined ? '' : paint('dim', ` (module ${module})`);
  const lines = [`${paint(STYLES[found], found.padEnd(9))}  ${message}${owner}`];
  if (before !== undefined) lines.push(paint('red', `  - ${before}`));
  if (after !== undefined) lines.push(paint('green', `  + ${after}`));
  const both = change.effects.length === 2 && found === 'widening';
  if (both) lines.push('  may narrow as well');
  if (broken > 0) {
    lines.push(`  ${counted(broken, 'stored tuple')} would not be admitted any more:`);
    for (const tuple of change.samples ?? []) lines.push(`    ${tuple}`);
    const hidden = broken - (change.samples?.length ?? 0);
    if (hidden > 0) lines.push(`    … and ${hidden.toLocaleString('en')} more`);
  }
  if (change.reaches.length > 0) lines.push(`  reaches ${reachesText(change.reaches)}`);
  return lines.join('\n');
}

function reachesText(reaches: ShownChange['reaches']): string {
  const names = reaches
    .slice(0, REACHES_SHOWN)
    .map(({ type, relation, effects }) => `${type}#${relation} (${effects.join(', ')})`);
  const hidden = reaches.length - names.length;
  return names.join(', ') + (hidden > 0 ? ` and ${hidden} more` : '');
}

export const counted = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

export interface ShownImplications {
  readonly added: readonly ShownImplication[];
  readonly removed: readonly ShownImplication[];
}

interface ShownImplication {
  readonly type: string;
  readonly relation: string;
  readonly rule: string;
}

export function implicationsText(
  { added, removed }: ShownImplications,
  paint: Output['paint'],
): readonly string[] {
  const line = (style: Style, sign: string, { type, relation, rule }: ShownImplication): string =>
    paint(style, `  ${sign} ${type}#${relation}: ${rule}`);
  if (added.length + removed.length === 0) return [];
  return [
    'What services can cause by acting for users:',
    ...removed.map((each) => line('red', '-', each)),
    ...added.map((each) => line('green', '+', each)),
  ];
}
