/**
 * The JSON Schemas for editors take what the readers take. `schema/editor/` holds them;
 * `PEMBA_UPDATE_SCHEMA=1` writes it anew.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { KINDS, editorSchema } from '../../../src/cli/schema/editor-schemas.js';
import type { EditorKind } from '../../../src/cli/schema/editor-schemas.js';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'schema');
const ajv = new Ajv({ strict: false, allErrors: true });

function problemsOf(kind: EditorKind, text: string): readonly string[] {
  const isValid = ajv.compile(editorSchema(kind));
  isValid(parse(text));
  return (isValid.errors ?? []).map(({ instancePath, message = '', params }) =>
    [instancePath, message, ...Object.values(params as object).map(String)].join(' '),
  );
}

describe('JSON Schemas for editors', () => {
  it.each(KINDS)('has %s in its file', (kind) => {
    const path = join(FOLDER, 'editor', `${kind}.json`);
    const text = `${JSON.stringify(editorSchema(kind), null, 2)}\n`;
    if (process.env['PEMBA_UPDATE_SCHEMA'] === '1') {
      mkdirSync(join(FOLDER, 'editor'), { recursive: true });
      writeFileSync(path, text);
    }
    expect(existsSync(path) && readFileSync(path, 'utf8')).toBe(text);
  });

  it.each([
    ['store-file', 'shop/shop.fga.yaml'],
    ['claims-mapping', 'token-claims/claims-mapping.yaml'],
  ] as const)('of %s takes %s', (kind, file) => {
    expect(problemsOf(kind, readFileSync(join(FOLDER, file), 'utf8'))).toEqual([]);
  });

  it.each([
    ['store-file', 'test: []', /additional.*test/],
    ['store-file', 'tests: [{ check: [] }]', /name/],
    [
      'store-file',
      'tests: [{ name: a, check: [{ user: user:a, object: d:1, assertion: {} }] }]',
      /assertion/,
    ],
    [
      'store-file',
      'tests: [{ name: a, list_users: [{ object: d:1, assertions: { r: [] } }] }]',
      /user_filter/,
    ],
    [
      'store-file',
      'tuples: [{ user: user:a, relation: r, object: d:1, expire_at: x }]',
      /expire_at/,
    ],
    ['route-table', 'routes: [{ path: /a, method: GET }]', /method/],
    ['authzen-mapping', 'types: { doc: { action: [] } }', /action/],
    ['claims-mapping', 'tuples: [{ each: roles }]', /tuple/],
    ['delegation-settings', 'relations: { doc#r: { online: true } }', /online/],
    ['contexts', 'contexts: { a: { api_key: x } }', /api_key/],
  ] as const)('of %s underlines what is wrong in `%s`', (kind, text, problem) => {
    expect(problemsOf(kind, text).join('\n')).toMatch(problem);
  });

  it.each([
    [
      'route-table',
      'routes: [{ path: "/o/{o}", methods: [GET], require: "o:{path.o}#r", cache: 5s }]',
    ],
    [
      'authzen-mapping',
      'types: { doc: { actions: [r], obligations: { r: [{ on: deny, type: step-up }] } } }',
    ],
    ['delegation-settings', 'lifetime: 30s'],
    ['contexts', 'current: a\ncontexts: { a: { url: "http://x", api_key_env: K } }'],
    [
      'store-file',
      'model: x\ntests: [{ name: a, delegated_check: [{ user: user:a, actor: service:o, object: d:1, assertions: { r: true } }] }]',
    ],
  ] as const)('of %s takes `%s`', (kind, text) => {
    expect(problemsOf(kind, text)).toEqual([]);
  });
});
