/** The stores that AuthZEN's scenarios are asked of: a model each, with tuples and a mapping. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Store, expectStatus } from '../api/stores.js';
import type { Tuple } from '../api/stores.js';
import type { Answer, CallOptions, Pemba } from '../support/pemba.js';

export const modelNamed = (name: string): string =>
  readFileSync(join(import.meta.dirname, `models/${name}.fga`), 'utf8');

/** A store, and AuthZEN's paths below it. */
export class AccessStore {
  readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  static async with(
    pemba: Pemba,
    dsl: string,
    tuples: readonly (string | Tuple)[],
    mapping: object = {},
  ): Promise<AccessStore> {
    const store = await Store.with(pemba, dsl, tuples);
    const written = await pemba.call('PUT', `${store.path}/authzen-mapping`, mapping);
    expectStatus(written, 201);
    return new AccessStore(store);
  }

  /** As the API answers. */
  ask(endpoint: string, body: unknown, options?: CallOptions): Promise<Answer> {
    return this.store.post(`access/v1/${endpoint}`, body, options);
  }

  /** The body of an answer that is good. */
  async told(endpoint: string, body: unknown): Promise<Answer['json']> {
    return expectStatus(await this.ask(endpoint, body), 200).json;
  }

  async decides(subject: string, action: string, resource: string, more = {}): Promise<boolean> {
    const { decision } = await this.told('evaluation', {
      ...evaluation(subject, action, resource),
      ...more,
    });
    return decision as boolean;
  }

  /** The results of a search, page by page to its end. */
  async found(endpoint: string, body: object, limit?: number): Promise<readonly object[]> {
    const all: object[] = [];
    let token = '';
    do {
      const page = { token, ...(limit !== undefined && { limit }) };
      const { results, page: answered } = await this.told(`search/${endpoint}`, { ...body, page });
      all.push(...(results as readonly object[]));
      token = answered.next_token as string;
    } while (token !== '');
    return all;
  }
}

/** Of `user:anne`. */
export function entity(name: string): { readonly type: string; readonly id: string } {
  const colon = name.indexOf(':');
  return { type: name.slice(0, colon), id: name.slice(colon + 1) };
}

export const evaluation = (subject: string, action: string, resource: string): object => ({
  subject: entity(subject),
  action: { name: action },
  resource: entity(resource),
});

interface Fixture {
  readonly users: readonly {
    readonly id: string;
    readonly email?: string;
    readonly roles?: readonly string[];
    readonly role?: string;
    readonly department?: string;
  }[];
  readonly rules?: readonly {
    readonly action: string;
    readonly resource_id: string;
    readonly roles?: readonly string[];
  }[];
  readonly records?: readonly {
    readonly id: string;
    readonly department?: string;
    readonly owner: string;
  }[];
}

export const WORLDS = {
  todo: (pemba: Pemba, { users }: Fixture) =>
    AccessStore.with(
      pemba,
      modelNamed('todo'),
      users.flatMap(({ id, email, roles = [] }) => [
        ...roles.map((role) => `todo_list:shared#${role}@user:${id}`),
        {
          user: `user:${id}`,
          relation: 'owner',
          object: 'todo_list:shared',
          condition: { name: 'is_theirs', context: { email } },
        },
      ]),
      {
        resources: { todo: 'todo_list:shared', user: 'todo_list:shared' },
        properties: { resource: ['ownerID'] },
      },
    ),

  gateway: (pemba: Pemba, { users, rules = [] }: Fixture) =>
    AccessStore.with(
      pemba,
      modelNamed('api-gateway'),
      [
        ...users.flatMap(({ id, roles = [] }) =>
          [...roles, 'listed'].map((role) => `role:${role}#holder@user:${id}`),
        ),
        ...rules.flatMap(({ action, resource_id: route, roles = ['listed'] }) =>
          roles.map((role) => `endpoint:${route}#can_${action.toLowerCase()}@role:${role}#holder`),
        ),
      ],
      {
        subjects: { identity: 'user' },
        resources: { route: 'endpoint' },
        types: {
          endpoint: {
            actions: { GET: 'can_get', POST: 'can_post', PUT: 'can_put', DELETE: 'can_delete' },
          },
        },
      },
    ),

  search: (pemba: Pemba, { users, records = [] }: Fixture) =>
    AccessStore.with(
      pemba,
      modelNamed('search'),
      [
        ...users.flatMap(({ id, department, role }) => [
          ...(department === undefined ? [] : [`department:${department}#member@user:${id}`]),
          ...(role === 'manager' ? [`company:demo#manager@user:${id}`] : []),
        ]),
        ...[...new Set(records.flatMap(({ department }) => department ?? []))].map(
          (department) => `department:${department}#company@company:demo`,
        ),
        ...records.flatMap(({ id, owner, department }) => [
          `record:${id}#owner@user:${owner}`,
          `record:${id}#company@company:demo`,
          ...(department === undefined ? [] : [`record:${id}#department@department:${department}`]),
        ]),
      ],
      {
        types: {
          record: { actions: { view: 'can_view', edit: 'can_edit', delete: 'can_delete' } },
        },
      },
    ),
};
