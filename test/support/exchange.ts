/** Exchanges for tests of what stands before them. */
import type { Exchange, ExchangeRequest, IssuedToken } from '../../src/delegation/exchange.js';

export const issuedTo = (request: ExchangeRequest): IssuedToken => ({
  token: 'header.payload.signature',
  expiresInSeconds: 60,
  ...(request.requested === 'permit' && { details: request.details }),
  ...(request.scope !== undefined && { scope: request.scope }),
  consistencyToken: 'token',
  decisionId: 'decision',
});

/** Whatever it is asked for. */
export const issueAnything: Exchange = (request) => Promise.resolve(issuedTo(request));
