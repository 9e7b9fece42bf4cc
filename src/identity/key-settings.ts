/** Where keys are, and for which algorithms, as the file of issuers says it. */
import { resolve } from 'node:path';
import { ALGORITHMS } from './issuers.js';
import type { Algorithm, KeySource } from './issuers.js';
import type { StrictMembers } from './strict-members.js';
import { webAddressProblem } from './web-address.js';

const ALGORITHMS_DEFAULT: readonly Algorithm[] = ['EdDSA', 'ES256', 'PS256', 'RS256'];

export function readAlgorithms(members: StrictMembers): readonly Algorithm[] {
  const names = members.texts('algorithms') ?? ALGORITHMS_DEFAULT;
  return names.map((name) => {
    const algorithm = ALGORITHMS.find((known) => known === name);
    if (algorithm === undefined) {
      throw members.refusal('algorithms', `has '${name}'; known are ${ALGORITHMS.join(', ')}`);
    }
    return algorithm;
  });
}

export function readIssuerKeys(members: StrictMembers, issuer: string, folder: string): KeySource {
  const keys = members.requiredMembers('keys');
  const discovery = keys.flag('discovery');
  const url = keys.text('jwks_url');
  const path = keys.text('jwks_file');
  const host = keys.text('jwks_host');
  keys.refuseOthers();
  const given = [discovery === true ? discovery : undefined, url, path];
  if (given.filter((source) => source !== undefined).length !== 1) {
    throw members.refusal('keys', 'must have one of discovery: true, jwks_url and jwks_file');
  }
  if (host !== undefined && discovery !== true) {
    throw keys.refusal('jwks_host', 'goes with discovery: true only');
  }
  if (path !== undefined) return { kind: 'file', path: resolve(folder, path) };
  if (url !== undefined) return urlSource(keys, url);
  const problem = webAddressProblem(issuer) ?? (/[?]/.test(issuer) ? 'has a query' : undefined);
  if (problem !== undefined) {
    throw members.refusal('issuer', `${problem}, which discovery asks for`);
  }
  if (host !== undefined && !/^[a-z0-9.-]+(:\d+)?$/.test(host)) {
    throw keys.refusal('jwks_host', 'must be a host in lower case, with a port if need be');
  }
  return { kind: 'discovery', issuer, jwksHost: host ?? new URL(issuer).host };
}

/** Undefined where there is no `keys`. */
export function readClientKeys(members: StrictMembers, folder: string): KeySource | undefined {
  const keys = members.members('keys');
  if (keys === undefined) return undefined;
  const url = keys.text('jwks_url');
  const path = keys.text('jwks_file');
  keys.refuseOthers();
  if (path !== undefined && url === undefined) {
    return { kind: 'file', path: resolve(folder, path) };
  }
  if (url === undefined || path !== undefined) {
    throw members.refusal('keys', 'must have one of jwks_url and jwks_file');
  }
  return urlSource(keys, url);
}

function urlSource(keys: StrictMembers, url: string): KeySource {
  const problem = webAddressProblem(url);
  if (problem !== undefined) throw keys.refusal('jwks_url', problem);
  return { kind: 'url', url };
}
