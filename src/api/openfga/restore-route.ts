/**
 * `POST /restore`: a new store out of a backup, seen by nobody before all of it is there. Who may
 * create stores may do that, and becomes its administrator. The id that the store had may be one that
 * services still ask for, or that was granted to somebody: only who administers the deployment gives
 * it to what comes out of a file.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../../errors.js';
import { grantCreator } from '../../identity/grants.js';
import type { Identity } from '../../identity/identity.js';
import type { Engine } from '../../operations/engine.js';
import type { ExportSlots } from '../../operations/export.js';
import { restoreStore } from '../../operations/restore.js';
import { attributionOf } from '../attribution.js';
import { callerOf } from '../gate.js';
import { arrivingLines, endConnection, linesBody } from './import-body.js';
import { stamp } from './reply.js';
import { backupLines } from './restore-body.js';

interface RestoreRoute {
  Querystring: { keep_id?: unknown };
}

export interface RestoreParts {
  readonly engine: Engine;
  readonly identity: Identity;
  readonly slots: ExportSlots;
}

/** On an instance that takes lines of JSON as a stream. */
export function registerRestore(instance: FastifyInstance, parts: RestoreParts): void {
  const { engine, identity, slots } = parts;
  instance.post<RestoreRoute>(
    '/restore',
    { config: { right: 'deployment:create' } },
    async (request, reply) => {
      let giveBack: (() => void) | undefined;
      try {
        const keepId = keepIdOf(request.query.keep_id);
        if (keepId) await assertAdministrator(identity, request);
        const body = linesBody(request.body);
        giveBack = slots.take();
        const by = attributionOf(engine.config, request);
        const arriving = arrivingLines(body, request.raw.socket, engine.config);
        const { consistencyToken, ...restored } = await restoreStore(engine, {
          keepId,
          lines: backupLines(arriving, engine.config),
          ...(by !== undefined && { by }),
          prepare: async (storeId) => {
            const { systemStore } = identity;
            if (systemStore === undefined) return;
            await grantCreator(engine, systemStore, { caller: callerOf(request), storeId, by });
          },
        });
        stamp(reply, { storeId: restored.id, consistencyToken });
        return await reply.code(201).send(restored);
      } catch (error) {
        endConnection(request, reply);
        throw error;
      } finally {
        giveBack?.();
      }
    },
  );
}

function keepIdOf(text: unknown): boolean {
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw invalidRequest('keep_id', 'must be true or false');
}

async function assertAdministrator({ rights }: Identity, request: FastifyRequest): Promise<void> {
  const verdict = await rights?.verdict(callerOf(request), 'deployment:admin');
  if (verdict === undefined || verdict.kind === 'allowed') return;
  throw new PembaError('forbidden', 'keep_id needs the right deployment:admin', {
    facts: { right: 'deployment:admin' },
  });
}
