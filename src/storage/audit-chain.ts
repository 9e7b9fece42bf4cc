/**
 * The audit log's chain: each entry's hash covers what it says and the hash before it. Whoever changes,
 * removes or inserts an entry breaks every hash after it; whoever knows a later hash can tell. Entries
 * of tuple writes also carry a digest of the changes, which ties the change log to the chain.
 */
import { createHash } from 'node:crypto';
import type { Revision, StoreId } from '../ids.js';
import type { StoreChange } from '../tuple/attributes.js';
import { formatObject, formatTupleKey } from '../tuple/tuple.js';
import type { JsonObject, JsonValue } from '../tuple/tuple.js';

/** Who did it, and how it came. */
export interface Attribution {
  /** As `principalName` has it. */
  readonly principal: string;
  readonly address: string;
  readonly requestId: string;
}

/** What the service does of itself, such as a start. */
export const OURSELVES: Attribution = { principal: 'pemba', address: '', requestId: '' };

export const AUDIT_ACTIONS = [
  ...(['store.create', 'store.delete', 'model.write', 'assertions.write'] as const),
  ...(['tuples.write', 'tuples.import', 'grants.change', 'key.create', 'key.revoke'] as const),
  ...(['signing_key.create', 'signing_key.rotate', 'signing_key.drop'] as const),
  ...(['permits.revoke', 'attributes.write', 'store.restore'] as const),
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Something done, to be recorded in the transaction that does it. */
export interface Deed {
  readonly action: AuditAction;
  readonly by: Attribution;
  readonly details: JsonObject;
  readonly revision?: Revision;
}

export interface AuditHead {
  /** 0 before the first entry. */
  readonly sequence: number;
  readonly hash: Uint8Array;
}

export interface AuditEntry extends Deed {
  readonly sequence: number;
  readonly recordedAt: Date;
  readonly hash: Uint8Array;
}

export function chained(
  storeId: StoreId,
  head: AuditHead,
  deeds: readonly Deed[],
  recordedAt: Date,
): readonly AuditEntry[] {
  let { sequence, hash } = head;
  return deeds.map((deed) => {
    sequence++;
    const entry = { ...deed, sequence, recordedAt };
    hash = entryHash(storeId, hash, entry);
    return { ...entry, hash };
  });
}

export function entryHash(
  storeId: StoreId,
  previous: Uint8Array,
  entry: Omit<AuditEntry, 'hash'>,
): Uint8Array {
  const { principal, address, requestId } = entry.by;
  const said = [
    ...[storeId, entry.sequence, entry.recordedAt.toISOString(), entry.action],
    ...[principal, address, requestId, entry.revision ?? null, canonical(entry.details)],
  ];
  return createHash('sha256').update(previous).update(JSON.stringify(said)).digest();
}

/** Of one revision's changes, in their order. */
export function changesDigest(changes: readonly StoreChange[]): string {
  const hash = createHash('sha256');
  for (const change of changes) hash.update(`${JSON.stringify(changeLine(change))}\n`);
  return hash.digest('hex');
}

function changeLine(change: StoreChange): readonly JsonValue[] {
  switch (change.operation) {
    case 'delete':
      return ['delete', formatTupleKey(change.tuple)];
    case 'write': {
      const { condition, expiresAt = null } = change.tuple;
      const context = canonical(condition?.context ?? {});
      return ['write', formatTupleKey(change.tuple), condition?.name ?? null, context, expiresAt];
    }
    case 'attributes': {
      const { entity, attributes } = change;
      const text = attributes === undefined ? null : canonical(attributes);
      return ['attributes', formatObject(entity), text];
    }
  }
}

/** The same text however the members came to be ordered: PostgreSQL's jsonb orders them anew. */
function canonical(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = Object.entries(value as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}
