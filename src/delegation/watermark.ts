/** A watermark: of certain tokens, those that were issued up to a moment count for nothing any more. */
import { isJsonObject } from '../identity/strict-json.js';
import type { JsonValue } from '../tuple/tuple.js';

export type WatermarkKind = 'jti' | 'sub' | 'act' | 'txn' | 'all';

export interface Watermark {
  readonly id: number;
  readonly kind: WatermarkKind;
  /** The token's id, its subject, one of its actors, its transaction; '' where all are meant. */
  readonly value: string;
  /** Seconds since 1970; a token of that very second is concerned. */
  readonly notBefore: number;
  /** Seconds since 1970: by then every token that it concerns has expired. */
  readonly expiresAt: number;
}

const KINDS: readonly WatermarkKind[] = ['jti', 'sub', 'act', 'txn', 'all'];

/**
 * From the wire. Undefined for what is no watermark. A kind that is not known is read as `all`: it
 * revokes something, and to refuse too much for five minutes is the lesser evil.
 */
export function readWatermark(value: JsonValue | undefined): Watermark | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, kind, value: of, not_before: notBefore, expires: expiresAt } = value;
  const isComplete =
    isSeconds(id) && typeof kind === 'string' && typeof of === 'string' && isSeconds(notBefore);
  if (!isComplete || !isSeconds(expiresAt)) return undefined;
  const known = KINDS.find((one) => one === kind);
  if (known === undefined) return { id, kind: 'all', value: '', notBefore, expiresAt };
  return { id, kind: known, value: of, notBefore, expiresAt };
}

const isSeconds = (value: JsonValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
