import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../../errors.js';
import { readChanges } from '../../operations/changes.js';
import { deleteByFilter } from '../../operations/delete-by-filter.js';
import type { Engine } from '../../operations/engine.js';
import { expand } from '../../operations/expand.js';
import { read } from '../../operations/read.js';
import { write } from '../../operations/write.js';
import { isEmptyFilter } from '../../tuple/filter.js';
import { BodyPipe } from '../body-pipe.js';
import { deedOf } from '../attribution.js';
import { DELETE_BY_FILTER_COST, LIST_COST } from '../../identity/rate-limits.js';
import { chargeMore, modulesOf } from '../gate.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { DeleteByFilterBody } from './administrative.js';
import { validated } from '../validated.js';
import { treeToWire } from './expand-tree.js';
import { COMPLETE_HEADER, consistencyTokenOf, stamp } from './reply.js';
import { requestSchemas } from './request-schemas.js';
import type { RequestSchemas } from './request-schemas.js';
import {
  consistencyOf,
  contextualTuplesOf,
  filterOf,
  instantOf,
  keyOf,
  objectOf,
  optionalModelId,
  nameOf,
  storeIdOf,
  tupleOf,
  tupleToWire,
} from './wire.js';
import type { WireFilter, WireTarget, WireTuple, WireTupleKey } from './wire.js';

interface WriteBody {
  readonly writes?: {
    readonly tuple_keys: readonly WireTuple[];
    readonly on_duplicate?: string | null;
  } | null;
  readonly deletes?: {
    readonly tuple_keys: readonly WireTupleKey[];
    readonly on_missing?: string | null;
  } | null;
  readonly authorization_model_id?: string | null;
}

interface ReadBody {
  readonly tuple_key?: WireFilter | null;
  readonly page_size?: number | null;
  readonly continuation_token?: string | null;
}

interface ExpandBody extends WireTarget {
  readonly tuple_key: { readonly relation: string; readonly object: string };
  readonly contextual_tuples?: { readonly tuple_keys?: readonly WireTuple[] } | null;
  readonly max_depth?: number | null;
}

@Controller('stores/:storeId')
export class TuplesController {
  readonly #engine: Engine;
  readonly #pipes: Readonly<Record<'write' | 'read' | 'expand', BodyPipe>>;

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
    const schemas: RequestSchemas = requestSchemas(engine.config);
    this.#pipes = {
      write: new BodyPipe(schemas.write),
      read: new BodyPipe(schemas.read),
      expand: new BodyPipe(schemas.expand),
    };
  }

  @Post('write')
  @Needs('store:write')
  @HttpCode(200)
  async write(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const wire = this.#pipes.write.transform(body) as WriteBody;
    const tuples = (wire.writes?.tuple_keys.length ?? 0) + (wire.deletes?.tuple_keys.length ?? 0);
    chargeMore(request, reply, tuples - 1);
    const modules = modulesOf(request);
    const written = await write(this.#engine, {
      storeId: storeIdOf(storeId),
      ...(modules !== undefined && { modules }),
      ...deedOf(this.#engine.config, request, 'tuples.write'),
      ...optionalModelId(wire.authorization_model_id),
      writes: tuplesOf(wire.writes, 'writes', tupleOf),
      deletes: tuplesOf(wire.deletes, 'deletes', keyOf),
      onDuplicate: choiceOf('on_duplicate', wire.writes?.on_duplicate, ON_DUPLICATE),
      onMissing: choiceOf('on_missing', wire.deletes?.on_missing, ON_MISSING),
    });
    stamp(reply, written);
    return {};
  }

  @Post('read')
  @Needs('store:read')
  @HttpCode(200)
  async read(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const wire = this.#pipes.read.transform(body ?? {}) as ReadBody;
    const filter = filterOf(wire.tuple_key ?? {}, 'tuple_key');
    if (wire.tuple_key && isEmptyFilter(filter)) {
      throw invalidRequest('tuple_key', 'name at least one of user, relation and object');
    }
    const id = storeIdOf(storeId);
    const list = await read(this.#engine, {
      storeId: id,
      filter,
      continuationToken: wire.continuation_token ?? '',
      ...pageSizeOf(wire.page_size),
    });
    stamp(reply, { storeId: id, consistencyToken: list.consistencyToken });
    return {
      tuples: list.tuples.map(({ tuple, writtenAt }) => ({
        key: tupleToWire(tuple),
        timestamp: writtenAt.toISOString(),
      })),
      continuation_token: list.continuationToken,
    };
  }

  @Get('changes')
  @Needs('store:read')
  async changes(
    @Param('storeId') storeId: string,
    @Query() query: Readonly<Record<string, unknown>>,
  ): Promise<object> {
    const type = onceOf(query, 'type');
    const startTime = onceOf(query, 'start_time');
    const list = await readChanges(this.#engine, {
      storeId: storeIdOf(storeId),
      continuationToken: onceOf(query, 'continuation_token'),
      ...(type !== '' && { type: nameOf(type, 'type') }),
      ...(startTime !== '' && { startTime: instantOf(startTime, 'start_time') }),
      ...pageSizeOf(numberOf(onceOf(query, 'page_size'))),
    });
    return {
      changes: list.entries.map(({ change, changedAt }) => ({
        tuple_key: tupleToWire(change.tuple),
        operation:
          change.operation === 'write' ? 'TUPLE_OPERATION_WRITE' : 'TUPLE_OPERATION_DELETE',
        timestamp: changedAt.toISOString(),
      })),
      continuation_token: list.continuationToken,
    };
  }

  @Post('expand')
  @Needs('store:query', LIST_COST)
  @HttpCode(200)
  async expand(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const wire = this.#pipes.expand.transform(body) as ExpandBody;
    const answer = await expand(this.#engine, {
      storeId: storeIdOf(storeId),
      ...optionalModelId(wire.authorization_model_id),
      consistency: consistencyOf(wire.consistency, consistencyTokenOf(request)),
      object: objectOf(wire.tuple_key.object, 'tuple_key.object'),
      relation: nameOf(wire.tuple_key.relation, 'tuple_key.relation'),
      maxDepth: wire.max_depth ?? 1,
      contextualTuples: contextualTuplesOf(wire.contextual_tuples),
      context: {},
    });
    stamp(reply, answer);
    void reply.header(COMPLETE_HEADER, String(answer.result.complete));
    return { tree: { root: treeToWire(answer.result.root) } };
  }

  @Post('delete-by-filter')
  @Needs('store:write', DELETE_BY_FILTER_COST)
  @HttpCode(200)
  async deleteByFilter(
    @Param('storeId') storeId: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    if (modulesOf(request) !== undefined) {
      throw new PembaError('forbidden', 'the caller may write the tuples of its modules only');
    }
    const wire = validated(DeleteByFilterBody, body);
    const id = storeIdOf(storeId);
    const dryRun = wire.dry_run ?? false;
    const deletion = await deleteByFilter(this.#engine, {
      storeId: id,
      filter: filterOf(wire.filter, 'filter'),
      ...deedOf(this.#engine.config, request, 'tuples.write', { by_filter: true }),
      dryRun,
      continuationToken: wire.continuation_token ?? '',
    });
    stamp(reply, { storeId: id, consistencyToken: deletion.consistencyToken });
    void reply.header(COMPLETE_HEADER, String(deletion.continuationToken === ''));
    return {
      dry_run: dryRun,
      matched: deletion.matched,
      deleted: dryRun ? 0 : deletion.matched,
      continuation_token: deletion.continuationToken,
    };
  }
}

const ON_DUPLICATE = ['error', 'ignore', 'replace'] as const;
const ON_MISSING = ['error', 'ignore'] as const;

function choiceOf<Choice extends string>(
  name: string,
  text: string | null | undefined,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  if (text === undefined || text === null || text === '') return choices[0];
  const choice = choices.find((known) => known === text);
  if (choice === undefined) {
    throw new PembaError(
      'invalid_request',
      `invalid ${name} option: ${text}; it can be ${choices.join(', ')}`,
      { facts: { field: name } },
    );
  }
  return choice;
}

/** `{"tuple_keys": []}` is a mistake: whoever sends the member means at least one tuple. */
function tuplesOf<Wire, Tuple>(
  wire: { readonly tuple_keys: readonly Wire[] } | null | undefined,
  field: string,
  convert: (wire: Wire, field: string) => Tuple,
): readonly Tuple[] {
  if (wire?.tuple_keys.length === 0) {
    throw invalidRequest(`${field}.tuple_keys`, 'value must contain at least 1 item(s)');
  }
  return (wire?.tuple_keys ?? []).map((tuple, i) => convert(tuple, `${field}.tuple_keys[${i}]`));
}

const pageSizeOf = (size: number | null | undefined): { readonly pageSize?: number } =>
  size === undefined || size === null ? {} : { pageSize: size };

/** '' when the parameter is absent. */
function onceOf(query: Readonly<Record<string, unknown>>, name: string): string {
  const value = query[name] ?? '';
  if (typeof value !== 'string') throw invalidRequest(name, 'must be given once');
  return value;
}

export const numberOf = (text: string): number | undefined =>
  text === '' ? undefined : /^-?\d{1,9}$/.test(text) ? Number(text) : NaN;
