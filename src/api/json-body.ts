/**
 * Reading bodies. JSON everywhere; text only where a model may come as DSL. Depth is bounded before
 * the text is parsed, because everything behind recurses along it.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../errors.js';

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly maxJsonDepth: number;
}

const DSL_ROUTES = ['/authorization-models', '/impact'];

/** A model's text: no JSON body is one, not even a string. */
export class DslText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export function installBodyParsers(instance: FastifyInstance, limits: BodyLimits): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: limits.maxBodyBytes },
    (_request, text, done) => {
      try {
        done(null, parseJson(String(text), limits.maxJsonDepth));
      } catch (error) {
        done(error as Error);
      }
    },
  );
  instance.addContentTypeParser(
    'text/plain',
    { parseAs: 'string', bodyLimit: limits.maxBodyBytes },
    (request, text, done) => {
      const { url = '' } = request.routeOptions;
      if (DSL_ROUTES.some((route) => url.endsWith(route))) {
        done(null, new DslText(String(text)));
      } else {
        done(unsupportedMediaType(request));
      }
    },
  );
}

export const unsupportedMediaType = ({ headers }: FastifyRequest): PembaError =>
  new PembaError(
    'unsupported_media_type',
    `content-type '${headers['content-type'] ?? ''}' is not supported: send application/json`,
    { facts: { field: 'content-type' } },
  );

export function parseJson(text: string, maxDepth: number): unknown {
  if (text === '') return undefined;
  if (isDeeper(text, maxDepth)) {
    throw invalidRequest('body', `the JSON nests deeper than ${maxDepth} levels`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be read';
    throw new PembaError('invalid_request', `body: malformed JSON: ${reason}`, {
      facts: { field: 'body' },
      cause: error,
    });
  }
}

/** Brackets inside strings do not count. */
export function isDeeper(text: string, maxDepth: number): boolean {
  if (text.length <= maxDepth) return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) {
      inString = true;
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > maxDepth) return true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
