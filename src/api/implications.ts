/** How implications are shown, and what of them a header has room for. */
import type { Implication, ImplicationChanges, RelationRef } from '../schema/implications.js';
import type { JsonSchema } from './json-schema.js';

export const DELEGATION_CHANGES_HEADER = 'Pemba-Delegation-Changes';

const TEXT: JsonSchema = { type: 'string' };
const RELATION = {
  properties: { type: TEXT, relation: TEXT, module: TEXT },
  required: ['type', 'relation'],
};

/** Members of an implication; `module` is there in a model of modules. */
export const IMPLICATION = {
  type: 'object',
  properties: {
    ...RELATION.properties,
    rule: { ...TEXT, description: 'The branch that holds because a service acts for the user' },
    service_relation: {
      type: ['string', 'null'],
      description: 'The relation whose tuples name the service; null where the object is one',
    },
    needs: {
      type: 'array',
      description: 'What the user must have besides',
      items: {
        type: 'object',
        properties: {
          rule: TEXT,
          relations: { type: 'array', items: { type: 'object', ...RELATION } },
        },
        required: ['rule', 'relations'],
      },
    },
  },
  required: [...RELATION.required, 'rule', 'service_relation', 'needs'],
} as const satisfies JsonSchema;

export const DELEGATION_CHANGES: JsonSchema = {
  type: 'object',
  description: 'The implications that the model adds to those of the one before, and removes',
  properties: {
    added: { type: 'array', items: IMPLICATION },
    removed: { type: 'array', items: IMPLICATION },
  },
  required: ['added', 'removed'],
};

export const implicationToWire = (implication: Implication): object => ({
  ...refToWire(implication),
  rule: implication.rule,
  service_relation: implication.serviceRelation ?? null,
  needs: implication.needs.map(({ rule, relations }) => ({
    rule,
    relations: relations.map(refToWire),
  })),
});

const refToWire = ({ type, relation, module }: RelationRef): object => ({
  type,
  relation,
  ...(module !== undefined && { module }),
});

export interface ShownChanges {
  readonly header: string;
  readonly body: object;
}

/** Undefined where there are none. */
export function changesToWire({ added, removed }: ImplicationChanges): ShownChanges | undefined {
  if (added.length + removed.length === 0) return undefined;
  return {
    header: `added=${added.length}, removed=${removed.length}`,
    body: { added: added.map(implicationToWire), removed: removed.map(implicationToWire) },
  };
}
