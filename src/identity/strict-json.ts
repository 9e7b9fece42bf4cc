/**
 * JSON in which a text has one meaning: no member is named twice (readers differ in which one
 * counts), no number is beyond what a number holds, and nesting is bounded.
 *
 * Once the text has parsed, its members can be counted in two ways: each has one colon outside of
 * strings, and one key in the value. A name that was given twice makes the second number smaller;
 * escapes in names need no thought.
 */
import type { JsonObject, JsonValue } from '../tuple/tuple.js';

/** No honest token or key set nests half as deep; what reads the value recurses along it. */
const DEPTH_MAX = 32;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undefined for what is not such JSON. */
export function strictJson(bytes: Uint8Array): JsonValue | undefined {
  try {
    const text = utf8.decode(bytes);
    const value = JSON.parse(text) as JsonValue;
    return colonsOutsideStrings(text) === memberCount(value, 0) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function colonsOutsideStrings(text: string): number {
  let colons = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) inString = !inString;
    else if (char === BACKSLASH) i++;
    else if (char === COLON && !inString) colons++;
  }
  return colons;
}

/** NaN, which equals no count, for what is too deep or holds an overflown number. */
function memberCount(value: JsonValue, depth: number): number {
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : NaN;
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === DEPTH_MAX) return NaN;
  const members = Object.values(value) as readonly JsonValue[];
  let count = Array.isArray(value) ? 0 : members.length;
  for (const member of members) count += memberCount(member, depth + 1);
  return count;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
