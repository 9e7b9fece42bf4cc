/** Questions to a store by every query that it answers, and the facts that their answers tell. */
import { keyOf } from '../api/stores.js';

export interface Question {
  readonly endpoint: string;
  readonly body: object;
  /** Of the facts that it asks for, and of any other that the answer tells. */
  saw(json: Json): ReadonlyMap<string, boolean>;
}

export type Json = ReturnType<typeof JSON.parse>;

export const check = (fact: string): Question => ({
  endpoint: 'check',
  body: { tuple_key: keyOf(fact) },
  saw: (json) => new Map([[fact, json.allowed]]),
});

export const batchCheck = (facts: readonly string[]): Question => ({
  endpoint: 'batch-check',
  body: {
    checks: facts.map((fact, i) => ({ tuple_key: keyOf(fact), correlation_id: String(i) })),
  },
  saw: (json) => new Map(facts.map((fact, i) => [fact, json.result[i].allowed])),
});

export const listObjects = (
  { relation, user }: { readonly relation: string; readonly user: string },
  objects: readonly string[],
): Question => ({
  endpoint: 'list-objects',
  body: { type: typeOf(objects), relation, user },
  saw: (json) =>
    listed(objects, json.objects as string[], (object) => `${object}#${relation}@${user}`),
});

export const listUsers = (
  { object, relation }: { readonly object: string; readonly relation: string },
  users: readonly string[],
): Question => {
  const [type, id] = object.split(':');
  return {
    endpoint: 'list-users',
    body: { object: { type, id }, relation, user_filters: [{ type: typeOf(users) }] },
    saw: (json) => {
      const found = json.users as readonly { readonly object: { type: string; id: string } }[];
      const names = found.map((user) => `${user.object.type}:${user.object.id}`);
      return listed(users, names, (user) => `${object}#${relation}@${user}`);
    },
  };
};

/** For a relation that is only directly assigned. */
export const expand = (
  { object, relation }: { readonly object: string; readonly relation: string },
  subjects: readonly string[],
): Question => ({
  endpoint: 'expand',
  body: { tuple_key: { object, relation } },
  saw: (json) => {
    const names = json.tree.root.leaf.users.users as readonly string[];
    return listed(subjects, names, (subject) => `${object}#${relation}@${subject}`);
  },
});

const typeOf = ([first = '']: readonly string[]): string => first.split(':')[0] ?? '';

function listed(
  wanted: readonly string[],
  names: readonly string[],
  factOf: (name: string) => string,
): ReadonlyMap<string, boolean> {
  const all = new Set([...wanted, ...names]);
  return new Map([...all].map((name) => [factOf(name), names.includes(name)]));
}
