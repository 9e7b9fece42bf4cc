/** Server-sent events, taken from the text of a stream as it comes in pieces. */
export interface StreamEvent {
  /** Undefined where the stream has named none so far. */
  readonly id: string | undefined;
  readonly name: string;
  readonly data: string;
}

/** Of what waits for its end: a line, or the data of an event. */
const PENDING_LENGTH_MAX = 65_536;

export class EventStreamReader {
  #pending = '';
  #id: string | undefined;
  #name = '';
  #data: string[] = [];
  #dataLength = 0;

  /** The events that this piece completes. Throws when one is too long. */
  push(piece: string): readonly StreamEvent[] {
    const events: StreamEvent[] = [];
    const text = this.#pending + piece;
    // A CR at the end may be half of a CR LF.
    const isCut = text.endsWith('\r');
    const lines = (isCut ? text.slice(0, -1) : text).split(/\r\n|\r|\n/);
    this.#pending = (lines.pop() ?? '') + (isCut ? '\r' : '');
    if (this.#pending.length > PENDING_LENGTH_MAX) throw new Error('a line is too long');
    for (const line of lines) {
      if (line === '') events.push(...this.#dispatch());
      else this.#take(line);
    }
    return events;
  }

  #take(line: string): void {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id' && !value.includes('\0')) this.#id = value;
    if (field === 'event') this.#name = value;
    if (field === 'data') {
      this.#dataLength += value.length;
      if (this.#dataLength > PENDING_LENGTH_MAX) throw new Error('an event is too long');
      this.#data.push(value);
    }
  }

  #dispatch(): readonly StreamEvent[] {
    const data = this.#data.join('\n');
    const isEmpty = this.#data.length === 0;
    const name = this.#name === '' ? 'message' : this.#name;
    this.#name = '';
    this.#data = [];
    this.#dataLength = 0;
    return isEmpty ? [] : [{ id: this.#id, name, data }];
  }
}
