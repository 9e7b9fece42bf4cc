/**
 * A store file's store on a server, for as long as its tests take: it is made, asked and deleted, also
 * where the tests are interrupted.
 */
import { modelToWire } from '../../schema/wire.js';
import type { Api } from '../api.js';
import { EXIT } from '../command-error.js';
import type { Answer } from './answers.js';
import type { Answering } from './run.js';
import { answersFrom, wireTuples } from './server-answers.js';
import type { Assertion, StoreFile, StoreTest } from './store-file.js';

/** The API's, where nobody configured another. */
const TUPLES_PER_WRITE = 100;

export class ServerStore implements Answering {
  readonly #api: Api;
  readonly #path: string;
  readonly #interrupt = (): void => {
    void this.close().finally(() => process.exit(EXIT.interrupted));
  };

  private constructor(api: Api, id: string) {
    this.#api = api;
    this.#path = `/stores/${id}`;
    process.once('SIGINT', this.#interrupt).once('SIGTERM', this.#interrupt);
  }

  static async open(api: Api, file: StoreFile): Promise<ServerStore> {
    const { id } = await api.post('/stores', { name: `test of ${file.name}`.slice(0, 64) });
    const store = new ServerStore(api, String(id));
    try {
      await store.#fill(file);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  answersOf(tests: readonly StoreTest[]): Promise<ReadonlyMap<Assertion, Answer>> {
    return answersFrom((verb, body) => this.#api.post(`${this.#path}/${verb}`, body), tests);
  }

  async close(): Promise<void> {
    process.off('SIGINT', this.#interrupt).off('SIGTERM', this.#interrupt);
    await this.#api.delete(this.#path);
  }

  async #fill({ schema, tuples, attributes }: StoreFile): Promise<void> {
    await this.#api.post(`${this.#path}/authorization-models`, modelToWire(schema.model));
    for (let at = 0; at < tuples.length; at += TUPLES_PER_WRITE) {
      const tuple_keys = wireTuples(tuples.slice(at, at + TUPLES_PER_WRITE));
      const body = { writes: { tuple_keys, on_duplicate: 'replace' } };
      await this.#api.post(`${this.#path}/write`, body);
    }
    for (const { entity, attributes: known } of attributes) {
      const path = [entity.type, entity.id].map(encodeURIComponent).join('/');
      await this.#api.put(`${this.#path}/attributes/${path}`, known);
    }
  }
}
