/**
 * Who presents a permit must be its actor. Usually the connection says who that is (a client
 * certificate, a workload token). A service that cannot know has to say so, and then takes only
 * permits that are bound to a key, proved here: Pemba bound it because that actor proved the key.
 *
 * A permit that is bound to a key needs the proof in either case. One that is not bound is a bearer
 * token between these two services, which mutual TLS between them is to protect.
 */
import { PermitRefused } from '../../delegation/permit-refused.js';
import type { Permit } from '../../delegation/permit.js';
import { readDpopProof } from './dpop.js';
import type { DpopExpectations, DpopPresentation, DpopProof } from './dpop.js';

interface PresentedKeys {
  /**
   * SHA-256 of the certificate that the peer proved in the TLS handshake, in base64url:
   * `hash('sha256', socket.getPeerX509Certificate().raw, 'base64url')`.
   */
  readonly certificateThumbprint?: string;
  readonly dpop?: DpopPresentation;
}

export type Peer =
  /** `service:orders`, as its authenticated connection or request says. */
  | (PresentedKeys & { readonly service: string })
  | (PresentedKeys & { readonly unauthenticated: true });

/** Returns the proof whose signature is still to be checked, if one is needed. */
export function requirePresenter(
  { actors, confirmation }: Permit,
  peer: Peer,
  expected: Omit<DpopExpectations, 'jkt'>,
): DpopProof | undefined {
  if ('service' in peer) {
    if (peer.service !== actors[0]) throw new PermitRefused('wrong_peer');
  } else if (confirmation === undefined) {
    throw new PermitRefused('unconfirmed');
  }
  if (confirmation === undefined) return undefined;
  if ('jkt' in confirmation) {
    if (peer.dpop === undefined) throw new PermitRefused('not_proved');
    return readDpopProof(peer.dpop, { ...expected, jkt: confirmation.jkt });
  }
  if (peer.certificateThumbprint !== confirmation['x5t#S256']) {
    throw new PermitRefused('not_proved');
  }
  return undefined;
}
