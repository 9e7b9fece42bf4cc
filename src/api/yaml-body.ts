/**
 * Bodies as YAML, for the little that people write by hand. What makes YAML dangerous or ambiguous is
 * refused: aliases, which multiply; tags; a key twice; keys that are no strings; several documents.
 */
import type { FastifyInstance } from 'fastify';
import { parseDocument } from 'yaml';
import { PembaError } from '../errors.js';
import { unsupportedMediaType } from './json-body.js';

export const YAML_TYPES = ['application/yaml', 'text/yaml'] as const;

/** The reader takes a fifth of a second for the worst of these: nested without end, or all keys. */
const MAX_YAML_BYTES = 16_384;

const YAML_ROUTES = ['/claims-mapping', '/delegation-settings', '/authzen-mapping', '/route-table'];

export function installYamlParser(instance: FastifyInstance): void {
  instance.addContentTypeParser(
    [...YAML_TYPES],
    { parseAs: 'string', bodyLimit: MAX_YAML_BYTES },
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
  const document = parseDocument(text, {
    schema: 'core',
    uniqueKeys: true,
    stringKeys: true,
    strict: true,
    logLevel: 'error',
  });
  // A tag that is not known is no more than a warning.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw malformed(problem);
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw malformed(error);
  }
}

function malformed(error: unknown): PembaError {
  // The rest of a message shows the text.
  const [reason = ''] = error instanceof Error ? error.message.split('\n') : ['it cannot be read'];
  return new PembaError('invalid_request', `body: malformed YAML: ${reason.replace(/:$/, '')}`, {
    facts: { field: 'body' },
    cause: error,
  });
}
