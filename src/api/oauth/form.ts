/**
 * A form in which every parameter has one meaning: none is given twice, nothing is decoded by guess.
 * A parameter without a value counts as left out (RFC 6749, 3.2).
 */
import { PembaError, invalidRequest } from '../../errors.js';
import { decodeFormText } from '../../identity/form-text.js';
import type { JsonObject, JsonValue } from '../../tuple/tuple.js';
import { isJsonObject, strictJson } from '../../identity/strict-json.js';

export type Form = ReadonlyMap<string, string>;

/** Twice what an exchange knows. */
const MAX_PARAMETERS = 32;
/** Of one parameter, decoded: sixteen details with a kilobyte of context each. */
export const MAX_JSON_BYTES = 16_384;
/** No text of ours holds them, and logs must not. JSON may be indented. */
// eslint-disable-next-line no-control-regex -- control characters are what it refuses
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Others may be named several times by RFC 8693; a token of ours is for one. */
const TARGETS = new Set(['audience', 'resource']);

export function readForm(text: string): Form {
  const pairs = text === '' ? [] : text.split('&', MAX_PARAMETERS + 1);
  if (pairs.length > MAX_PARAMETERS) {
    throw invalidRequest('body', `has more than ${MAX_PARAMETERS} parameters`);
  }
  const seen = new Set<string>();
  const form = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = decodeFormText(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodeFormText(pair.slice(equals + 1));
    if (name === undefined || value === undefined || CONTROL.test(name + value)) {
      throw invalidRequest('body', 'is not application/x-www-form-urlencoded');
    }
    if (seen.has(name)) throw repeated(name);
    seen.add(name);
    if (value !== '') form.set(name, value);
  }
  return form;
}

function repeated(name: string): PembaError {
  if (TARGETS.has(name)) {
    return new PembaError('invalid_target', `${name}: a token is for one service`, {
      facts: { field: name, rule: 'several_targets' },
    });
  }
  return new PembaError('invalid_request', 'a parameter is given twice', {
    facts: { rule: 'repeated_parameter' },
  });
}

/** Undefined where it is left out; throws `invalid_request` for what is no JSON, or ambiguous. */
export function jsonParameter(form: Form, name: string): JsonValue | undefined {
  const text = form.get(name);
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > MAX_JSON_BYTES) throw invalidRequest(name, 'is too long');
  const value = strictJson(bytes);
  if (value === undefined) throw invalidRequest(name, 'is not JSON, or is ambiguous or too deep');
  return value;
}

export function objectParameter(form: Form, name: string): JsonObject | undefined {
  const value = jsonParameter(form, name);
  if (value === undefined || isJsonObject(value)) return value;
  throw invalidRequest(name, 'must be a JSON object');
}
