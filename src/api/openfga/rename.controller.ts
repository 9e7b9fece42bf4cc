import { Body, Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import { DELETE_BY_FILTER_COST } from '../../identity/rate-limits.js';
import type { Engine } from '../../operations/engine.js';
import { assertRename, renameTuples } from '../../operations/rename-tuples.js';
import { deedOf } from '../attribution.js';
import { BodyPipe } from '../body-pipe.js';
import { modulesOf } from '../gate.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { COMPLETE_HEADER, stamp } from './reply.js';
import { requestSchemas } from './request-schemas.js';
import { nameOf, storeIdOf } from './wire.js';

interface RenameBody {
  readonly type: string;
  readonly relation?: string | null;
  readonly to: string;
  readonly step: 'copy' | 'clean';
  readonly dry_run?: boolean | null;
  readonly continuation_token?: string | null;
}

@Controller('stores/:storeId')
export class RenameController {
  readonly #engine: Engine;
  readonly #pipe: BodyPipe;

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
    this.#pipe = new BodyPipe(requestSchemas(engine.config).renameTuples);
  }

  @Post('rename-tuples')
  @Needs('store:write', DELETE_BY_FILTER_COST)
  @HttpCode(200)
  async rename(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    if (modulesOf(request) !== undefined) {
      throw new PembaError('forbidden', 'the caller may write the tuples of its modules only');
    }
    const wire = this.#pipe.transform(body) as RenameBody;
    const rename = {
      type: nameOf(wire.type, 'type'),
      ...(wire.relation && { relation: nameOf(wire.relation, 'relation') }),
      to: nameOf(wire.to, 'to'),
    };
    assertRename(rename);
    const id = storeIdOf(storeId);
    const dryRun = wire.dry_run ?? false;
    const renaming = await renameTuples(this.#engine, {
      storeId: id,
      rename,
      step: wire.step,
      dryRun,
      continuationToken: wire.continuation_token ?? '',
      ...deedOf(this.#engine.config, request, 'tuples.write', { rename, step: wire.step }),
    });
    stamp(reply, { storeId: id, consistencyToken: renaming.consistencyToken });
    void reply.header(COMPLETE_HEADER, String(renaming.continuationToken === ''));
    return {
      dry_run: dryRun,
      matched: renaming.matched,
      continuation_token: renaming.continuationToken,
    };
  }
}
