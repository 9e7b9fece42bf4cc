/** A value, not the program, is at fault. The message tells what was expected and what was found. */
export class ValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ValueError';
  }
}

/** Enough of a value to recognise it by; a context may hold kilobytes. */
const QUOTE_LENGTH_MAX = 60;

export function expected(what: string, found: unknown): ValueError {
  const text = JSON.stringify(found);
  const quote = text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text;
  return new ValueError(`expected ${what}, found ${quote}`);
}
