/**
 * What is kept with a model, under a new name of a relation or a type. Only names that cannot be
 * anything else are replaced: `document#viewer`, and `document:{id}#viewer` as templates have it. A
 * word alone (an AuthZEN action, say) may be anything; where it is the old name, people are told.
 */
import type { Json } from '../api.js';
import type { Rename } from '../../tuple/rename.js';

/** Those that become different, whole. */
export function renamedAttachments(attachments: Json, rename: Rename): Json {
  const replaced = mapTexts(attachments, (text) => renamedText(text, rename)) as Json;
  return Object.fromEntries(
    Object.entries(replaced).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(attachments[name]),
    ),
  );
}

/** The names of those that say the old name. */
export function mentions(attachments: Json, { type, relation }: Rename): readonly string[] {
  const name = relation ?? type;
  const pattern = new RegExp(`(?<![\\w-])${literal(name)}(?![\\w-])`);
  return Object.keys(attachments).filter((each) => {
    const texts: string[] = [];
    mapTexts(attachments[each], (text) => {
      texts.push(text);
      return text;
    });
    return texts.some((text) => pattern.test(text));
  });
}

/** An id, or a template of one. */
const ID = '(?::(?:\\{[^}]*\\}|[^\\s#@{])*)?';

function renamedText(text: string, { type, relation, to }: Rename): string {
  const start = `(?<![\\w-])${literal(type)}`;
  if (relation === undefined) return text.replaceAll(new RegExp(`${start}(?=[:#])`, 'g'), to);
  const pattern = new RegExp(`(${start}${ID}#)${literal(relation)}(?![\\w-])`, 'g');
  return text.replaceAll(pattern, (_whole, before: string) => before + to);
}

const literal = (name: string): string => name.replaceAll(/[^\w]/g, '\\$&');

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [map(name), mapTexts(each, map)]),
  );
}
