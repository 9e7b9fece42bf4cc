/**
 * A relationship as Zed takes it:
 *
 *   document:1#viewer@group:eng#member[office_hours:{"zone":"UTC"}][expiration:2030-01-31T12:00:00Z]
 *
 * or, as `zed relationship read` prints it, with spaces in place of `#` and `@` before and behind the
 * relation.
 */
import { parseInstant } from '../../../quantity.js';
import type { Position } from '../../../schema/positions.js';
import type { JsonObject, JsonValue } from '../../../tuple/tuple.js';
import { UnreadableInput } from '../finding.js';

export interface Relationship {
  readonly resource: { readonly type: string; readonly id: string };
  readonly relation: string;
  /** `relation` is '' for an object itself, `id` is '*' for everybody. */
  readonly subject: { readonly type: string; readonly id: string; readonly relation: string };
  readonly caveat?: { readonly name: string; readonly context: JsonObject };
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
  readonly position: Position;
}

const KEY =
  /^([^\s:#@[\]]+):([^\s:#@[\]]+)(?:#|[ \t]+)([^\s:#@[\]]+)(?:@|[ \t]+)([^\s:#@[\]]+):([^\s:#@[\]]+)(?:#([^\s:#@[\]]+))?/;

export function parseRelationship(text: string, position: Position): Relationship {
  const match = KEY.exec(text);
  if (match === null) {
    throw new UnreadableInput(`not a relationship: '${text.slice(0, 80)}'`, position);
  }
  const [key, type = '', id = '', relation = '', subjectType = '', subjectId = '', userset] = match;
  return {
    resource: { type, id },
    relation,
    subject: {
      type: subjectType,
      id: subjectId,
      relation: userset === undefined || userset === '...' ? '' : userset,
    },
    ...parseTraits(text.slice(key.length).trim(), position),
    position,
  };
}

type Traits = Pick<Relationship, 'caveat' | 'expiresAt'>;

const EXPIRATION = /^\[expiration:([^\]]*)\]\s*$/;
const CAVEAT = /^\[([a-z0-9_/]+)(?::(.*?))?\](\s*\[expiration:[^\]]*\])?\s*$/s;

/** The context is JSON and may hold `]`: what follows it is known, so it reaches up to that. */
function parseTraits(text: string, position: Position): Traits {
  if (text === '') return {};
  const expiration = EXPIRATION.exec(text);
  if (expiration !== null) return { expiresAt: instantOf(expiration[1] ?? '', position) };
  const match = CAVEAT.exec(text);
  if (match === null) {
    throw new UnreadableInput(`expected [caveat] or [expiration:…]: '${text}'`, position);
  }
  const [, name = '', context, rest] = match;
  const caveat = { name, context: context === undefined ? {} : contextOf(context, position) };
  return { caveat, ...(rest !== undefined && parseTraits(rest.trim(), position)) };
}

function instantOf(text: string, position: Position): number {
  const instant = parseInstant(/(Z|[+-]\d\d:\d\d)$/i.test(text) ? text : `${text}Z`);
  if (Number.isNaN(instant)) {
    throw new UnreadableInput(`'${text}' is not an RFC 3339 time`, position);
  }
  return instant;
}

export function contextOf(text: string, position: Position): JsonObject {
  const value = jsonOf(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new UnreadableInput(`a context is a JSON object: ${text.slice(0, 80)}`, position);
}

function jsonOf(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** A relationship a line; empty lines and `//` comments are passed over. */
export function* relationshipLines(
  lines: Iterable<string>,
  first: Position,
): Generator<{ readonly text: string; readonly position: Position }> {
  let line = first.line;
  for (const each of lines) {
    const trimmed = each.trim();
    if (trimmed !== '' && !trimmed.startsWith('//')) {
      yield { text: trimmed, position: { ...first, line } };
    }
    line += 1;
  }
}
