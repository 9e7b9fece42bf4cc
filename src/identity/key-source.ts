/**
 * Where an issuer's keys are read: at its URL, at the URL that its metadata names, in a file, or
 * where they were given.
 * Nothing of a token goes into an address. Redirects are not followed, bodies are cut off, and the
 * metadata must speak of the configured issuer; so the issuer, not who answers, decides.
 *
 * A file is read whole each time instead of looking at its time of change: mounted secrets are
 * swapped by links whose times tell little, and the file is small.
 */
import { readFile, stat } from 'node:fs/promises';
import { boundedBody } from './bounded-body.js';
import type { KeySource } from './issuers.js';
import { isJsonObject, strictJson } from './strict-json.js';
import { webAddressProblem } from './web-address.js';

export interface KeyDocument {
  readonly bytes: Uint8Array;
  /** For how long the source says that it holds; undefined when it says nothing. */
  readonly maxAgeMs: number | undefined;
}

export type Fetch = typeof globalThis.fetch;

/** A hundred RSA keys with their certificates. */
const DOCUMENT_BYTES_MAX = 262_144;
/** A changed file is seen this soon. */
const FILE_MAX_AGE_MS = 60_000;

/** Rejects with a sentence for the log. */
export async function readKeyDocument(
  source: KeySource,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<KeyDocument> {
  switch (source.kind) {
    case 'file':
      return readKeyFile(source.path);
    case 'given':
      return { bytes: source.set, maxAgeMs: undefined };
    case 'url':
      return get(source.url, fetch, signal);
    case 'discovery':
      return get(await discover(source, fetch, signal), fetch, signal);
  }
}

async function readKeyFile(path: string): Promise<KeyDocument> {
  const { size } = await stat(path);
  if (size > DOCUMENT_BYTES_MAX) throw new Error(`${path} is too large`);
  return { bytes: await readFile(path), maxAgeMs: FILE_MAX_AGE_MS };
}

type Discovery = Extract<KeySource, { readonly kind: 'discovery' }>;

async function discover(
  { issuer, jwksHost }: Discovery,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<string> {
  const { bytes, url } = await getMetadata(issuer, fetch, signal);
  const metadata = strictJson(bytes);
  if (!isJsonObject(metadata)) throw new Error(`${url} is no JSON object`);
  const { issuer: named, jwks_uri: keys } = metadata;
  if (named !== issuer) throw new Error(`${url} speaks of another issuer`);
  if (typeof keys !== 'string') throw new Error(`${url} names no jwks_uri`);
  const problem = webAddressProblem(keys);
  if (problem !== undefined) throw new Error(`the jwks_uri of ${url} ${problem}`);
  if (new URL(keys).host !== jwksHost) {
    throw new Error(`the jwks_uri of ${url} is not at ${jwksHost}: see jwks_host`);
  }
  return keys;
}

/** OpenID Connect puts the well-known part behind the issuer's path, RFC 8414 before it. */
async function getMetadata(
  issuer: string,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<KeyDocument & { readonly url: string }> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const openid = `${origin}${path}/.well-known/openid-configuration`;
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`;
  try {
    return { ...(await get(openid, fetch, signal)), url: openid };
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    return { ...(await get(oauth, fetch, signal)), url: oauth };
  }
}

class NotThere extends Error {}

async function get(url: string, fetch: Fetch, signal: AbortSignal): Promise<KeyDocument> {
  const headers = { accept: 'application/json' };
  const response = await fetch(url, { headers, signal, redirect: 'manual' });
  if (response.status !== 200) {
    await response.body?.cancel();
    if (response.status === 404) throw new NotThere(`${url} answered 404`);
    throw new Error(`${url} answered ${response.status}`);
  }
  const bytes = await boundedBody(response, DOCUMENT_BYTES_MAX);
  return { bytes, maxAgeMs: maxAgeMs(response.headers.get('cache-control')) };
}

function maxAgeMs(cacheControl: string | null): number | undefined {
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(cacheControl ?? '') ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
