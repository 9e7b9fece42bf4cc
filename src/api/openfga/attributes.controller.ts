/** Attributes of entities: the body of an answer or a request is the attributes themselves. */
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Put,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalidRequest } from '../../errors.js';
import { readAttributes, writeAttributes } from '../../operations/attributes.js';
import type { Engine } from '../../operations/engine.js';
import type { JsonObject, ObjectRef } from '../../tuple/tuple.js';
import { deedOf } from '../attribution.js';
import { BodyPipe } from '../body-pipe.js';
import { modulesOf } from '../gate.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { stamp } from './reply.js';
import { ATTRIBUTES, OBJECT_LENGTH_MAX } from './request-schemas.js';
import { objectOf, storeIdOf } from './wire.js';

/** Of the path. */
interface Place {
  readonly storeId: string;
  readonly type: string;
  readonly id: string;
}

@Controller('stores/:storeId/attributes/:type/:id')
export class AttributesController {
  readonly #engine: Engine;
  readonly #body = new BodyPipe(ATTRIBUTES);

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
  }

  @Put()
  @Needs('store:write')
  @HttpCode(204)
  async put(
    @Param() place: Place,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.#write(place, this.#body.transform(body) as JsonObject, request, reply);
  }

  @Delete()
  @Needs('store:write')
  @HttpCode(204)
  async delete(
    @Param() place: Place,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.#write(place, undefined, request, reply);
  }

  @Get()
  @Needs('store:read')
  async get(
    @Param() place: Place,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const storeId = storeIdOf(place.storeId);
    const { attributes, consistencyToken } = await readAttributes(this.#engine, {
      storeId,
      entity: entityOf(place),
    });
    stamp(reply, { storeId, consistencyToken });
    return attributes;
  }

  async #write(
    place: Place,
    attributes: JsonObject | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const modules = modulesOf(request);
    const written = await writeAttributes(this.#engine, {
      storeId: storeIdOf(place.storeId),
      entity: entityOf(place),
      attributes,
      ...(modules !== undefined && { modules }),
      ...deedOf(this.#engine.config, request, 'attributes.write'),
    });
    stamp(reply, written);
  }
}

function entityOf({ type, id }: Place): ObjectRef {
  const text = `${type}:${id}`;
  if (text.length > OBJECT_LENGTH_MAX) {
    throw invalidRequest('id', `'type:id' is longer than ${OBJECT_LENGTH_MAX} characters`);
  }
  // No type holds a colon, so this splits where the path does.
  if (type.includes(':')) throw invalidRequest('type', 'cannot be a name');
  return objectOf(text, 'id');
}
