/** A store under test, in the words that the API's tests have in common. */
import { expect } from '@jest/globals';
import type { Answer, CallOptions, Pemba, TestStore } from '../support/pemba.js';

export interface Key {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
}

export interface Tuple extends Key {
  readonly condition?: { readonly name: string; readonly context: object };
  readonly expires_at?: string;
}

/** `document:1#viewer@user:anne` → a key. */
export function keyOf(name: string): Key {
  const [, object = '', relation = '', user = ''] = /^([^#]+)#([^@]+)@(.+)$/.exec(name) ?? [];
  if (user === '') throw new Error(`${name} is not a tuple`);
  return { user, relation, object };
}

export const nameOf = ({ user, relation, object }: Key): string => `${object}#${relation}@${user}`;

export class Store {
  readonly pemba: Pemba;
  readonly id: string;
  readonly path: string;
  readonly modelId: string;

  constructor(pemba: Pemba, { id, path, modelId }: TestStore) {
    this.pemba = pemba;
    this.id = id;
    this.path = path;
    this.modelId = modelId;
  }

  /** A new store with a model in the DSL and these tuples. */
  static async with(
    pemba: Pemba,
    dsl: string,
    tuples: readonly (string | Tuple)[] = [],
  ): Promise<Store> {
    const store = new Store(pemba, await pemba.storeWith(dsl));
    for (let i = 0; i < tuples.length; i += MAX_TUPLES_PER_WRITE) {
      await store.written(tuples.slice(i, i + MAX_TUPLES_PER_WRITE));
    }
    return store;
  }

  post(endpoint: string, body: unknown, options?: CallOptions): Promise<Answer> {
    return this.pemba.call('POST', `${this.path}/${endpoint}`, body, options);
  }

  get(endpoint: string): Promise<Answer> {
    return this.pemba.call('GET', `${this.path}/${endpoint}`);
  }

  /** As the API answers; strings are tuples by name. */
  write(
    tuples: readonly (string | Tuple)[],
    options: { readonly on_duplicate?: string } = {},
  ): Promise<Answer> {
    const tuple_keys = tuples.map((one) => (typeof one === 'string' ? keyOf(one) : one));
    return this.post('write', { writes: { tuple_keys, ...options } });
  }

  /** Writes, and fails the test unless that succeeds. */
  async written(
    tuples: readonly (string | Tuple)[],
    options: { readonly on_duplicate?: string } = {},
  ): Promise<Answer> {
    return expectStatus(await this.write(tuples, options), 200);
  }

  async allows(name: string, more: object = {}): Promise<boolean> {
    const body = { tuple_key: keyOf(name), ...more };
    const { json } = expectStatus(await this.post('check', body), 200);
    return json.allowed === true;
  }

  /** Every tuple that a filter finds, page by page, in the order of the answer. */
  async read(filter?: object, pageSize = 100): Promise<readonly Tuple[]> {
    const found: Tuple[] = [];
    let token = '';
    do {
      const { json } = expectStatus(
        await this.post('read', {
          ...(filter && { tuple_key: filter }),
          page_size: pageSize,
          continuation_token: token,
        }),
        200,
      );
      const page = json.tuples as readonly { readonly key: Tuple }[];
      if (page.length > pageSize) throw new Error(`a page of ${pageSize} has ${page.length}`);
      found.push(...page.map(({ key }) => key));
      token = json.continuation_token;
    } while (token !== '');
    return found;
  }

  /** The whole change log, as `write document:1#viewer@user:anne`. */
  async changes(): Promise<readonly string[]> {
    const all: string[] = [];
    let token = '';
    for (;;) {
      const { json } = expectStatus(
        await this.get(`changes?page_size=100&continuation_token=${token}`),
        200,
      );
      const page = json.changes as readonly { operation: string; tuple_key: Key }[];
      if (page.length === 0) return all;
      all.push(
        ...page.map(({ operation, tuple_key }) => {
          const verb = operation === 'TUPLE_OPERATION_WRITE' ? 'write' : 'delete';
          return `${verb} ${nameOf(tuple_key)}`;
        }),
      );
      token = json.continuation_token;
    }
  }
}

/** OpenFGA's, and Pemba's by default. */
const MAX_TUPLES_PER_WRITE = 100;

/** The answer, if it has the status; else the test fails and shows the body. */
export function expectStatus(answer: Answer, status: number): Answer {
  expect({ status: answer.status, ...(answer.status !== status && { body: answer.text }) }).toEqual(
    { status },
  );
  return answer;
}

export function expectError(answer: Answer, status: number, code: string, message?: RegExp): void {
  expect({ status: answer.status, body: answer.json }).toEqual({
    status,
    body: { code, message: message ? expect.stringMatching(message) : expect.any(String) },
  });
}
