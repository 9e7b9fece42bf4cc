import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SigningKeys } from '../../delegation/signing-keys.js';
import { Needs } from '../needs.js';
import { SIGNING } from '../tokens.js';

const JWK_SET = 'application/jwk-set+json';

@Controller('.well-known')
export class JwksController {
  readonly #signing: SigningKeys;

  constructor(@Inject(SIGNING) signing: SigningKeys) {
    this.#signing = signing;
  }

  /** For verifiers, which ask again when the max-age is over or a key is new to them. */
  @Get('jwks.json')
  @Needs('public')
  async jwks(@Req() { headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { body, etag, maxAgeSeconds } = this.#signing.published();
    void reply
      .header('cache-control', `public, max-age=${maxAgeSeconds}`)
      .header('vary', 'accept')
      .header('etag', etag);
    if (namesTag(headers['if-none-match'], etag)) {
      await reply.code(304).send();
      return;
    }
    // As bytes: to a text Fastify adds a charset, which neither type has.
    await reply.header('content-type', mediaTypeFor(headers.accept)).send(Buffer.from(body));
  }
}

/** RFC 7517 has a type of its own; a client that takes plain JSON alone gets that. */
function mediaTypeFor(accept = '*/*'): string {
  const types = accept.split(',').map((range) => range.split(';', 1).join('').trim().toLowerCase());
  const takesAny = [JWK_SET, 'application/*', '*/*'].some((type) => types.includes(type));
  return takesAny || !types.includes('application/json') ? JWK_SET : 'application/json';
}

/** RFC 9110, 13.1.2: any of a list, weak or not, or whatever there is. */
function namesTag(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || header?.trim() === '*';
}
