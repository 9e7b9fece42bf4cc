import { Controller, Get, Inject } from '@nestjs/common';
import type { Engine } from '../../operations/engine.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { openApiDocument } from './openapi.js';

@Controller()
export class OpenApiController {
  readonly #document: object;

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#document = openApiDocument(engine.config);
  }

  @Get('openapi.json')
  @Needs('public')
  document(): object {
    return this.#document;
  }
}
