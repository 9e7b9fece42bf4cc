/** On to the next service: what this one was handed, for a permit that it can hand on. */
import {
  ForbiddenException,
  HttpException,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';
import { PembaClientError } from 'pemba/client';
import type { DetailIn, PembaClient } from 'pemba/client';
import { platformToken } from './platform.js';
import type { Schema } from './schema.js';

/** The user's access token, or a permit that was addressed to this service. */
export interface Held {
  readonly subjectToken: string;
  readonly subjectTokenType: 'access_token' | 'jwt';
}

export interface Next {
  readonly service: string;
  readonly url: string;
  /** What has to be permitted for it, and it alone. */
  readonly permission: DetailIn<Schema>;
}

export async function callNext(
  pemba: PembaClient<Schema>,
  held: Held,
  next: Next,
): Promise<unknown> {
  const permit = await permitFor(pemba, held, next);
  const response = await fetch(next.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await platformToken(next.service)}`, // who calls
      'pemba-permit': permit, // for whom, and what for
    },
    signal: AbortSignal.timeout(5000),
  }).catch((cause: unknown) => {
    throw new ServiceUnavailableException(undefined, { cause });
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new HttpException({ from: next.service, answer }, response.status);
  return answer;
}

async function permitFor(pemba: PembaClient<Schema>, held: Held, next: Next): Promise<string> {
  const { service, permission } = next;
  try {
    const { token } = await pemba.exchangeToken({
      ...held,
      audience: `service:${service}`,
      details: [permission],
      once: true,
    });
    return token;
  } catch (cause) {
    if (!(cause instanceof PembaClientError)) throw cause;
    switch (cause.code) {
      case 'invalid_request': // no token of a user, not for this service, expired, revoked
        throw new UnauthorizedException(undefined, { cause });
      case 'invalid_authorization_details': // may not
        throw new ForbiddenException(undefined, { cause });
      default:
        throw new ServiceUnavailableException(undefined, { cause });
    }
  }
}
