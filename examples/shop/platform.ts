/**
 * What the platform gives each service, as Kubernetes does with projected service account tokens: a
 * file for each audience, with a token that says which service has it. No service has a secret.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UnauthorizedException } from '@nestjs/common';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { HttpRequest } from 'pemba/nest';
import type { Peer } from 'pemba/verifier';

export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} must be set`);
  return value;
}

/** Read anew each time: the platform puts a fresh one there before the old one ends. */
export const platformToken = (audience: string): Promise<string> =>
  readFile(join(setting('PLATFORM_TOKENS'), audience), 'utf8');

/** Who calls `service`, as the platform's token in the request says. A wrong token is refused. */
export function callersOf(service: string): (request: HttpRequest) => Promise<Peer> {
  const issuer = setting('PLATFORM_ISSUER');
  const keys = createRemoteJWKSet(new URL(`${issuer}/keys`));
  return async ({ headers }) => {
    const [, token] = /^Bearer (.+)$/.exec(String(headers['authorization'])) ?? [];
    if (token === undefined) return { unauthenticated: true };
    const { payload } = await jwtVerify<PlatformClaims>(token, keys, {
      issuer,
      audience: service,
    }).catch((cause: unknown) => {
      throw new UnauthorizedException(undefined, { cause });
    });
    return { service: `service:${payload['kubernetes.io'].serviceaccount.name}` };
  };
}

interface PlatformClaims {
  readonly 'kubernetes.io': { readonly serviceaccount: { readonly name: string } };
}
