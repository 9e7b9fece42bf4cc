/**
 * Bodies as YAML, for what people write by hand. What makes YAML dangerous or ambiguous is refused:
 * aliases, which multiply; tags; a key twice; keys that are no strings; several documents.
 *
 * What makes its reader slow is refused, too. It goes on after errors and collects them, with a search
 * for the place of each, and compares each key of a map with all others: 64 KiB took four seconds. Here
 * it stops at the first error, keys are compared by a set, and of tokens there is a limit, which
 * is looked at before anything is put together of them.
 */
import type { FastifyInstance } from 'fastify';
import { Composer, Lexer, LineCounter, Parser, isScalar, visit } from 'yaml';
import type { Document } from 'yaml';
import type { Config } from '../config.js';
import { PembaError } from '../errors.js';
import { unsupportedMediaType } from './json-body.js';

export const YAML_TYPES = ['application/yaml', 'text/yaml'] as const;

/** People write one in five bytes; so many take a fifth of a second. */
const MAX_TOKENS = 131_072;

const YAML_ROUTES = ['/claims-mapping', '/delegation-settings', '/authzen-mapping', '/route-table'];

export function installYamlParser(
  instance: FastifyInstance,
  { maxBodyBytes, maxModelBytes }: Pick<Config, 'maxBodyBytes' | 'maxModelBytes'>,
): void {
  instance.addContentTypeParser(
    [...YAML_TYPES],
    { parseAs: 'string', bodyLimit: Math.min(maxBodyBytes, maxModelBytes) },
    (request, text, done) => {
      const { url = '' } = request.routeOptions;
      if (!YAML_ROUTES.some((route) => url.endsWith(route))) {
        done(unsupportedMediaType(request));
        return;
      }
      try {
        done(null, parseYaml(String(text)));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

export function parseYaml(text: string): unknown {
  assertFewTokens(text);
  const lines = new LineCounter();
  try {
    const document = compose(text, lines);
    if (document === undefined) return null;
    assertPlain(document, lines);
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw error instanceof PembaError ? error : malformed(reasonOf(error), error);
  }
}

function assertFewTokens(text: string): void {
  let count = 0;
  for (const token of new Lexer().lex(text)) {
    count += token === '' ? 0 : 1;
    if (count > MAX_TOKENS) throw malformed(`it has more than ${MAX_TOKENS} tokens`);
  }
}

/** Undefined where there is none. */
function compose(text: string, lines: LineCounter): Document.Parsed | undefined {
  const composer = new Composer({
    schema: 'core',
    uniqueKeys: false,
    stringKeys: true,
    strict: true,
    logLevel: 'error',
  });
  // By no other name can the reader be told to stop; without it, a test takes too long. What it warns
  // of, such as a tag that is not known, is refused as well.
  let first: PembaError | undefined;
  Reflect.set(composer, 'onError', (at: ErrorPlace, code: string, message: string) => {
    const reason = code === 'RESOURCE_EXHAUSTION' ? TOO_DEEP : message;
    // What is thrown comes by here once more at each level above.
    throw (first ??= malformed(reason, undefined, lines.linePos(offsetOf(at))));
  });
  let found: Document.Parsed | undefined;
  const tokens = new Parser(lines.addNewLine).parse(text);
  for (const document of composer.compose(tokens, true, text.length)) {
    if (found !== undefined) throw malformed('it contains multiple documents');
    found = document;
  }
  return found;
}

type ErrorPlace = number | readonly [number, ...number[]] | { readonly offset: number };

const offsetOf = (place: ErrorPlace): number => {
  if (typeof place === 'number') return place;
  return 'offset' in place ? place.offset : place[0];
};

function assertPlain(document: Document.Parsed, lines: LineCounter): void {
  const placeOf = (range?: readonly number[] | null): Place | undefined =>
    range?.[0] === undefined ? undefined : lines.linePos(range[0]);
  visit(document, {
    Alias(_key, { range }) {
      throw malformed('it has an alias', undefined, placeOf(range));
    },
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          throw malformed('Map keys must be unique', undefined, placeOf(key.range));
        }
        seen.add(key.value);
      }
    },
  });
}

interface Place {
  readonly line: number;
  readonly col: number;
}

/** It overflows the reader. */
const TOO_DEEP = 'it is nested too deeply';

const reasonOf = (error: unknown): string =>
  error instanceof RangeError ? TOO_DEEP : 'it cannot be read';

function malformed(reason: string, cause?: unknown, place?: Place): PembaError {
  const where = place === undefined ? '' : ` at line ${place.line}, column ${place.col}`;
  // The rest of a message shows the text.
  const [sentence = ''] = reason.split('\n');
  return new PembaError('invalid_request', `body: malformed YAML: ${sentence}${where}`, {
    facts: { field: 'body' },
    cause,
  });
}
