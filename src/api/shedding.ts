/**
 * Refuses early what could not be answered in time: a request beyond so many that are being worked
 * on, or one that comes while the event loop is too late. Before its body is read, with a 503 that
 * says when to come again; what was let in keeps its speed. Health and metrics are always answered.
 *
 * A request is being worked on from its head until its answer is made, whoever is still there to
 * hear it: a client that gives up and comes again does not get a write out of the queue. An answer
 * on its way is the socket's (see `connections.ts`).
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import { PembaError } from '../errors.js';
import { LoopDelay } from './loop-delay.js';

export type ShedReason = 'in_flight' | 'loop_delay';

const EXEMPT: ReadonlySet<string | undefined> = new Set([
  '/livez',
  '/readyz',
  '/healthz',
  '/metrics',
]);

const RETRY_AFTER_SECONDS = '1';

/** Made once: a stack costs more than the rest of a refusal. */
const REFUSALS: Readonly<Record<ShedReason, PembaError>> = {
  in_flight: new PembaError('overloaded', 'too many requests are being worked on: try again'),
  loop_delay: new PembaError('overloaded', 'the server is overloaded: try again'),
};

/** The replies that are being worked on. */
export class InFlight {
  readonly #replies = new Set<FastifyReply>();
  /** What does not come by HTTP. */
  #others = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    this.#forgetClosed();
    return this.#size;
  }

  get #size(): number {
    return this.#replies.size + this.#others;
  }

  isFull(): boolean {
    if (this.#size < this.#max) return false;
    this.#forgetClosed();
    return this.#size >= this.#max;
  }

  /** Returns how to say that it is done, which counts once. */
  enterOther(): () => void {
    this.#others++;
    let isDone = false;
    return () => {
      if (!isDone) this.#others--;
      isDone = true;
    };
  }

  enter(reply: FastifyReply): void {
    this.#replies.add(reply);
  }

  leave(reply: FastifyReply): void {
    this.#replies.delete(reply);
  }

  /** Replies that a handler took over pass no hook at their end. A listener on each would cost all. */
  #forgetClosed(): void {
    for (const reply of this.#replies) {
      const { raw, request } = reply;
      if (reply.sent && (raw.writableFinished || request.raw.socket.destroyed)) {
        this.#replies.delete(reply);
      }
    }
  }
}

export interface SheddingMetrics {
  shed(reason: ShedReason): void;
  watchInFlight(read: () => number): void;
}

export interface SheddingParts {
  readonly config: Pick<Config, 'maxInFlight' | 'maxLoopDelayMs'>;
  readonly clock: Clock;
  readonly metrics: SheddingMetrics;
}

export interface Overload {
  /** Whether a request that came now would be refused. */
  isNow(): boolean;
  /**
   * For what does not come by HTTP, before it is worked on. Throws `overloaded`; else returns how to
   * say that its answer is made.
   */
  enter(): () => void;
}

export function shedOverload(
  instance: FastifyInstance,
  { config, clock, metrics }: SheddingParts,
): Overload {
  const inFlight = new InFlight(config.maxInFlight);
  const loop = new LoopDelay(clock, config.maxLoopDelayMs);
  metrics.watchInFlight(() => inFlight.count);
  const reasonAgainst = (): ShedReason | undefined => {
    if (loop.isTooLate()) return 'loop_delay';
    return inFlight.isFull() ? 'in_flight' : undefined;
  };
  instance.addHook('onRequest', (request, reply, done) => {
    const reason = reasonAgainst();
    if (reason !== undefined && !EXEMPT.has(request.routeOptions.url)) {
      metrics.shed(reason);
      void reply.header('retry-after', RETRY_AFTER_SECONDS);
      done(REFUSALS[reason]);
      return;
    }
    inFlight.enter(reply);
    done();
  });
  instance.addHook('onSend', (_request, reply, _payload, done) => {
    inFlight.leave(reply);
    done();
  });
  instance.addHook('onListen', (done) => {
    loop.start();
    done();
  });
  instance.addHook('onClose', (_instance, done) => {
    loop.stop();
    done();
  });
  return {
    isNow: () => reasonAgainst() !== undefined,
    enter() {
      const reason = reasonAgainst();
      if (reason === undefined) return inFlight.enterOther();
      metrics.shed(reason);
      throw REFUSALS[reason];
    },
  };
}
