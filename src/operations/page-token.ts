/**
 * Continuation tokens: a place in a list, bound to the query that the list answers and authenticated
 * with the store's key. Opaque to clients; a token that was altered, made up, spelled in another way
 * or is handed to another query is refused. A key can leak with a dump, so whoever puts a place into
 * a statement looks at it first all the same.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { PembaError } from '../errors.js';
import { isUlid } from '../ids.js';
import type { JsonValue } from '../tuple/tuple.js';

export type Position = readonly (string | number)[];

/** What a token is bound to: the endpoint's name, the store, and everything that filters. */
export type QueryIdentity = readonly JsonValue[];

/** OpenFGA's limit for tokens; its clients count on no more. */
const MAX_TOKEN_LENGTH = 5120;
const TOKEN = /^[A-Za-z0-9_-]+$/;

/** 132 bits. The purpose keeps it apart from whatever else the key authenticates. */
const mac = (key: Uint8Array, query: QueryIdentity, position: Position): string =>
  createHmac('sha256', key)
    .update(`page\0${JSON.stringify([query, position])}`)
    .digest('base64url')
    .slice(0, 22);

/** `key` is the store's; the deployment's for a list that belongs to no store. */
export function encodePageToken(key: Uint8Array, query: QueryIdentity, position: Position): string {
  const parts = [mac(key, query, position), ...position];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Undefined for an empty token, which asks for the first page. */
export function decodePageToken(
  key: Uint8Array,
  query: QueryIdentity,
  token: string,
): Position | undefined {
  if (token === '') return undefined;
  const [, ...position] = parse(token);
  // The one spelling that this place has is what was given, so that decides the MAC as well.
  const given = Buffer.from(encodePageToken(key, query, position), 'latin1');
  const asked = Buffer.from(token, 'latin1');
  if (given.length !== asked.length || !timingSafeEqual(given, asked)) throw invalidPageToken();
  return position;
}

/** The same for a list that is ordered by ULIDs: the last one that was given. */
export function decodeUlidToken(
  key: Uint8Array,
  query: QueryIdentity,
  token: string,
): string | undefined {
  const position = decodePageToken(key, query, token);
  if (position === undefined) return undefined;
  const [id] = position;
  if (typeof id !== 'string' || !isUlid(id)) throw invalidPageToken();
  return id;
}

export const invalidPageToken = (): PembaError =>
  new PembaError('invalid_page_token', 'Invalid continuation token', {
    facts: { field: 'continuation_token' },
  });

function parse(token: string): Position {
  if (token.length > MAX_TOKEN_LENGTH || !TOKEN.test(token)) throw invalidPageToken();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch (error) {
    throw new PembaError('invalid_page_token', 'Invalid continuation token', { cause: error });
  }
  if (!Array.isArray(value) || !value.every(isPlace)) throw invalidPageToken();
  return value;
}

const isPlace = (value: unknown): value is string | number =>
  typeof value === 'string' || typeof value === 'number';

/** The page's size as asked for, or the default. */
export function pageSize(asked: number | undefined, maxPageSize: number): number {
  const size = asked ?? Math.min(DEFAULT_PAGE_SIZE, maxPageSize);
  if (!Number.isInteger(size) || size < 1 || size > maxPageSize) {
    throw new PembaError(
      'invalid_page_size',
      `page_size: must be a whole number from 1 to ${maxPageSize}`,
      { facts: { field: 'page_size', max: maxPageSize } },
    );
  }
  return size;
}

/** OpenFGA's. */
const DEFAULT_PAGE_SIZE = 50;
