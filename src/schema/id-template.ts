/**
 * The id of an object with places for values, such as `{claims.tenant}/{value}`. A value enters an id
 * as `claim-id.ts` writes it. Of several places in one id, the text between two is encoded in the
 * values as well: the tenant `a/b` with the role `c` is not the tenant `a` with the role `b/c`.
 */
import { CLAIM_ID_LENGTH_MAX, percentEncoded } from '../tuple/claim-id.js';
import { quote } from './problem.js';

export interface IdTemplate<Place> {
  /** One more than places; they take turns. */
  readonly literals: readonly string[];
  readonly places: readonly Place[];
  /** The characters that separate places. */
  readonly separators: ReadonlySet<string>;
}

const PLACE = /\{([^{}]*)\}/g;

/** Escapes consist of `%`, digits and letters; what separates must not be found in one. */
const SEPARATOR = /^[^A-Za-z0-9%]/u;

/** A string says what is wrong; so does one that `readPlace` gives. */
export function readIdTemplate<Place extends object>(
  text: string,
  readPlace: (name: string) => Place | string,
): IdTemplate<Place> | string {
  const places: Place[] = [];
  for (const [, name = ''] of text.matchAll(PLACE)) {
    const place = readPlace(name);
    if (typeof place === 'string') return place;
    places.push(place);
  }
  const literals = text.replaceAll(PLACE, '{').split('{');
  if (literals.length !== places.length + 1 || literals.some((literal) => literal.includes('}'))) {
    return `${quote(text)} has a brace without its match`;
  }
  if (literals.join('').length >= CLAIM_ID_LENGTH_MAX) {
    return `${quote(text)} leaves no room for a value: an id has ${CLAIM_ID_LENGTH_MAX} characters`;
  }
  const between = literals.slice(1, -1);
  if (!between.every((literal) => SEPARATOR.test(literal))) {
    return (
      `between two places of ${quote(text)} must stand a text that begins with neither a letter, ` +
      "a digit nor '%'"
    );
  }
  return {
    literals,
    places,
    separators: new Set(between.map((literal) => Array.from(literal)[0] ?? '')),
  };
}

/** Values are ids already. Undefined when a place stays empty, or the id gets too long. */
export function fillIdTemplate<Place>(
  { literals, places, separators }: IdTemplate<Place>,
  valueOf: (place: Place) => string | undefined,
): string | undefined {
  let id = literals[0] ?? '';
  for (const [i, place] of places.entries()) {
    const value = valueOf(place);
    if (value === undefined) return undefined;
    id += separators.size === 0 ? value : withoutSeparators(value, separators);
    id += literals[i + 1] ?? '';
  }
  return id.length > CLAIM_ID_LENGTH_MAX ? undefined : id;
}

function withoutSeparators(value: string, separators: ReadonlySet<string>): string {
  let result = value;
  for (const char of separators) result = result.replaceAll(char, percentEncoded(char));
  return result;
}
