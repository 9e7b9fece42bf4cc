import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** Counts revocations that were raised here, and shows how many permits are watched. */
export function observePermits(
  registry: Registry,
  liveCount: () => number,
): (revoked: number) => void {
  const revocations = new Counter({
    name: 'pemba_revocations_total',
    help: 'Watermarks raised: for permits that rest on nothing any more, or by hand',
    registers: [registry],
  });
  new Gauge({
    name: 'pemba_live_permits',
    help: 'Permits that were issued here and have not expired',
    registers: [registry],
    collect() {
      this.set(liveCount());
    },
  });
  return (revoked) => {
    revocations.inc(revoked);
  };
}
