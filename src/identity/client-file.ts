/**
 * Registered clients in the file of issuers: services that prove who they are without anybody's
 * token, by a key of their own or by a certificate.
 *
 *   clients:
 *     - id: orders                                  # acts as service:clients/orders
 *       keys: { jwks_file: ./orders.json }          # or { jwks_url: https://… }
 *       tls: { san_uri: spiffe://shop/ns/orders }   # or san_dns, or subject: CN=orders,O=Shop
 */
import { readAlgorithms, readClientKeys } from './key-settings.js';
import type { KeyOwner } from './issuers.js';
import { CLIENTS } from './principal.js';
import { StrictMembers } from './strict-members.js';

/** The exact value that a certificate must have. `subject` is written as RFC 4514 does. */
export interface CertificateName {
  readonly kind: 'san_uri' | 'san_dns' | 'subject';
  readonly value: string;
}

export interface RegisteredClient {
  readonly id: string;
  /** Undefined: it signs no assertions. */
  readonly signs: KeyOwner | undefined;
  /** Undefined: no certificate is its. */
  readonly tls: CertificateName | undefined;
}

const KINDS = ['san_uri', 'san_dns', 'subject'] as const;
const ID = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$/;

export function readClients(
  entries: readonly unknown[],
  file: string,
  folder: string,
): readonly RegisteredClient[] {
  const ids = new Set<string>();
  const names = new Set<string>();
  return entries.map((entry, index) => {
    const unnamed = new StrictMembers(entry, `${file}, client ${index + 1}`);
    const id = unnamed.requiredText('id');
    if (!ID.test(id)) {
      throw unnamed.refusal('id', 'must be of letters, digits and . _ ~ -, 100 at most');
    }
    const members = new StrictMembers(entry, `${file}, client '${id}'`);
    const client = readClient(id, members, folder);
    if (ids.has(id)) throw members.refusal('id', "is another client's");
    ids.add(id);
    if (client.tls !== undefined) {
      const name = `${client.tls.kind} ${client.tls.value}`;
      if (names.has(name)) throw members.refusal('tls', "is another client's");
      names.add(name);
    }
    return client;
  });
}

function readClient(id: string, members: StrictMembers, folder: string): RegisteredClient {
  members.get('id');
  const keys = readClientKeys(members, folder);
  const algorithms = readAlgorithms(members);
  const tls = readCertificateName(members);
  members.refuseOthers();
  if (keys === undefined && tls === undefined) {
    throw members.refusal('keys', 'or tls must be there, or it can prove nothing');
  }
  if (keys === undefined && members.has('algorithms')) {
    throw members.refusal('algorithms', 'goes with keys');
  }
  return { id, signs: keys && { name: `${CLIENTS}/${id}`, keys, algorithms }, tls };
}

function readCertificateName(members: StrictMembers): CertificateName | undefined {
  const tls = members.members('tls');
  if (tls === undefined) return undefined;
  const given = KINDS.flatMap((kind) => {
    const value = tls.text(kind);
    return value === undefined ? [] : [{ kind, value }];
  });
  tls.refuseOthers();
  const [name] = given;
  if (name === undefined || given.length > 1 || name.value === '') {
    throw members.refusal('tls', `must have one of ${KINDS.join(', ')}`);
  }
  return name;
}
