import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PembaClientError } from '../../src/client/calling/client-error.js';
import { Retries, mayRepeat } from '../../src/client/calling/retries.js';

const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const lot = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe(`retries (seed ${seed})`, () => {
  it('wait between nothing and a bound that doubles, after what the server asks for', () => {
    fc.assert(
      fc.property(
        lot,
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        fc.option(fc.integer({ min: 0, max: 3_600_000 }), { nil: undefined }),
        (random, retry, baseDelayMs, maxDelayMs, retryAfterMs) => {
          const retries = new Retries({ baseDelayMs, maxDelayMs }, () => random);
          const own = retries.delayMs(retry, retryAfterMs) - (retryAfterMs ?? 0);
          expect(own).toBeGreaterThanOrEqual(0);
          expect(own).toBeLessThanOrEqual(maxDelayMs);
          expect(own).toBeLessThanOrEqual(baseDelayMs * 2 ** retry);
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it('use the whole width of the bound', () => {
    const delays = [0, 0.5, 0.999].map((random) =>
      new Retries({ baseDelayMs: 100 }, () => random).delayMs(2),
    );
    expect(delays).toEqual([0, 200, expect.closeTo(399.6)]);
  });

  it('are a tenth of the calls in the long run, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 2000 }), (events) => {
        const retries = new Retries({}, () => 0);
        let [calls, spent] = [0, 0];
        for (const isCall of events) {
          if (isCall) {
            calls++;
            retries.called();
          } else if (retries.spend()) spent++;
        }
        expect(spent).toBeLessThanOrEqual(10 + calls / 10 + 1e-6);
      }),
      { seed, numRuns: 200 },
    );
    const retries = new Retries({}, () => 0);
    while (retries.spend());
    for (let i = 0; i < 21; i++) retries.called();
    expect([retries.spend(), retries.spend(), retries.spend()]).toEqual([true, true, false]);
  });
});

describe('a failure', () => {
  const lost = (code?: string): PembaClientError =>
    new PembaClientError('connection_failed', '', {
      cause: new TypeError('fetch failed', { cause: Object.assign(new Error(), { code }) }),
    });
  const status = (number: number, code = 'x', retryAfterMs?: number): PembaClientError =>
    new PembaClientError(code, '', { status: number, retryAfterMs });

  it.each<[string, PembaClientError, boolean, boolean]>([
    ['a refused connection', lost('ECONNREFUSED'), true, true],
    ['a name that is not known', lost('ENOTFOUND'), true, true],
    ['a connection that broke', lost('ECONNRESET'), true, false],
    ['a socket that was closed', lost('UND_ERR_SOCKET'), true, false],
    ['a failure that tells nothing', lost(), true, false],
    ['429', status(429), true, true],
    ['503 with a time, shed', status(503, 'resource_exhausted', 1000), true, true],
    ['503 without a time', status(503, 'resource_exhausted'), true, false],
    ['503 for another reason', status(503, 'unavailable', 1000), true, false],
    ['502', status(502), true, false],
    ['500', status(500), false, false],
    ['504', status(504), false, false],
    ['400', status(400), false, false],
    ['401', status(401), false, false],
    ['403', status(403), false, false],
    ['404', status(404), false, false],
    ['409', status(409), false, false],
    ['422', status(422), false, false],
    ['a timeout', new PembaClientError('timeout', ''), false, false],
    ['an abort', new PembaClientError('aborted', ''), false, false],
    ['an answer of somebody else', new PembaClientError('invalid_response', ''), false, false],
  ])('%s: repeated or not, by whether it may be done twice', (_name, error, query, change) => {
    expect([mayRepeat(error, true), mayRepeat(error, false)]).toEqual([query, change]);
  });
});
