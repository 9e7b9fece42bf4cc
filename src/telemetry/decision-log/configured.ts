/** The decision log as the configuration wants it. */
import { readFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import type { Clock } from '../../clock.js';
import type { Config } from '../../config.js';
import { ulidFactory } from '../../ids.js';
import { lineFileOf } from '../log.js';
import type { Logger } from '../log.js';
import { CollectorSink } from './collector-sink.js';
import { DecisionLog } from './decision-log.js';
import { eventForm } from './event.js';
import { FileSink } from './file-sink.js';
import { Mask } from './mask.js';
import type { DecisionSink } from './sink.js';
import { StdoutSink } from './stdout-sink.js';

export interface DecisionLogParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly fetch: typeof fetch;
  /** Where several processes serve: 1, 2, 3 … */
  readonly workerNumber: number | undefined;
}

const PACKAGE = new URL('../../../package.json', import.meta.url);

/** A request a second to the collector, or one a megabyte. */
const COLLECTOR_GATHER_MS = 1000;

/** An orchestrator's time is for requests first; what is left of it must do for the log. */
const SHARE_OF_SHUTDOWN = 0.5;

export function configuredDecisionLog(parts: DecisionLogParts): DecisionLog | undefined {
  const { config, clock, log, random } = parts;
  if (config.decisionLog === 'off') return undefined;
  const processId = ulidFactory(() => clock.now())();
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { readonly version: string };
  const mask = new Mask(config.decisionLogMask.split(',').filter((pointer) => pointer !== ''));
  return new DecisionLog({
    sink: sinkOf(parts),
    toLine: eventForm({ id: processId, version }, mask),
    maxEvents: config.decisionLogBufferEvents,
    maxBytes: config.decisionLogBufferBytes,
    isRequired: config.decisionLogMode === 'required',
    shareOfAllows: config.decisionLogAllowsPercent / 100,
    processId,
    stopWithinMs: config.shutdownTimeoutMs * SHARE_OF_SHUTDOWN,
    clock,
    log,
    random,
  });
}

function sinkOf({ config, log, fetch, workerNumber }: DecisionLogParts): DecisionSink {
  const place = config.decisionLog;
  if (place === 'stdout') return new StdoutSink(lineFileOf(log));
  if (!place.startsWith(FILE)) {
    return new CollectorSink({
      url: place,
      timeoutMs: config.decisionLogTimeoutMs,
      tokenFile: config.decisionLogTokenFile,
      gatherMs: COLLECTOR_GATHER_MS,
      fetch,
    });
  }
  return new FileSink({
    path: pathOf(place.slice(FILE.length), workerNumber),
    maxBytes: config.decisionLogFileBytes,
    maxFiles: config.decisionLogFiles,
  });
}

const FILE = 'file:';

/** Of several processes each has a file, or they would rotate each other's away. */
export function pathOf(path: string, workerNumber: number | undefined): string {
  if (workerNumber === undefined) return path;
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}.worker-${workerNumber}${ext}`);
}
