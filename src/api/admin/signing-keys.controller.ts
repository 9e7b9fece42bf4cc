import { Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ListedKey, SigningKeys } from '../../delegation/signing-keys.js';
import { invalidRequest } from '../../errors.js';
import type { Engine } from '../../operations/engine.js';
import { deedOf } from '../attribution.js';
import { Needs } from '../needs.js';
import { ENGINE, SIGNING } from '../tokens.js';

/** A SHA-256 in base64url. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** Each answer is how all keys stand afterwards. */
@Controller('admin/signing-keys')
export class SigningKeysController {
  readonly #engine: Engine;
  readonly #signing: SigningKeys;

  constructor(@Inject(ENGINE) engine: Engine, @Inject(SIGNING) signing: SigningKeys) {
    this.#engine = engine;
    this.#signing = signing;
  }

  @Get()
  @Needs('deployment:admin')
  list(): object {
    return keysToWire(this.#signing.list());
  }

  @Post('rotate')
  @Needs('deployment:admin')
  @HttpCode(200)
  async rotate(@Req() request: FastifyRequest): Promise<object> {
    const { deed } = deedOf(this.#engine.config, request, 'signing_key.rotate');
    return keysToWire(await this.#signing.rotate(deed));
  }

  /** For a key that somebody else may have. */
  @Post(':kid/drop')
  @Needs('deployment:admin')
  @HttpCode(200)
  async drop(@Param('kid') kid: string, @Req() request: FastifyRequest): Promise<object> {
    if (!THUMBPRINT.test(kid)) throw invalidRequest('kid', 'must be a thumbprint (43 characters)');
    const { deed } = deedOf(this.#engine.config, request, 'signing_key.drop', { kid });
    return keysToWire(await this.#signing.drop(kid, deed));
  }
}

const keysToWire = (keys: readonly ListedKey[]): object => ({ signing_keys: keys.map(keyToWire) });

const keyToWire = ({ id, algorithm, state, createdAt, activeFrom }: ListedKey): object => ({
  kid: id,
  alg: algorithm,
  state,
  created_at: createdAt?.toISOString() ?? null,
  active_from: activeFrom?.toISOString() ?? null,
});
