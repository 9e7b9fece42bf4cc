import { Controller, Get, Inject } from '@nestjs/common';
import { Needs } from './needs.js';
import { OPENAPI } from './tokens.js';

@Controller()
export class OpenApiController {
  readonly #document: object;

  constructor(@Inject(OPENAPI) document: object) {
    this.#document = document;
  }

  @Get('openapi.json')
  @Needs('public')
  document(): object {
    return this.#document;
  }
}
