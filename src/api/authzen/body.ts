/**
 * AuthZEN's messages are I-JSON (RFC 7493): UTF-8 without half surrogates, members named once, numbers
 * within reach. What two readers could read differently is refused, because the other reader may be
 * the gateway that decides by the answer.
 */
import type { FastifyInstance } from 'fastify';
import { PembaError } from '../../errors.js';
import { strictJson } from '../../identity/strict-json.js';
import type { JsonValue } from '../../tuple/tuple.js';

export function installStrictBody(plugin: FastifyInstance, maxBodyBytes: number): void {
  plugin.removeContentTypeParser('application/json');
  plugin.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: maxBodyBytes },
    (_request, bytes: Buffer, done) => {
      try {
        done(null, iJson(bytes));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** Throws `invalid_request`. */
export function iJson(bytes: Buffer): JsonValue {
  const value = strictJson(bytes);
  // Half a surrogate pair can only be written as an escape.
  if (value === undefined || (bytes.includes('\\u') && !isWellFormed(value))) throw malformed();
  return value;
}

function isWellFormed(value: JsonValue): boolean {
  if (typeof value === 'string') return !LONE_SURROGATE.test(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(
    ([name, member]: [string, JsonValue]) => isWellFormed(name) && isWellFormed(member),
  );
}

const LONE_SURROGATE = /[\ud800-\udfff]/u;

const malformed = (): PembaError =>
  new PembaError(
    'invalid_request',
    'body: must be JSON in UTF-8 that names no member twice and nests 32 levels at most',
    { facts: { field: 'body' } },
  );
