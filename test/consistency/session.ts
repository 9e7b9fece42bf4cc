/** One client of a store that several processes serve; what it does and sees goes into a history. */
import { keyOf } from '../api/stores.js';
import type { Freshness, History } from './history.js';
import type { Json, Question } from './questions.js';

const TOKEN = 'pemba-consistency-token';

/** Opaque to clients; a checker looks inside. The eight bytes begin with the version. */
const revisionIn = (token: string): number =>
  Number(BigInt.asUintN(56, Buffer.from(token, 'base64url').readBigUInt64BE()));

/** A store, and the addresses of all who serve it. */
export interface ServedStore {
  readonly id: string;
  readonly urls: readonly string[];
}

export interface Change {
  readonly deletes: readonly string[];
  readonly writes: readonly string[];
}

export interface Reply {
  readonly status: number;
  readonly json: Json;
  readonly token: string;
}

export async function send(
  method: 'GET' | 'POST',
  url: string,
  body?: string | object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const isText = typeof body === 'string';
  const response = await fetch(url, {
    method,
    headers: { 'content-type': isText ? 'text/plain' : 'application/json', ...headers },
    ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
  });
  const json: Json = await response.json();
  return { status: response.status, json, token: response.headers.get(TOKEN) ?? '' };
}

export class Session {
  readonly #store: ServedStore;
  readonly #history: History;
  #newest = { token: '', revision: 0 };
  #own = { server: 0, revision: 0 };

  constructor(store: ServedStore, history: History) {
    this.#store = store;
    this.#history = history;
  }

  /** Returns false if the change was refused, because its tuples are there, or are not. */
  async write(server: number, change: Change): Promise<boolean> {
    const part = (tuples: readonly string[]): object => ({ tuple_keys: tuples.map(keyOf) });
    const { deletes, writes } = change;
    const reply = await this.#post(server, 'write', {
      ...(deletes.length > 0 && { deletes: part(deletes) }),
      ...(writes.length > 0 && { writes: part(writes) }),
    });
    if (reply.json.code === 'write_failed_due_to_invalid_input') return false;
    const revision = this.#revisionOf('write', reply);
    this.#history.addWritten({ revision, ...change });
    this.#own = { server, revision };
    return true;
  }

  async read(server: number, freshness: Freshness, question: Question): Promise<void> {
    const { endpoint } = question;
    const { acknowledged } = this.#history;
    const sentTo = freshness === 'own' ? this.#own.server : server;
    const owed = {
      token: this.#newest.revision,
      head: acknowledged,
      own: this.#own.revision,
      nothing: 0,
    }[freshness];
    const reply = await this.#post(
      sentTo,
      endpoint,
      { ...question.body, ...(freshness === 'head' && { consistency: 'HIGHER_CONSISTENCY' }) },
      freshness === 'token' ? { [TOKEN]: this.#newest.token } : {},
    );
    const revision = this.#revisionOf(endpoint, reply);
    const saw = question.saw(reply.json);
    this.#history.readings.push({ endpoint, freshness, owed, acknowledged, revision, saw });
  }

  #post(
    server: number,
    endpoint: string,
    body: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Reply> {
    const { id, urls } = this.#store;
    return send('POST', `${urls[server] ?? ''}/stores/${id}/${endpoint}`, body, headers);
  }

  #revisionOf(endpoint: string, { status, json, token }: Reply): number {
    if (status !== 200) throw new Error(`${endpoint}: ${status} ${JSON.stringify(json)}`);
    const revision = revisionIn(token);
    if (revision > this.#newest.revision) this.#newest = { token, revision };
    return revision;
  }
}
