import {
  Body,
  Controller,
  Get,
  Inject,
  Param,
  Post,
  Put,
  HttpCode,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalidRequest } from '../../errors.js';
import { readAssertions, writeAssertions } from '../../operations/assertions.js';
import type { Assertion } from '../../operations/assertions.js';
import type { Engine } from '../../operations/engine.js';
import { getModel, listModels, writeModel } from '../../operations/models.js';
import type { IdentifiedModel, ModelSource } from '../../operations/models.js';
import { attachmentChangesFrom } from '../../schema/attachments.js';
import { modelFromDsl, modelToDsl } from '../../schema/dsl.js';
import { modelFromWire, modelToWire } from '../../schema/wire.js';
import type { JsonObject } from '../../tuple/tuple.js';
import { BodyPipe } from '../body-pipe.js';
import { DELEGATION_CHANGES_HEADER, changesToWire } from '../implications.js';
import { DslText } from '../json-body.js';
import { deedOf } from '../attribution.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { PagingQuery, validated } from '../validated.js';
import { writingOf } from './model-writing.js';
import { requestSchemas } from './request-schemas.js';
import {
  contextOf,
  flatContextualTuplesOf,
  keyOf,
  keyToWire,
  modelIdOf,
  storeIdOf,
  tupleToWire,
} from './wire.js';
import type { WireTuple, WireTupleKey } from './wire.js';

interface AssertionsBody {
  readonly assertions: readonly {
    readonly tuple_key: WireTupleKey;
    readonly expectation: boolean;
    readonly contextual_tuples?: readonly WireTuple[] | null;
    readonly context?: JsonObject | null;
  }[];
}

@Controller('stores/:storeId')
export class ModelsController {
  readonly #engine: Engine;
  readonly #modelPipe: BodyPipe;
  readonly #assertionsPipe: BodyPipe;

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
    const schemas = requestSchemas(engine.config);
    this.#modelPipe = new BodyPipe(schemas.writeModel);
    this.#assertionsPipe = new BodyPipe(schemas.writeAssertions);
  }

  /** The body is OpenFGA's JSON, or the DSL itself with `content-type: text/plain`. */
  @Post('authorization-models')
  @Needs('store:model')
  async write(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const source =
      body instanceof DslText
        ? modelFromDsl(body.text)
        : modelSourceOf(this.#modelPipe.transform(body) as object);
    const { id, implications } = await writeModel(this.#engine, storeIdOf(storeId), {
      ...source,
      ...writingOf(request),
      ...deedOf(this.#engine.config, request, 'model.write'),
    });
    const changes = changesToWire(implications);
    if (changes === undefined) return { authorization_model_id: id };
    void reply.header(DELEGATION_CHANGES_HEADER, changes.header);
    return { authorization_model_id: id, delegation_changes: changes.body };
  }

  @Get('authorization-models')
  @Needs('store:read')
  async list(@Param('storeId') storeId: string, @Query() query: unknown): Promise<object> {
    const { page_size, continuation_token } = validated(PagingQuery, query);
    const page = await listModels(this.#engine, storeIdOf(storeId), {
      continuationToken: continuation_token ?? '',
      ...(page_size !== undefined && { pageSize: page_size }),
    });
    return {
      authorization_models: page.models.map(identifiedToWire),
      continuation_token: page.continuationToken,
    };
  }

  /** `?format=dsl` answers the DSL as text. */
  @Get('authorization-models/:modelId')
  @Needs('store:read')
  async get(
    @Param('storeId') storeId: string,
    @Param('modelId') modelId: string,
    @Query('format') format: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object | string> {
    if (format !== undefined && format !== 'json' && format !== 'dsl') {
      throw invalidRequest('format', 'must be json or dsl');
    }
    const found = await getModel(this.#engine, storeIdOf(storeId), modelIdOf(modelId));
    if (format !== 'dsl') return { authorization_model: identifiedToWire(found) };
    void reply.header('content-type', 'text/plain; charset=utf-8');
    return modelToDsl(found.model);
  }

  @Put('assertions/:modelId')
  @Needs('store:model')
  @HttpCode(204)
  async writeAssertions(
    @Param('storeId') storeId: string,
    @Param('modelId') modelId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const wire = this.#assertionsPipe.transform(body) as AssertionsBody;
    const assertions = wire.assertions.map((assertion, i) => ({
      key: keyOf(assertion.tuple_key, `assertions[${i}].tuple_key`),
      expectation: assertion.expectation,
      contextualTuples: flatContextualTuplesOf(assertion.contextual_tuples),
      context: assertion.context
        ? contextOf(assertion.context, `assertions[${i}].context`)
        : undefined,
    }));
    await writeAssertions(this.#engine, storeIdOf(storeId), modelIdOf(modelId), {
      body: assertions.map(assertionToWire),
      assertions,
      ...deedOf(this.#engine.config, request, 'assertions.write'),
    });
  }

  @Get('assertions/:modelId')
  @Needs('store:read')
  async readAssertions(
    @Param('storeId') storeId: string,
    @Param('modelId') modelId: string,
  ): Promise<object> {
    const id = modelIdOf(modelId);
    const assertions = await readAssertions(this.#engine, storeIdOf(storeId), id);
    return { authorization_model_id: id, assertions: assertions ?? [] };
  }
}

const modelSourceOf = (body: object): ModelSource => ({
  model: modelFromWire(body),
  attachments: attachmentChangesFrom(body),
});

const identifiedToWire = (found: IdentifiedModel): object => ({
  id: found.id,
  ...modelToWire(found.model),
  ...found.attachments,
  metadata: { created_at: found.createdAt.toISOString(), ...found.metadata },
});

/** With every member, as OpenFGA answers it. */
const assertionToWire = (assertion: Assertion): object => ({
  tuple_key: keyToWire(assertion.key),
  expectation: assertion.expectation,
  contextual_tuples: assertion.contextualTuples.map(tupleToWire),
  context: assertion.context ?? null,
});
