/**
 * What a store says of the permits that services get for users, beside the schema that says who gets
 * them:
 *
 *   lifetime: 60s                      of a permit
 *   audiences: { orders: [shop-api] }  the `aud` of a user's token that is meant for service:orders
 *   relations:
 *     item#can_reserve: { lifetime: 30s }
 *     invoice#can_refund: { online_only: true }   decided anew each time, never by a permit
 *
 * Whether a service of that id exists is not for a model to know.
 */
import { parseDuration } from '../quantity.js';
import { parseObject } from '../tuple/tuple.js';
import { ACTING_FOR } from '../tuple/delegation.js';
import { AttachmentReader, isGiven } from './attachment-reader.js';
import { unknownRelation } from './nearest.js';
import type { Plan } from './plan.js';
import { quote } from './problem.js';

export interface WireDelegationSettings {
  readonly lifetime?: string;
  /** By a service's id. */
  readonly audiences?: Readonly<Record<string, readonly string[]>>;
  /** By `type#relation`. */
  readonly relations?: Readonly<Record<string, WireRelationSettings>>;
}

interface WireRelationSettings {
  readonly lifetime?: string;
  readonly online_only?: boolean;
}

export interface DelegationSettings {
  lifetimeMs(type: string, relation: string): number;
  isOnlineOnly(type: string, relation: string): boolean;
  /** Whether a user's token with this audience is meant for the service. */
  namesService(audience: string, serviceId: string): boolean;
}

/** Long enough for the calls that one request makes, short enough to be the bound of a revocation. */
const DEFAULT_LIFETIME_MS = 60_000;
const LIFETIME_MAX_MS = 300_000;

/** A deployment has some dozens of services and a few hundred permissions; this bounds the document. */
const ENTRIES_MAX = 500;
const AUDIENCES_MAX = 20;
/** Audiences are URLs sometimes. */
const TEXT_LENGTH_MAX = 254;

const ROOT = 'delegation_settings';

const reader = new AttachmentReader('invalid_delegation_settings');

/** Null for null and for settings without anything in them: there are none then. */
export function delegationSettingsFromWire(value: unknown): WireDelegationSettings | null {
  if (value === null) return null;
  const names = ['lifetime', 'audiences', 'relations'] as const;
  const { lifetime, audiences, relations } = reader.members(value, ROOT, names);
  const settings: WireDelegationSettings = {
    ...(isGiven(lifetime) && { lifetime: lifetimeOf(lifetime, `${ROOT}.lifetime`) }),
    ...(isGiven(audiences) && {
      audiences: reader.record(audiences, `${ROOT}.audiences`, ENTRIES_MAX, audiencesOf),
    }),
    ...(isGiven(relations) && {
      relations: reader.record(relations, `${ROOT}.relations`, ENTRIES_MAX, relationOf),
    }),
  };
  return Object.keys(settings).length === 0 ? null : settings;
}

const fieldOf = (member: string, name: string): string =>
  `${ROOT}.${member}.${quote(name).slice(1, -1)}`;

function audiencesOf(service: string, value: unknown): readonly string[] {
  const field = fieldOf('audiences', service);
  if (parseObject(`${ACTING_FOR.type}:${service}`) === undefined) {
    throw reader.problem(
      field,
      `is not the id of a service, such as orders for ${ACTING_FOR.type}:orders`,
    );
  }
  return reader.list(value, field, AUDIENCES_MAX, (audience, at) =>
    reader.text(audience, at, TEXT_LENGTH_MAX),
  );
}

function relationOf(name: string, value: unknown): WireRelationSettings {
  const field = fieldOf('relations', name);
  const { lifetime, online_only } = reader.members(value, field, ['lifetime', 'online_only']);
  if (isGiven(online_only) && typeof online_only !== 'boolean') {
    throw reader.problem(`${field}.online_only`, 'must be true or false');
  }
  return {
    ...(isGiven(lifetime) && { lifetime: lifetimeOf(lifetime, `${field}.lifetime`) }),
    ...(typeof online_only === 'boolean' && { online_only }),
  };
}

/** Permits count in seconds. */
function lifetimeOf(value: unknown, field: string): string {
  const text = reader.text(value, field, TEXT_LENGTH_MAX);
  const ms = parseDuration(text);
  if (Number.isNaN(ms)) throw reader.problem(field, 'must be a duration such as 60s or 2m');
  if (ms < 1000 || ms > LIFETIME_MAX_MS || ms % 1000 !== 0) {
    throw reader.problem(field, `must be whole seconds, from 1s to ${LIFETIME_MAX_MS / 1000}s`);
  }
  return text;
}

/** Throws `invalid_delegation_settings`, which names the first entry that the model has no place for. */
export function compileDelegationSettings(
  plan: Plan,
  wire: WireDelegationSettings | undefined,
): DelegationSettings {
  if (wire === undefined) return DEFAULTS;
  if (plan.relation(ACTING_FOR.type, ACTING_FOR.relation) === undefined) {
    throw reader.problem(
      ROOT,
      `the model has no relation '${ACTING_FOR.type}#${ACTING_FOR.relation}', so nothing is delegated`,
    );
  }
  for (const name of Object.keys(wire.relations ?? {})) {
    const problem = relationProblem(plan, name);
    if (problem !== undefined) throw reader.problem(fieldOf('relations', name), problem);
  }
  return settingsOf(wire);
}

function relationProblem(plan: Plan, name: string): string | undefined {
  const [type = '', relation, ...more] = name.split('#');
  if (relation === undefined || more.length > 0) return 'is not of the form type#relation';
  return unknownRelation(plan, type, relation);
}

function settingsOf({ lifetime, ...wire }: WireDelegationSettings): DelegationSettings {
  const audiences = new Map(
    Object.entries(wire.audiences ?? {}).map(([service, names]) => [service, new Set(names)]),
  );
  const relations = new Map(Object.entries(wire.relations ?? {}));
  const lifetimeMs = lifetime === undefined ? DEFAULT_LIFETIME_MS : parseDuration(lifetime);
  return Object.freeze<DelegationSettings>({
    lifetimeMs: (type, relation) => {
      const own = relations.get(`${type}#${relation}`)?.lifetime;
      return own === undefined ? lifetimeMs : parseDuration(own);
    },
    isOnlineOnly: (type, relation) => relations.get(`${type}#${relation}`)?.online_only === true,
    namesService: (audience, serviceId) =>
      audiences.get(serviceId)?.has(audience) ??
      (audience === serviceId || audience === `${ACTING_FOR.type}:${serviceId}`),
  });
}

const DEFAULTS = settingsOf({});
