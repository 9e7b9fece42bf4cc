/**
 * A claim's value as the id of an object. What ids must not hold is written as `%` and two digits
 * for each byte of its UTF-8, as in URLs; so is `%` itself, and a `*` that stands alone, which would
 * be a wildcard. Different values stay different, and no value can leave the id that it is put in.
 */
// eslint-disable-next-line no-control-regex -- control characters are among what it replaces
const RESERVED = /[%#:\s\u0000-\u001f\u007f-\u009f]/gu;
const LONE_SURROGATE = /[\ud800-\udfff]/u;

/** OpenFGA's for a whole object is 256; what the type takes is little. */
export const CLAIM_ID_LENGTH_MAX = 200;

/** Undefined for what cannot be an id: the empty, the overlong, and half of a surrogate pair. */
export function idOfClaim(value: string): string | undefined {
  if (value === '' || value.length > CLAIM_ID_LENGTH_MAX || LONE_SURROGATE.test(value)) {
    return undefined;
  }
  const id = idOfText(value);
  return id.length > CLAIM_ID_LENGTH_MAX ? undefined : id;
}

/** The same of any well-formed text, however long. */
export const idOfText = (text: string): string =>
  text === '*' ? percentEncoded(text) : text.replace(RESERVED, percentEncoded);

/** What the id stands for; undefined where no text is written so. */
export function textOfId(id: string): string | undefined {
  if (!id.includes('%')) return id;
  try {
    const text = decodeURIComponent(id);
    return idOfText(text) === id ? text : undefined;
  } catch {
    // A `%` that is none of ours.
    return undefined;
  }
}

/** A character as it stands in ids where it is reserved. */
export const percentEncoded = (char: string): string =>
  [...Buffer.from(char, 'utf8')]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
