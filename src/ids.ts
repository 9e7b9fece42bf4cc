import { randomFillSync } from 'node:crypto';
import { incrementBase32, monotonicFactory } from 'ulid';

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A store's ULID: 26 upper-case Crockford characters. */
export type StoreId = Branded<string, 'StoreId'>;
/** An authorization model's ULID; a later model of a store has a greater one. */
export type ModelId = Branded<string, 'ModelId'>;
/** An API key's ULID: the part of the key that may be shown. */
export type KeyId = Branded<string, 'KeyId'>;
/** The id of a store's object of type `service`: `orders` of `service:orders`. */
export type ServiceId = Branded<string, 'ServiceId'>;
/** A store's gapless change counter: 0 before the first write, then 1, 2, 3 … */
export type Revision = Branded<number, 'Revision'>;

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export const isUlid = (text: string): boolean => ULID.test(text);

export function asRevision(value: number): Revision {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no revision: ${value}`);
  return value as Revision;
}

/** The one that follows it; there is always one, for its time has room in its first bits. */
export const ulidAfter = (ulid: string): string => incrementBase32(ulid);

/** Makes ULIDs that rise strictly within this process, from the given clock (ms since 1970). */
export function ulidFactory(clock: () => number): () => string {
  const next = monotonicFactory(pooledRandom());
  return () => next(clock());
}

const POOL_BYTES = 4096;

/** From 0 up to 1, in steps of 1/256: for one of 32 characters. Drawing bytes singly takes long. */
function pooledRandom(): () => number {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return () => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    return (pool[used++] ?? 0) / 256;
  };
}
