/** OpenFGA's client, a model to try it on, and the words that the tests of its methods share. */
import { expect } from '@jest/globals';
import { FgaApiNotFoundError, FgaApiValidationError, OpenFgaClient } from '@openfga/sdk';
import type { TupleKey } from '@openfga/sdk';
import type { Pemba } from '../../support/pemba.js';

export const MODEL = `model
  schema 1.1

type user

type group
  relations
    define member: [user, group#member]

type document
  relations
    define owner: [user]
    define viewer: [user, user:*, group#member, user with in_office] or owner

condition in_office(ip: ipaddress) {
  ip.in_cidr("10.0.0.0/8")
}
`;

export const UNKNOWN_ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

export const keyOf = (user: string, relation: string, object: string): TupleKey => ({
  user,
  relation,
  object,
});
export const ANNE_OWNS = keyOf('user:anne', 'owner', 'document:1');
export const ENG_VIEWS = keyOf('group:eng#member', 'viewer', 'document:2');
export const BEN_IS_ENG = keyOf('user:ben', 'member', 'group:eng');
export const CARL_VIEWS: TupleKey = {
  ...keyOf('user:carl', 'viewer', 'document:3'),
  condition: { name: 'in_office', context: {} },
};
export const ALL = [ANNE_OWNS, ENG_VIEWS, BEN_IS_ENG, CARL_VIEWS];
export const IN_OFFICE = { ip: '10.1.2.3' };
export const AT_HOME = { ip: '192.168.0.1' };

/** What a test of a method is given. */
export interface Fga {
  readonly pemba: Pemba;
  /** A client of a new store with the model and these tuples. */
  client(tuples?: readonly TupleKey[]): Promise<OpenFgaClient>;
  /** A client without a model, and without a store unless one is named. */
  storeless(storeId?: string): OpenFgaClient;
}

/** By the method's name and by what is expected of it. */
export type MethodBehaviours = Readonly<
  Record<string, Readonly<Record<string, (fga: Fga) => Promise<void>>>>
>;

export function fgaOf(pemba: Pemba): Fga {
  const configuration = { apiUrl: pemba.url, retryParams: { maxRetry: 0 } };
  return {
    pemba,
    async client(tuples = []) {
      const { id, modelId } = await pemba.storeWith(MODEL);
      const client = new OpenFgaClient({
        ...configuration,
        storeId: id,
        authorizationModelId: modelId,
      });
      if (tuples.length > 0) await client.write({ writes: [...tuples] });
      return client;
    },
    storeless: (storeId) =>
      new OpenFgaClient({ ...configuration, ...(storeId !== undefined && { storeId }) }),
  };
}

/** The reason why the work fails; throws if it does not. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const none = Symbol('none');
  const reason: unknown = await work.then(
    () => none,
    (error: unknown) => error,
  );
  if (reason === none) throw new Error('it should have failed');
  return reason;
}

export async function expectInvalid(work: Promise<unknown>, apiErrorCode: string): Promise<void> {
  const error = await failureOf(work);
  expect(error).toBeInstanceOf(FgaApiValidationError);
  expect(error).toMatchObject({ statusCode: 400, apiErrorCode });
}

export async function expectNotFound(work: Promise<unknown>, apiErrorCode: string): Promise<void> {
  const error = await failureOf(work);
  expect(error).toBeInstanceOf(FgaApiNotFoundError);
  expect(error).toMatchObject({ statusCode: 404, apiErrorCode });
}

/** A tuple in one word, for comparisons. */
export const nameOf = ({ user, relation, object }: TupleKey): string =>
  `${object}#${relation}@${user}`;

export const namesOf = (tuples: readonly TupleKey[]): readonly string[] =>
  tuples.map(nameOf).sort();

/** Names of the stored tuples, sorted. */
export async function stored(client: OpenFgaClient): Promise<readonly string[]> {
  return namesOf((await client.read()).tuples.map(({ key }) => key));
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
