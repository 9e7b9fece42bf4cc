/**
 * The shape of an AuthZEN mapping: what its clients call things, and what those are in the model.
 *
 *   subjects:  { identity: user }              types that have another name in the model
 *   resources: { route: endpoint, todo: list:shared }    or stand for one object, all of them
 *   types:
 *     endpoint:
 *       actions: { GET: can_get }              or a list, of actions that are named as their relations
 *       forbidden: barred                      a relation that vetoes all others
 *       obligations:
 *         can_get:
 *           - { on: permit, type: step-up, properties: { acr_value: '2' } }
 *   properties:                                what requests may say of entities, to conditions
 *     subject: [role]
 *     resource: ['*']
 *     callers: [service:corp/gateway]          whose requests may; without it, everybody's
 *
 * Whether it fits a model is for `authzen-mapping.ts` to tell.
 */
import type { JsonObject } from '../tuple/tuple.js';
import { AttachmentReader, isGiven } from './attachment-reader.js';
import { quote } from './problem.js';

export interface WireAuthzenMapping {
  readonly subjects?: WireNames;
  readonly resources?: WireNames;
  /** By the model's names. */
  readonly types?: Readonly<Record<string, WireTypeMapping>>;
  readonly properties?: WireProperties;
}

type WireNames = Readonly<Record<string, string>>;

export interface WireTypeMapping {
  readonly actions?: WireNames | readonly string[];
  readonly forbidden?: string;
  /** By relation. */
  readonly obligations?: Readonly<Record<string, readonly WireObligation[]>>;
}

export const OBLIGATION_TYPES = ['step-up', 'notification', 'custom'] as const;
export type ObligationType = (typeof OBLIGATION_TYPES)[number];

export interface WireObligation {
  readonly on: 'permit' | 'deny';
  readonly type: ObligationType;
  readonly id?: string;
  readonly properties?: JsonObject;
}

/** Of which an entity of a request can have properties. */
export const PARTS = ['subject', 'resource', 'action'] as const;
export type Part = (typeof PARTS)[number];

export type WireProperties = Readonly<Partial<Record<Part | 'callers', readonly string[]>>>;

/** As many as a large model has types, relations and roles; they bound the document. */
const ENTRIES_MAX = 500;
const OBLIGATIONS_MAX = 10;
/** Of a type, an action, a property or a caller; the longest are URLs. */
const NAME_LENGTH_MAX = 254;
/** A sentence or two of a notification. */
const OBLIGATION_BYTES_MAX = 4096;

const ROOT = 'authzen_mapping';

export const reader = new AttachmentReader('invalid_authzen_mapping');

/** Null for null and for a mapping without anything in it: there is none then. */
export function authzenMappingFromWire(value: unknown): WireAuthzenMapping | null {
  if (value === null) return null;
  const names = ['subjects', 'resources', 'types', 'properties'] as const;
  const { subjects, resources, types, properties } = reader.members(value, ROOT, names);
  const mapping: WireAuthzenMapping = {
    ...(isGiven(subjects) && { subjects: namesOf(subjects, `${ROOT}.subjects`) }),
    ...(isGiven(resources) && { resources: namesOf(resources, `${ROOT}.resources`) }),
    ...(isGiven(types) && {
      types: reader.record(types, `${ROOT}.types`, ENTRIES_MAX, (name, item) =>
        typeOf(item, fieldOf('types', name)),
      ),
    }),
    ...(isGiven(properties) && { properties: propertiesOf(properties) }),
  };
  return Object.keys(mapping).length === 0 ? null : mapping;
}

/** `authzen_mapping.types.document.actions`; names are the writer's, and may be anything. */
export const fieldOf = (...steps: readonly string[]): string =>
  [ROOT, ...steps.map((step) => quote(step).slice(1, -1))].join('.');

function namesOf(value: unknown, field: string): WireNames {
  return reader.record(value, field, ENTRIES_MAX, (name, item) => {
    const at = `${field}.${quote(name).slice(1, -1)}`;
    reader.text(name, at, NAME_LENGTH_MAX);
    return reader.text(item, at, NAME_LENGTH_MAX);
  });
}

const textsOf = (value: unknown, field: string): readonly string[] =>
  reader.list(value, field, ENTRIES_MAX, (item, at) => reader.text(item, at, NAME_LENGTH_MAX));

function typeOf(value: unknown, field: string): WireTypeMapping {
  const names = ['actions', 'forbidden', 'obligations'] as const;
  const { actions, forbidden, obligations } = reader.members(value, field, names);
  return {
    ...(isGiven(actions) && {
      actions: Array.isArray(actions)
        ? textsOf(actions, `${field}.actions`)
        : namesOf(actions, `${field}.actions`),
    }),
    ...(isGiven(forbidden) && {
      forbidden: reader.text(forbidden, `${field}.forbidden`, NAME_LENGTH_MAX),
    }),
    ...(isGiven(obligations) && {
      obligations: reader.record(
        obligations,
        `${field}.obligations`,
        ENTRIES_MAX,
        (relation, list) => {
          const at = `${field}.obligations.${quote(relation).slice(1, -1)}`;
          return reader.list(list, at, OBLIGATIONS_MAX, obligationOf);
        },
      ),
    }),
  };
}

function obligationOf(value: unknown, field: string): WireObligation {
  const names = ['on', 'type', 'id', 'properties'] as const;
  const { on, type, id, properties = {} } = reader.members(value, field, names);
  if (on !== 'permit' && on !== 'deny') {
    throw reader.problem(`${field}.on`, 'must be permit or deny');
  }
  const known = OBLIGATION_TYPES.find((name) => name === type);
  if (known === undefined) {
    throw reader.problem(`${field}.type`, `must be one of ${OBLIGATION_TYPES.join(', ')}`);
  }
  return {
    on,
    type: known,
    ...(isGiven(id) && { id: reader.text(id, `${field}.id`, NAME_LENGTH_MAX) }),
    ...(isGiven(properties) && {
      properties: obligationProperties(known, properties, `${field}.properties`),
    }),
  };
}

/** What the profile asks of each type. */
const REQUIRED: Readonly<Record<ObligationType, readonly string[]>> = {
  'step-up': ['acr_value'],
  notification: ['to', 'body'],
  custom: [],
};

function obligationProperties(type: ObligationType, value: unknown, field: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw reader.problem(field, 'must be an object');
  }
  for (const name of REQUIRED[type]) {
    reader.text(Reflect.get(value, name), `${field}.${name}`, OBLIGATION_BYTES_MAX);
  }
  if (Buffer.byteLength(JSON.stringify(value)) > OBLIGATION_BYTES_MAX) {
    throw reader.problem(field, `can have ${OBLIGATION_BYTES_MAX} bytes at most`);
  }
  return value as JsonObject;
}

function propertiesOf(value: unknown): WireProperties {
  const field = `${ROOT}.properties`;
  const given = reader.members(value, field, [...PARTS, 'callers']);
  const lists = [...PARTS, 'callers' as const].flatMap((name) =>
    isGiven(given[name]) ? [[name, textsOf(given[name], `${field}.${name}`)] as const] : [],
  );
  return Object.fromEntries(lists);
}
