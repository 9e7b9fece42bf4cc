/** Clients that each do one thing after another, for some time. */
import { timingOf } from './measure.js';
import type { Timing } from './measure.js';

/** `work` is one request of the client; `perRequest` operations are in it. */
export async function drive(
  clients: number,
  forMs: number,
  perRequest: number,
  work: (client: number) => Promise<unknown>,
): Promise<Timing> {
  const samples: number[] = [];
  const start = performance.now();
  const end = start + forMs;
  const one = async (client: number): Promise<void> => {
    for (let at = performance.now(); at < end;) {
      await work(client);
      const now = performance.now();
      samples.push((now - at) * 1e6);
      at = now;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => one(client)));
  const elapsedNs = (performance.now() - start) * 1e6;
  return timingOf(samples, elapsedNs / (samples.length * perRequest));
}
