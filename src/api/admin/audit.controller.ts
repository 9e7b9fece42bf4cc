import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { invalidRequest } from '../../errors.js';
import type { StoreId } from '../../ids.js';
import { readAudit, verifyAudit } from '../../operations/audit.js';
import type { Engine } from '../../operations/engine.js';
import { pageSize } from '../../operations/page-token.js';
import type { AuditEntry, AuditHead } from '../../storage/audit-chain.js';
import { parseInstant } from '../../quantity.js';
import { Needs } from '../needs.js';
import { ENGINE } from '../tokens.js';
import { validated } from '../validated.js';
import { AuditQueryBody, VerificationQuery } from './requests.js';

/** What was done to a store, by whom. That of the store of rights is the deployment's. */
@Controller('stores/:storeId/audit')
export class AuditController {
  readonly #engine: Engine;

  constructor(@Inject(ENGINE) engine: Engine) {
    this.#engine = engine;
  }

  /** Newest first, unless `order=oldest`. */
  @Get()
  @Needs('store:administer')
  async read(@Param('storeId') storeId: string, @Query() query: unknown): Promise<object> {
    const wire = validated(AuditQueryBody, query);
    const page = await readAudit(this.#engine, {
      // The gate has seen that it is one.
      storeId: storeId as StoreId,
      order: wire.order ?? 'newest',
      limit: pageSize(wire.page_size, this.#engine.config.maxPageSize),
      ...(wire.action !== undefined && { action: wire.action }),
      ...(wire.principal !== undefined && { principal: wire.principal }),
      ...(wire.since !== undefined && { since: parseInstant(wire.since) }),
      ...(wire.until !== undefined && { until: parseInstant(wire.until) }),
      ...(wire.cursor !== undefined && { from: wire.cursor }),
    });
    return { entries: page.entries.map(entryToWire), cursor: page.next ?? null };
  }

  /** From the beginning, or from a head that was noted before. */
  @Get('verification')
  @Needs('store:administer')
  async verify(@Param('storeId') storeId: string, @Query() query: unknown): Promise<object> {
    const wire = validated(VerificationQuery, query);
    if ((wire.after === undefined) !== (wire.hash === undefined)) {
      throw invalidRequest('hash', 'goes with after: both of a head, or neither');
    }
    const from: AuditHead = {
      sequence: wire.after ?? 0,
      hash: Buffer.from(wire.hash ?? '', 'hex'),
    };
    const verification = await verifyAudit(this.#engine, storeId as StoreId, from);
    return {
      valid: verification.problems.length === 0,
      entries: verification.entries,
      head: headToWire(verification.head),
      complete: verification.isWhole,
      problems: verification.problems,
    };
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const headToWire = ({ sequence, hash }: AuditHead): object => ({ sequence, hash: hex(hash) });

const entryToWire = (entry: AuditEntry): object => ({
  sequence: entry.sequence,
  time: entry.recordedAt.toISOString(),
  action: entry.action,
  principal: entry.by.principal,
  address: entry.by.address,
  request_id: entry.by.requestId,
  revision: entry.revision ?? null,
  details: entry.details,
  hash: hex(entry.hash),
});
