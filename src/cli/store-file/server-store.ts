/**
 * A store file's store on a server, for as long as its tests take: it is made, asked and deleted, also
 * where the tests are interrupted. What a test has of tuples goes along with each of its questions.
 */
import { keyToWire, tupleToWire } from '../../api/openfga/wire.js';
import { modelToWire } from '../../schema/wire.js';
import { formatObject, formatSubject } from '../../tuple/tuple.js';
import { serviceName } from '../../tuple/delegation.js';
import type { Api, Json } from '../api.js';
import { CommandError, EXIT } from '../command-error.js';
import { contextOf } from './answers.js';
import type { Answer } from './answers.js';
import type { Answering } from './run.js';
import { formatForm } from './store-file.js';
import type { Assertion, PlacedTuple, Question, StoreFile, StoreTest } from './store-file.js';

/** The API's, where nobody configured another. */
const TUPLES_PER_WRITE = 100;

/** What a shell says of a program that was interrupted. */
const INTERRUPTED = 130;

type ListQuestion = Question & { readonly kind: 'list_objects' | 'list_users' };

export class ServerStore implements Answering {
  readonly #api: Api;
  readonly #path: string;
  readonly #interrupt = (): void => {
    void this.close().finally(() => process.exit(INTERRUPTED));
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

  async answersOf(test: StoreTest): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (const assertion of test.assertions) answers.push(await this.#answer(test, assertion));
    return answers;
  }

  async close(): Promise<void> {
    process.off('SIGINT', this.#interrupt).off('SIGTERM', this.#interrupt);
    await this.#api.delete(this.#path);
  }

  async #fill({ schema, tuples, attributes }: StoreFile): Promise<void> {
    await this.#post('authorization-models', modelToWire(schema.model));
    for (let at = 0; at < tuples.length; at += TUPLES_PER_WRITE) {
      const tuple_keys = wireTuples(tuples.slice(at, at + TUPLES_PER_WRITE));
      await this.#post('write', { writes: { tuple_keys, on_duplicate: 'replace' } });
    }
    for (const { entity, attributes: known } of attributes) {
      const path = [entity.type, entity.id].map(encodeURIComponent).join('/');
      await this.#api.put(`${this.#path}/attributes/${path}`, known);
    }
  }

  async #answer(test: StoreTest, assertion: Assertion): Promise<Answer> {
    const { question } = assertion;
    const context = contextOf(test, assertion);
    const tuple_keys = wireTuples(test.tuples);
    try {
      switch (question.kind) {
        case 'check':
        case 'delegated_check':
          return await this.#check(question, { context, contextual_tuples: { tuple_keys } });
        case 'list_objects':
          return await this.#names(question, { context, contextual_tuples: { tuple_keys } });
        case 'list_users':
          return await this.#names(question, { context, contextual_tuples: tuple_keys });
      }
    } catch (error) {
      if (error instanceof CommandError && error.exitCode === EXIT.refused) {
        return { error: error.message };
      }
      throw error;
    }
  }

  async #check(
    question: Question & { readonly kind: 'check' | 'delegated_check' },
    circumstances: object,
  ): Promise<Answer> {
    const asked = { tuple_key: keyToWire(question), ...circumstances };
    if (question.kind === 'check') return (await this.#post('check', asked))['allowed'] === true;
    const answer = await this.#post('delegated-check', {
      ...asked,
      actor: serviceName(question.actor),
      chain: question.through.map(serviceName),
    });
    // In this process that is an error, as of any check.
    if (answer['reason'] === 'missing_parameters') return { error: 'parameters are missing' };
    return answer['allowed'] === true;
  }

  async #names(question: ListQuestion, circumstances: object): Promise<readonly string[]> {
    const { relation } = question;
    if (question.kind === 'list_objects') {
      const user = formatSubject(question.subject);
      const body = { user, relation, type: question.type, ...circumstances };
      return (await this.#pages('list-objects', body, 'objects')).map(String).sort();
    }
    const users: string[] = [];
    for (const form of question.forms) {
      const body = { object: question.object, relation, user_filters: [form], ...circumstances };
      const found = await this.#pages('list-users', body, 'users');
      users.push(...found.map((user) => userText(user as WireUser, formatForm(form))));
    }
    return users.sort();
  }

  async #pages(verb: string, body: object, member: string): Promise<readonly unknown[]> {
    const items: unknown[] = [];
    let token = '';
    do {
      const page = await this.#post(
        verb,
        token === '' ? body : { ...body, continuation_token: token },
      );
      items.push(...(page[member] as readonly unknown[]));
      const next = page['continuation_token'];
      token = typeof next === 'string' ? next : '';
    } while (token !== '');
    return items;
  }

  #post(verb: string, body: unknown): Promise<Json> {
    return this.#api.post(`${this.#path}/${verb}`, body);
  }
}

interface WireUser {
  readonly object?: { readonly type: string; readonly id: string };
  readonly userset?: { readonly type: string; readonly id: string; readonly relation: string };
}

/** `type:*` is all that is left. */
function userText({ object, userset }: WireUser, form: string): string {
  if (object !== undefined) return formatObject(object);
  return userset === undefined ? `${form}:*` : formatSubject({ kind: 'userset', ...userset });
}

const wireTuples = (placed: readonly PlacedTuple[]): readonly object[] =>
  placed.map(({ tuple }) => tupleToWire(tuple));
