/**
 * Prometheus metrics. Their labels are names from the code, never ids of tenants, subjects or
 * objects; the one exception is the replica's revision by store, for the stores a process holds.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { AskedBy } from '../api/edge/answer.js';
import type { Reason } from '../api/edge/outcome.js';
import type { OAuthError } from '../api/oauth/errors.js';
import type { ShedReason } from '../api/shedding.js';
import type { Clock } from '../clock.js';
import type { ExchangeRequest } from '../delegation/exchange.js';
import type { Pool } from '../identity/rate-limits.js';
import type { Replicas } from '../replica/replicas.js';
import type { Database } from '../storage/database.js';

/** From a check's tens of microseconds to a list's seconds. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A process with thousands of stores would drown a scrape in revisions. */
const MAX_STORE_SERIES = 100;

const MAX_PENDING = 1000;

type ExchangeOutcome = ExchangeRequest['requested'] | OAuthError;

interface PendingRoute {
  readonly labels: { readonly method: string; readonly route: string; readonly status: number };
  readonly seconds: number[];
}

interface PendingDecisions {
  allowed: number;
  denied: number;
  error: number;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #durations: Histogram<'method' | 'route'>;
  readonly #decisions: Counter<'api' | 'decision'>;
  readonly #shed: Counter<'reason'>;
  readonly #rateLimited: Counter<'pool'>;
  readonly #edge: Counter<'profile' | 'reason'>;
  readonly #exchanges: Counter<'outcome'>;
  /** Counts since the last scrape; see `request`. */
  readonly #pending = new Map<string, PendingRoute>();
  readonly #pendingDecisions = new Map<string, PendingDecisions>();

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const flush = (): void => {
      this.#flush();
    };
    this.#requests = new Counter({
      name: 'pemba_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['method', 'route', 'status'],
      registers,
      // Metrics are collected in the order that they were made in: this is before the others.
      collect: flush,
    });
    this.#durations = new Histogram({
      name: 'pemba_http_request_duration_seconds',
      help: 'From the request head to the last byte of the answer',
      labelNames: ['method', 'route'],
      buckets: SECONDS,
      registers,
    });
    this.#decisions = new Counter({
      name: 'pemba_decisions_total',
      help: 'Checks decided, alone or in a batch',
      labelNames: ['api', 'decision'],
      registers,
    });
    this.#shed = new Counter({
      name: 'pemba_shed_requests_total',
      help: 'Requests refused with 503, and connections dropped, for want of capacity',
      labelNames: ['reason'],
      registers,
    });
    this.#rateLimited = new Counter({
      name: 'pemba_rate_limited_total',
      help: 'Requests refused with 429, by what was spent',
      labelNames: ['pool'],
      registers,
    });
    this.#edge = new Counter({
      name: 'pemba_edge_requests_total',
      help: 'Requests that gateways asked about, by what they were answered for',
      labelNames: ['profile', 'reason'],
      registers,
    });
    this.#exchanges = new Counter({
      name: 'pemba_token_exchanges_total',
      help: 'Requests for tokens, by what was issued or the error that was answered',
      labelNames: ['outcome'],
      registers,
    });
  }

  edge(profile: AskedBy, reason: Reason): void {
    this.#edge.inc({ profile, reason });
  }

  get registry(): Registry {
    return this.#registry;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Of several processes together, where there are some; else of this one. */
  renderAll: () => Promise<string> = () => this.#registry.metrics();

  render(): Promise<string> {
    return this.renderAll();
  }

  /**
   * Durations are handed on in batches: looking up a labelled series costs microseconds, pushing a
   * number on a list does not. A scrape hands on what is left.
   */
  request(method: string, route: string, status: number, seconds: number): void {
    this.#note(this.#pendingOf(method, route, status), seconds);
  }

  /** The same for one route and status, without looking for them each time. */
  requestsOf(method: string, route: string, status: number): (seconds: number) => void {
    const pending = this.#pendingOf(method, route, status);
    return (seconds) => {
      this.#note(pending, seconds);
    };
  }

  decision(api: string, decision: 'allowed' | 'denied' | 'error'): void {
    let pending = this.#pendingDecisions.get(api);
    if (pending === undefined) {
      pending = { allowed: 0, denied: 0, error: 0 };
      this.#pendingDecisions.set(api, pending);
    }
    pending[decision]++;
  }

  shed(reason: ShedReason | 'connections'): void {
    this.#shed.inc({ reason });
  }

  rateLimited(pool: Pool): void {
    this.#rateLimited.inc({ pool });
  }

  exchange(outcome: ExchangeOutcome): void {
    this.#exchanges.inc({ outcome });
  }

  watchIssuers(read: () => ReadonlyMap<string, string>): void {
    new Gauge({
      name: 'pemba_issuer_keys',
      help: 'Whether the keys of an issuer are absent, fresh or stale: 1 at the state that they are in',
      labelNames: ['issuer', 'state'],
      aggregator: 'max',
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [issuer, state] of read()) this.set({ issuer, state }, 1);
      },
    });
  }

  watchInFlight(read: () => number): void {
    new Gauge({
      name: 'pemba_in_flight',
      help: 'Requests that are being worked on',
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  #pendingOf(method: string, route: string, status: number): PendingRoute {
    const key = `${method} ${status} ${route}`;
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = { labels: { method, route, status }, seconds: [] };
      this.#pending.set(key, pending);
    }
    return pending;
  }

  #note(pending: PendingRoute, seconds: number): void {
    pending.seconds.push(seconds);
    if (pending.seconds.length >= MAX_PENDING) this.#flushRoute(pending);
  }

  #flush(): void {
    for (const pending of this.#pending.values()) this.#flushRoute(pending);
    for (const [api, pending] of this.#pendingDecisions) {
      for (const decision of ['allowed', 'denied', 'error'] as const) {
        if (pending[decision] > 0) this.#decisions.inc({ api, decision }, pending[decision]);
        pending[decision] = 0;
      }
    }
  }

  #flushRoute({ labels, seconds }: PendingRoute): void {
    if (seconds.length === 0) return;
    const { method, route } = labels;
    this.#requests.inc(labels, seconds.length);
    const durations = this.#durations.labels({ method, route });
    for (const each of seconds) durations.observe(each);
    seconds.length = 0;
  }

  /** Gauges that are read when they are scraped. */
  observe(database: Database, replicas: Replicas, clock: Clock): void {
    const registers = [this.#registry];
    const gauge = (
      name: string,
      help: string,
      read: () => number,
      aggregator: 'max' | 'sum' = 'sum',
    ): void => {
      new Gauge({
        name,
        help,
        aggregator,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    gauge(
      'pemba_replica_stores',
      'Stores held in memory',
      () => [...replicas.stores].length,
      'max',
    );
    gauge(
      'pemba_replica_staleness_seconds',
      'Since every store held was last known to be at its head',
      () => replicas.stalenessMs / 1000,
      'max',
    );
    gauge('pemba_database_connections', 'Open connections', () => database.pool.total);
    gauge('pemba_database_connections_idle', 'Unused ones among them', () => database.pool.idle);
    gauge('pemba_database_waiting', 'Statements that wait for one', () => database.pool.waiting);
    this.#storeGauges(replicas, clock);
  }

  #storeGauges(replicas: Replicas, clock: Clock): void {
    const registers = [this.#registry];
    const labelNames = ['store'] as const;
    const held = (): ReturnType<typeof firstOf> => firstOf(replicas.stores, MAX_STORE_SERIES);
    new Gauge({
      name: 'pemba_replica_revision',
      help: 'Revision that the graph of a store is at',
      aggregator: 'min',
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const store of held()) this.set({ store: store.storeId }, store.revision);
      },
    });
    new Gauge({
      name: 'pemba_replica_lag_seconds',
      help: 'Since the graph of a store was last known to be at its head',
      aggregator: 'max',
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const store of held()) {
          this.set({ store: store.storeId }, (clock.monotonic() - store.currentAt) / 1000);
        }
      },
    });
  }
}

const firstOf = (
  stores: Replicas['stores'],
  limit: number,
): readonly (Replicas['stores'] extends Iterable<infer Store> ? Store : never)[] =>
  [...stores].slice(0, limit);
