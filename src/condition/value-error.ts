/** A value, not the program, is at fault. The message tells what was expected and what was found. */
export class ValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ValueError';
  }
}

/** Enough of a value to recognise it by; it may be as long as a request. */
const QUOTE_LENGTH_MAX = 60;

export function expected(what: string, found: unknown): ValueError {
  const start = typeof found === 'string' ? found.slice(0, QUOTE_LENGTH_MAX) : found;
  const text = JSON.stringify(start);
  const quote = text.length < QUOTE_LENGTH_MAX ? text : `${text.slice(0, QUOTE_LENGTH_MAX)}…`;
  return new ValueError(`expected ${what}, found ${quote}`);
}
