/**
 * Which server and store are meant, and with which key. What is said for this one call comes first:
 *
 *   --url, --store  >  --context  >  PEMBA_URL, PEMBA_STORE  >  PEMBA_CONTEXT, or the current context
 *
 * A file in the working directory may be anybody's, a clone's for one. Where it names a server that
 * is neither on this machine nor in the user's own file, no key goes there.
 */
import { readFileSync } from 'node:fs';
import { usageError } from './command-error.js';
import type { Context, ContextFile } from './context-file.js';

export interface TargetOptions {
  readonly url?: string | undefined;
  readonly store?: string | undefined;
  readonly context?: string | undefined;
}

export interface Files {
  /** Of this directory or one above it. */
  readonly here: ContextFile | undefined;
  /** The user's own, or the one that was named. */
  readonly own: ContextFile | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = 'http://127.0.0.1:8080';
const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

export interface Target {
  /** Without a slash at its end. */
  readonly url: string;
  readonly store: string | undefined;
  /** Read when it is wanted: it may be missing for who asks nothing. */
  readonly key: () => string | undefined;
  readonly context: string | undefined;
}

export function targetOf(options: TargetOptions, environment: Environment, files: Files): Target {
  const variable = (name: string): string | undefined => unlessEmpty(environment[name]);
  const chosen = chosenContext(options.context, variable('PEMBA_CONTEXT'), files);
  const isNamed = options.context !== undefined;
  const pick = (flag: string | undefined, name: string, own: string | undefined) =>
    flag ?? (isNamed ? (own ?? variable(name)) : (variable(name) ?? own));
  const url = pick(options.url, 'PEMBA_URL', chosen?.context.url) ?? DEFAULT_URL;
  if (!URL.canParse(url)) throw usageError(`--url ${url} is not a URL`);
  const isOfContext = url === chosen?.context.url;
  return {
    url: url.replace(/\/+$/, ''),
    store: pick(options.store, 'PEMBA_STORE', chosen?.context.store),
    context: chosen?.name,
    key: () => {
      const key = isOfContext ? keyOf(chosen.context, environment) : variable('PEMBA_API_KEY');
      if (key !== undefined && isOfContext) assertTrusted(url, chosen, files);
      return key;
    },
  };
}

interface Chosen {
  readonly name: string;
  readonly context: Context;
  readonly file: ContextFile;
}

function chosenContext(
  flag: string | undefined,
  variable: string | undefined,
  { here, own }: Files,
): Chosen | undefined {
  const name = flag ?? variable ?? here?.current ?? own?.current;
  if (name === undefined) return undefined;
  for (const file of [here, own]) {
    const context = file?.contexts.get(name);
    if (file !== undefined && context !== undefined) return { name, context, file };
  }
  const known = [here, own].flatMap((file) => [...(file?.contexts.keys() ?? [])]);
  throw usageError(
    `there is no context '${name}'; ` +
      (known.length === 0 ? 'no .pemba.yaml names any' : `there are: ${known.join(', ')}`),
  );
}

const unlessEmpty = (text: string | undefined): string | undefined =>
  text === '' ? undefined : text;

function keyOf(
  { keyVariable = 'PEMBA_API_KEY', keyFile }: Context,
  environment: Environment,
): string | undefined {
  if (keyFile === undefined) return unlessEmpty(environment[keyVariable]);
  try {
    return unlessEmpty(readFileSync(keyFile, 'utf8').trim());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(`the key of the context cannot be read: ${reason}`);
  }
}

function assertTrusted(url: string, { name, file }: Chosen, { own }: Files): void {
  const { hostname, origin } = new URL(url);
  if (file === own || LOOPBACK.has(hostname)) return;
  const known = [...(own?.contexts.values() ?? [])].some(
    (context) => context.url !== undefined && new URL(context.url).origin === origin,
  );
  if (known) return;
  throw usageError(
    `${file.path} says that context '${name}' is at ${origin}. Your key does not go where a file of ` +
      'the working directory says: give the server in ~/.pemba.yaml, or name this file by --config',
  );
}
