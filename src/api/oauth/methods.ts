/**
 * These paths know one method each, and say so: RFC 9110 has 405 with `Allow` for the others, which
 * elsewhere are answered as OpenFGA does. What a header would have the method be does not matter.
 */
import type { FastifyInstance } from 'fastify';

const METHODS: readonly (readonly [path: RegExp, method: string])[] = [
  [/^(\/stores\/[^/]+)?\/oauth\/token$/, 'POST'],
  [/^\/\.well-known\/oauth-authorization-server(\/stores\/[^/]+)?$/, 'GET'],
];

export function refuseOtherMethods(instance: FastifyInstance): void {
  instance.addHook('onRequest', (request, reply, done) => {
    const allowed = request.is404 ? allowedAt(request.url) : undefined;
    if (allowed === undefined) {
      done();
      return;
    }
    const description = `the method must be ${allowed}`;
    void reply
      .code(405)
      .header('allow', allowed)
      .header('cache-control', 'no-store')
      .header('pragma', 'no-cache')
      .header('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify({ error: 'invalid_request', error_description: description }));
  });
}

function allowedAt(url: string): string | undefined {
  const [path = ''] = url.split('?', 1);
  return METHODS.find(([pattern]) => pattern.test(path))?.[1];
}
