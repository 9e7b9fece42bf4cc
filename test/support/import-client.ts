/** A client that sends an import piece by piece and reads the answer meanwhile; `fetch` cannot. */
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';

export type ProgressLine = Readonly<Record<string, unknown>>;

export class ImportClient {
  readonly #request: ClientRequest;
  readonly #answer: Promise<IncomingMessage>;

  /** `url` is that of the store. */
  constructor(url: string, accept = 'application/x-ndjson', endpoint = 'import', key?: string) {
    this.#request = request(`${url}/${endpoint}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-ndjson',
        accept,
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      agent: false,
    });
    this.#answer = new Promise((resolve, reject) => {
      this.#request.on('response', resolve);
      this.#request.on('error', reject);
    });
    // Who does not ask for the answer does not mind.
    this.#answer.catch(() => undefined);
  }

  /** Resolves when the piece is on its way. */
  send(piece: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#request.write(piece, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  end(): void {
    this.#request.end();
  }

  cut(): void {
    this.#request.destroy();
  }

  async status(): Promise<number> {
    return (await this.#answer).statusCode ?? 0;
  }

  /** The lines of the answer as they come. */
  async *lines(): AsyncGenerator<ProgressLine, void, undefined> {
    for await (const line of createInterface({ input: await this.#answer })) {
      yield JSON.parse(line) as ProgressLine;
    }
  }

  async all(): Promise<readonly ProgressLine[]> {
    const lines: ProgressLine[] = [];
    for await (const line of this.lines()) lines.push(line);
    return lines;
  }
}

/** Of documents from `first` on. */
export const importLines = (first: number, count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `{"object":"document:${first + i}","relation":"viewer","user":"user:anne"}\n`,
  ).join('');
