import type { ErrorObject } from 'ajv';
import { PembaError } from '../errors.js';

/** What both validators, Fastify's and the pipe's, take: no coercion, no defaults, nothing removed. */
export const AJV_OPTIONS = {
  allErrors: false,
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: false,
  allowUnionTypes: true,
  strictRequired: false,
} as const;

/** The first problem that a JSON Schema found, in words that name the field. */
export function schemaProblem(errors: readonly Partial<ErrorObject>[]): PembaError {
  const [error] = errors;
  const at = fieldOf(error?.instancePath ?? '');
  const rule = error?.keyword ?? 'schema';
  const params = error?.params ?? {};
  if (rule === 'required') {
    const missing = String(Reflect.get(params, 'missingProperty'));
    const field = at === '' ? missing : `${at}.${missing}`;
    return problem(field, rule, 'value is required');
  }
  if (at === '') return problem('body', rule, `the body ${error?.message ?? 'is wrong'}`);
  if (rule === 'enum') {
    const allowed = Reflect.get(params, 'allowedValues') as readonly unknown[];
    const words = allowed.filter((value) => typeof value === 'string' && value !== '');
    return problem(at, rule, `must be one of ${words.join(', ')}`);
  }
  return problem(at, rule, error?.message ?? 'is wrong');
}

const problem = (field: string, rule: string, text: string): PembaError =>
  new PembaError('invalid_request', field === 'body' ? text : `${field}: ${text}`, {
    facts: { field, rule },
  });

/** `/checks/0/tuple_key` → `checks[0].tuple_key` */
const fieldOf = (instancePath: string): string =>
  instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => {
      if (/^\d+$/.test(part)) return `${path}[${part}]`;
      return path === '' ? part : `${path}.${part}`;
    }, '');
