/**
 * `npm run example:shop`: starts everything, tells the story, stops everything.
 *
 *   --serve   starts everything, says what to try, and waits for Ctrl-C
 *   --json    prints the story as one JSON document
 */
import { parseArgs } from 'node:util';
import { Report } from './report.js';
import { Shop } from './shop.js';
import type { StartTimes } from './shop.js';
import { tell } from './story.js';

const { values: options } = parseArgs({
  options: { serve: { type: 'boolean' }, json: { type: 'boolean' } },
});
const say = (line: string): void => {
  if (options.json !== true) console.log(line);
};
const round = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const shop = await Shop.make();
const signalled = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    signalled.abort();
    void shop.stop().then(() => process.exit(1));
  });
}

try {
  await (options.serve === true ? serve() : show());
} catch (error) {
  // What was stopped in the middle fails because of that.
  if (signalled.signal.aborted) await new Promise(() => undefined);
  console.error(error, shop.output);
  process.exitCode = 1;
}
await shop.stop();

async function start(): Promise<StartTimes> {
  const times = await shop.start();
  say(
    `Up: Pemba after ${round(times.pembaMs)}, told all it needs in ${round(times.setupMs)}, ` +
      `four services in ${round(times.servicesMs)}`,
  );
  return times;
}

async function serve(): Promise<never> {
  await start();
  say(whatToTry(shop));
  return new Promise(() => undefined);
}

async function show(): Promise<void> {
  const times = await start();
  const began = performance.now();
  const report = new Report(say);
  const figures = await tell(shop, report);
  const storyMs = Math.round(performance.now() - began);
  const { holds, statements } = report;
  say(`\n${holds ? 'All of it holds' : 'NOT all of it holds'} (${round(storyMs)}).`);
  if (options.json === true) {
    console.log(JSON.stringify({ holds, statements, ...figures, ...times, storyMs }));
  }
  if (holds) return;
  console.error(shop.output);
  process.exitCode = 1;
}

function whatToTry(running: Shop): string {
  const { issuer, pemba } = running;
  const [web, inventory] = [running.service('web').url, running.service('inventory').url];
  return `
Anne logs in (nobody asks for a password here) and orders a teapot:
  TOKEN=$(curl -s ${issuer.url}/accounts/login -d user=anne | sed 's/.*:"//;s/".*//')
  curl -s -X POST ${web}/orders/1001/place -H "authorization: Bearer $TOKEN"

She reserves it herself; Zoe places Anne's order:
  curl -s -X POST ${inventory}/items/teapot/reservations -H "authorization: Bearer $TOKEN"
  ZOES=$(curl -s ${issuer.url}/accounts/login -d user=zoe | sed 's/.*:"//;s/".*//')
  curl -s -X POST ${web}/orders/1001/place -H "authorization: Bearer $ZOES"

The keys that inventory verifies permits with:
  curl -s ${pemba.url}/.well-known/jwks.json

Ctrl-C stops everything.`;
}
