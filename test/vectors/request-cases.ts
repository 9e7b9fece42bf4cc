/** Permits that are good, presented by the wrong one, for the wrong thing, too late, or twice. */
import { signed, sha256, signingInput } from './permit-keys.js';
import { permitVector } from './permit-cases.js';
import {
  CERTIFICATE,
  NOW,
  boundTo,
  dpopEd,
  dpopEs,
  headerOf,
  permission,
} from './permit-vector.js';
import { claimsOf, ed, permit, proofFor, stranger, watermark } from './permit-vector.js';
import type { Expectation, PeerParameters, PermitParameters, Vector } from './permit-vector.js';

const withContext = permit({
  authorization_details: [permission({ context: { quantity: 3, tags: ['a', 'b'] } })],
});

export const refusedRequests = (): readonly Vector[] => {
  const cases: readonly (readonly [string, string, Expectation, Partial<PermitParameters>])[] = [
    ['expired', 'five seconds after exp', 'expired', { now: NOW + 65 }],
    ['not yet valid', 'six seconds before iat', 'not_yet_valid', { now: NOW - 6 }],
    [
      'another resource',
      'for item 9, used on item 8',
      'not_permitted',
      { resource: { type: 'item', id: '8' } },
    ],
    [
      'a resource of another type',
      'for item 9, used on order 9',
      'not_permitted',
      { resource: { type: 'order', id: '9' } },
    ],
    [
      'another action',
      'for can_reserve, used to delete',
      'not_permitted',
      { action: 'can_delete' },
    ],
    [
      'another peer',
      'stolen by another service',
      'wrong_peer',
      { peer: { service: 'service:web' } },
    ],
    ['a peer nobody knows', 'bound to no key', 'unconfirmed', { peer: {} }],
    [
      'a peer nobody knows, with a proof',
      'a key proves nothing where the permit names none',
      'unconfirmed',
      { peer: { dpop: proofFor(permit()), certificate_thumbprint: CERTIFICATE } },
    ],
    ['used before', 'for once, the second time', 'replayed', { once: true, presented_before: 1 }],
    ['revoked by jti', 'this one', 'revoked', { revocations: [watermark('jti', 'jti-1')] }],
    [
      'revoked by sub',
      "all of the subject's",
      'revoked',
      { revocations: [watermark('sub', 'user:anne')] },
    ],
    [
      'revoked by act',
      "all of the actor's",
      'revoked',
      { revocations: [watermark('act', 'service:orders')] },
    ],
    [
      'revoked by txn',
      'all of the transaction',
      'revoked',
      { revocations: [watermark('txn', 'txn-1')] },
    ],
    ['all revoked', 'by an alarm', 'revoked', { revocations: [watermark('all', '')] }],
    [
      'revoked twice',
      'the later moment counts',
      'revoked',
      {
        revocations: [
          watermark('jti', 'jti-1'),
          watermark('jti', 'jti-1', { id: 2, not_before: 5 }),
        ],
      },
    ],
  ];
  return [
    ...cases.map(([name, why, expect, parameters]) =>
      permitVector(name, why, expect, permit(), parameters),
    ),
    permitVector(
      'revoked by an actor behind',
      'any actor of the chain',
      'revoked',
      permit({ act: { sub: 'service:orders', act: { sub: 'service:web' } } }),
      { revocations: [watermark('act', 'service:web')] },
    ),
    permitVector(
      'presented by the actor behind',
      'the outermost actor presents it',
      'wrong_peer',
      permit({ act: { sub: 'service:orders', act: { sub: 'service:web' } } }),
      { peer: { service: 'service:web' } },
    ),
    permitVector('another value', 'three were decided', 'context_differs', withContext, {
      context: { quantity: 4, tags: ['a', 'b'] },
    }),
    permitVector('a value as text', '3 is not "3"', 'context_differs', withContext, {
      context: { quantity: '3', tags: ['a', 'b'] },
    }),
    permitVector('another order', 'lists are in order', 'context_differs', withContext, {
      context: { quantity: 3, tags: ['b', 'a'] },
    }),
    permitVector('a value left out', 'each is shown', 'context_differs', withContext, {
      context: { tags: ['a', 'b'] },
    }),
    permitVector('no context', 'each is shown', 'context_differs', withContext),
  ];
};

const bound = permit(boundTo(dpopEd));
const certified = permit({ cnf: { 'x5t#S256': CERTIFICATE } });

export const confirmationVectors = (): readonly Vector[] => {
  const service = 'service:orders';
  const cases: readonly (readonly [string, string, Expectation, string, PeerParameters])[] = [
    ['bound to a key', 'and proved', 'accepted', bound, { service, dpop: proofFor(bound) }],
    [
      'bound to a key, of a peer nobody knows',
      'the key says who it is',
      'accepted',
      bound,
      { dpop: proofFor(bound) },
    ],
    [
      'bound to a P-256 key',
      'and proved',
      'accepted',
      ...withProof(permit(boundTo(dpopEs)), (token) => proofFor(token, {}, dpopEs)),
    ],
    [
      'bound to a certificate',
      'and proved by TLS',
      'accepted',
      certified,
      { service, certificate_thumbprint: CERTIFICATE },
    ],
    [
      'bound to a certificate, of a peer nobody knows',
      'the certificate says who it is',
      'accepted',
      certified,
      { certificate_thumbprint: CERTIFICATE },
    ],
    [
      'bound to a key, without proof',
      'the actor itself must prove it',
      'not_proved',
      bound,
      { service },
    ],
    ['bound to a certificate, without one', 'none', 'not_proved', certified, { service }],
    [
      'bound to a certificate, with another',
      'not the one',
      'not_proved',
      certified,
      { service, certificate_thumbprint: sha256('another certificate') },
    ],
    [
      'bound to a certificate, with a DPoP proof',
      'of another kind',
      'not_proved',
      certified,
      { service, dpop: proofFor(certified) },
    ],
    [
      "another key's proof",
      'its own key',
      'not_proved',
      bound,
      { service, dpop: proofFor(bound, {}, stranger) },
    ],
    [
      'bound, by another peer',
      'with a stolen key',
      'wrong_peer',
      bound,
      { service: 'service:web', dpop: proofFor(bound) },
    ],
  ];
  const proofs: readonly (readonly [string, string, Parameters<typeof proofFor>[1]])[] = [
    ['a proof of another type', 'typ is exact', { header: { typ: 'jwt' } }],
    ['a proof of an unlisted algorithm', 'alg none', { header: { alg: 'none' } }],
    ['a proof without key', 'the header holds it', { header: { jwk: undefined } }],
    [
      'a proof with a private key',
      'given away',
      { header: { jwk: { ...dpopEd.publicJwk, d: 'AA' } } },
    ],
    ['a proof with crit', 'an extension', { header: { crit: ['exp'] } }],
    ['a proof signed by another', 'under the right key', { signer: stranger }],
    ['a proof for another method', 'htm', { claims: { htm: 'GET' } }],
    [
      'a proof for another address',
      'htu',
      { claims: { htu: 'https://inventory.example/items/8' } },
    ],
    [
      'a proof for another host',
      'htu',
      { claims: { htu: 'https://evil.example/items/9/reservations' } },
    ],
    ['a proof for another permit', 'ath', { claims: { ath: sha256('another') } }],
    ['a proof for no permit', 'ath', { claims: { ath: undefined } }],
    ['a proof without id', 'jti', { claims: { jti: undefined } }],
    ['an old proof', 'made 66 seconds ago', { claims: { iat: NOW - 65 } }],
    ['a proof of the future', 'made in six seconds', { claims: { iat: NOW + 7 } }],
    ['a proof without time', 'iat', { claims: { iat: undefined } }],
  ];
  return [
    ...cases.map(([name, why, expect, token, peer]) =>
      permitVector(name, why, expect, token, { peer }),
    ),
    ...proofs.map(([name, why, changes]) =>
      permitVector(name, why, 'invalid_proof', bound, {
        peer: { service, dpop: proofFor(bound, changes) },
      }),
    ),
    permitVector('a proof that is no token', 'form', 'invalid_proof', bound, {
      peer: { service, dpop: { ...proofFor(bound), proof: 'x.y' } },
    }),
    permitVector('a proof used before', 'its jti', 'proof_replayed', bound, {
      peer: { service, dpop: proofFor(bound) },
      presented_before: 1,
    }),
    permitVector(
      'an unsigned permit with a good proof',
      'who has a key can bind anything to it',
      'bad_signature',
      ...forgedWithProof(),
    ),
  ];
};

function withProof(
  token: string,
  proof: (token: string) => PeerParameters['dpop'],
): readonly [string, PeerParameters] {
  const dpop = proof(token);
  return [token, { service: 'service:orders', ...(dpop !== undefined && { dpop }) }];
}

function forgedWithProof(): readonly [string, Partial<PermitParameters>] {
  const [, , signature = ''] = signed(headerOf(ed), claimsOf(), stranger).split('.');
  const token = `${signingInput(headerOf(ed), claimsOf(boundTo(dpopEd)))}.${signature}`;
  return [token, { peer: { dpop: proofFor(token) } }];
}
