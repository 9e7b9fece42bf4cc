/**
 * `.pemba.yaml`: servers by name, so that a command says `--context production`.
 *
 *   current: local
 *   contexts:
 *     local:
 *       url: http://127.0.0.1:8080
 *       store: 01JB…
 *     production:
 *       url: https://pemba.example.com
 *       api_key_env: PEMBA_PRODUCTION_KEY      # or api_key_file: /run/secrets/pemba
 *
 * A key itself never stands in it: such files are committed and shown.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { usageError } from './command-error.js';

export interface Context {
  readonly url: string | undefined;
  readonly store: string | undefined;
  /** Names a variable. */
  readonly keyVariable: string | undefined;
  /** An absolute path. */
  readonly keyFile: string | undefined;
}

export interface ContextFile {
  readonly path: string;
  readonly current: string | undefined;
  readonly contexts: ReadonlyMap<string, Context>;
}

const MEMBERS = ['url', 'store', 'api_key_env', 'api_key_file'] as const;

/** A usage error names the file and the field. */
export function readContextFile(path: string): ContextFile {
  const document = documentOf(path);
  const root = membersOf(document.toJS() ?? {}, path, ['current', 'contexts']);
  const contexts = new Map(
    Object.entries(objectOf(root['contexts'] ?? {}, `${path}: contexts`)).map(([name, value]) => [
      name,
      contextOf(value, `${path}: contexts.${name}`, dirname(path)),
    ]),
  );
  return { path, current: textIn(root, 'current', path), contexts };
}

/** The text with another `current`; comments stay. */
export function withCurrent(path: string, name: string): string {
  const document = documentOf(path);
  document.set('current', name);
  return document.toString();
}

function documentOf(path: string): ReturnType<typeof parseDocument> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`${path} cannot be read: ${error instanceof Error ? error.message : ''}`);
  }
  const document = parseDocument(text, { schema: 'core', logLevel: 'error' });
  const [problem] = document.errors;
  if (problem === undefined) return document;
  throw usageError(`${path}: ${problem.message.split('\n')[0] ?? ''}`);
}

function contextOf(value: unknown, where: string, directory: string): Context {
  if (typeof value === 'object' && value !== null && 'api_key' in value) {
    throw usageError(
      `${where}.api_key: a key does not belong here; name a variable by api_key_env, or a file by api_key_file`,
    );
  }
  const members = membersOf(value, where, MEMBERS);
  const url = textIn(members, 'url', where);
  if (url !== undefined && !URL.canParse(url)) throw usageError(`${where}.url: ${url} is no URL`);
  const keyFile = textIn(members, 'api_key_file', where);
  return {
    url,
    store: textIn(members, 'store', where),
    keyVariable: textIn(members, 'api_key_env', where),
    keyFile: keyFile === undefined ? undefined : resolve(directory, keyFile),
  };
}

type Members = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, where: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw usageError(`${where}: must have members`);
}

function membersOf(value: unknown, where: string, names: readonly string[]): Members {
  const members = objectOf(value ?? {}, where);
  const unknown = Object.keys(members).find((name) => !names.includes(name));
  if (unknown === undefined) return members;
  throw usageError(`${where}: has no member '${unknown}': ${names.join(', ')}`);
}

function textIn(members: Members, name: string, where: string): string | undefined {
  const value = members[name] ?? undefined;
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw usageError(`${where}.${name}: must be a text`);
}
