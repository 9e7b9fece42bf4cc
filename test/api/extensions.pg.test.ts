/** What Pemba adds to OpenFGA's API. */
import { afterAll, beforeAll } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { describeConsistency } from './extensions/consistency.js';
import { describeDeleting } from './extensions/deleting.js';
import { describeImporting } from './extensions/importing.js';
import { describeExpand, describeLists } from './extensions/lists.js';
import { describeDsl } from './extensions/models.js';
import { describeObserving } from './extensions/observing.js';
import { describeReading } from './extensions/reading.js';
import { describeDuplicates, describeExpiry } from './extensions/writing.js';

/** Few rows make several batches; nothing is swept unless a test says so. */
const SETTINGS = { PEMBA_BATCH_SIZE: '3', PEMBA_SWEEP_INTERVAL_MS: '86400000' };

describeWithPostgres('what Pemba adds', () => {
  let started: Pemba;
  const pemba = (): Pemba => started;
  beforeAll(async () => {
    started = await startPemba(SETTINGS);
  });
  afterAll(() => started.stop());

  describeReading(pemba);
  describeDuplicates(pemba);
  describeExpiry(pemba);
  describeDeleting(pemba);
  describeImporting(pemba);
  describeLists(pemba);
  describeExpand(pemba);
  describeDsl(pemba);
  describeConsistency(pemba);
  describeObserving(pemba);
});
