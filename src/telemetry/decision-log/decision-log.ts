/**
 * Every decision as an event, so that it can be told later who was let in to what, and why.
 *
 *   drop      what finds no room in the buffer is counted, and answered all the same
 *   required  an allow that finds no room is not given: 503 until the sink has caught up. A deny
 *             needs no log to be safe. So when the process dies, allows are unlogged by no more
 *             than the buffer, and when the sink fails, by none.
 *
 * Denies and errors are always logged; of allows, and lists that are not empty, a share may be.
 */
import type { Answering, DecidingApi, Decision, DecisionSource } from '../../api/decision.js';
import type { Clock } from '../../clock.js';
import { PembaError } from '../../errors.js';
import type { Logger } from '../log.js';
import type { LoggedDecision } from './event.js';
import type { DecisionSink } from './sink.js';
import { DecisionWriter } from './writer.js';

export const DECISION_ID_HEADER = 'pemba-decision-id';

export interface DecisionLogOptions {
  readonly sink: DecisionSink;
  readonly toLine: (decision: LoggedDecision) => string;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly isRequired: boolean;
  /** From 0 to 1. */
  readonly shareOfAllows: number;
  /** Begins the ids of decisions; the count in the process ends them. */
  readonly processId: string;
  readonly stopWithinMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
}

/** What goes wrong with every event is told once in so long. */
const TELL_EVERY_MS = 10_000;

export class DecisionLog {
  readonly #options: DecisionLogOptions;
  readonly #writer: DecisionWriter;
  #count = 0;
  #dropped = 0;
  #withheld = 0;
  readonly #tellDropped: () => void;

  constructor(options: DecisionLogOptions) {
    this.#options = options;
    const { log, clock, isRequired } = options;
    this.#tellDropped = seldom(clock, () => {
      log.warn({ dropped: this.#dropped }, 'the decision log is full: decisions are not logged');
    });
    let failure: unknown;
    const tellFailure = seldom(clock, () => {
      log.warn({ err: failure }, 'writing the decision log failed');
    });
    this.#writer = new DecisionWriter({
      ...options,
      keepsRefused: isRequired,
      onFailure: (error) => {
        failure = error;
        tellFailure();
      },
      onRecovery: () => {
        log.info('the decision log is written again');
      },
    });
  }

  get figures(): DecisionLogFigures {
    const { size, written, refused } = this.#writer;
    return { size, written, refused, dropped: this.#dropped, withheld: this.#withheld };
  }

  start(): Promise<void> {
    return this.#options.sink.open();
  }

  async stop(): Promise<void> {
    const lost = await this.#writer.stop(this.#options.stopWithinMs);
    if (lost > 0) this.#options.log.error({ lost }, 'decisions could not be logged in time');
  }

  /** Throws `unavailable` where an allow must not be given. */
  record(
    reply: Answering,
    api: DecidingApi,
    from: DecisionSource,
    decisions: readonly Decision[],
    requestedBy: string | undefined,
  ): void {
    const { clock, processId, isRequired } = this.#options;
    if (isRequired && !this.#writer.hasRoom(decisions.length) && decisions.some(isAllow)) {
      this.#withheld++;
      throw new PembaError('unavailable', 'the decision log is full');
    }
    const id = `${processId}-${(++this.#count).toString(36)}`;
    // A route may require several relations.
    const isBatch = api === 'batch-check' || (api === 'edge' && decisions.length > 1);
    const at = clock.now();
    const handlerMs = reply.elapsedTime;
    const requestId = reply.request.id;
    let isLogged = false;
    for (const [i, decision] of decisions.entries()) {
      if (!this.#isWanted(decision)) continue;
      if (!this.#writer.hasRoom(1)) {
        this.#dropped++;
        this.#tellDropped();
        continue;
      }
      // One literal: a spread here costs as much as all else.
      this.#writer.add({
        id: isBatch ? `${id}.${i}` : id,
        batchId: isBatch ? id : undefined,
        api,
        at,
        handlerMs,
        requestId,
        requestedBy,
        from,
        decision,
      });
      isLogged = true;
    }
    if (isLogged) void reply.header(DECISION_ID_HEADER, id);
  }

  #isWanted(decision: Decision): boolean {
    const { shareOfAllows, random } = this.#options;
    return shareOfAllows >= 1 || !isAllow(decision) || random() < shareOfAllows;
  }
}

export interface DecisionLogFigures {
  /** In the buffer. */
  readonly size: number;
  readonly written: number;
  /** Found no room. */
  readonly dropped: number;
  /** Thrown away because the sink would not have them. */
  readonly refused: number;
  /** Allows that were not given, by requests. */
  readonly withheld: number;
}

/** A name in a list is an allow. */
const isAllow = ({ result }: Decision): boolean =>
  'count' in result ? result.count > 0 : 'allowed' in result && result.allowed;

function seldom(clock: Clock, tell: () => void): () => void {
  let last = -Infinity;
  return () => {
    const now = clock.monotonic();
    if (now - last < TELL_EVERY_MS) return;
    last = now;
    tell();
  };
}
