/**
 * The file of issuers, YAML or JSON:
 *
 *   issuers:
 *     - name: corp
 *       issuer: https://id.example.com/
 *       keys: { discovery: true }        # or { jwks_url: https://… } or { jwks_file: ./keys.json }
 *       callers:                         # whose tokens call Pemba
 *         audience: [pemba]
 *       subjects:                        # whose tokens stand for the user of a query
 *         audience: [shop-api]
 *         types: [at+jwt, JWT]
 *         type: user
 *   clients:                             # services that prove who they are by keys of their own
 *     - id: orders                       # see client-file.ts
 *
 * Two things are held over the whole of it. A token serves one use only: no audience of an issuer is
 * both a caller's and a subject's. And no two issuers can name the same subject: those of one type
 * have prefixes of which none begins with the other.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isNativeError } from 'node:util/types';
import { parseDocument } from 'yaml';
import { PembaError } from '../errors.js';
import { isRelationName } from '../tuple/tuple.js';
import { readClients } from './client-file.js';
import type { RegisteredClient } from './client-file.js';
import { mediaType } from './issuers.js';
import type {
  CallerRules,
  ClaimPath,
  Issuer,
  ServiceRule,
  SubjectRules,
  TokenRules,
} from './issuers.js';
import { readAlgorithms, readIssuerKeys } from './key-settings.js';
import { CLIENTS } from './principal.js';
import { StrictMembers } from './strict-members.js';

/** Clocks that are set by NTP differ by less. */
const CLOCK_SKEW_DEFAULT_MS = 5000;
/** More would keep tokens alive that their issuer has ended. */
const CLOCK_SKEW_MAX = { ms: 30_000, text: '30s' };
const LIFETIME_DEFAULT_MS = 24 * 3_600_000;
const LIFETIME_MAX = { ms: 365 * 24 * 3_600_000, text: '365d' };
const ISSUER_LENGTH_MAX = 512;
/** In `types`: a token without `typ`. */
const TYPE_ABSENT = 'absent';
/** An id of a claim has 200 characters, the whole object of a tuple 256. */
const PREFIX_LENGTH_MAX = 32;

export interface IssuerFile {
  readonly issuers: readonly Issuer[];
  readonly clients: readonly RegisteredClient[];
}

/** Throws `cannot_start` naming the file, the issuer and the field. */
export function loadIssuerFile(path: string): IssuerFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = isNativeError(error) ? error.message : typeof error;
    throw new PembaError('cannot_start', `The file of issuers cannot be read: ${reason}.`, {
      cause: error,
    });
  }
  return parseIssuerFile(text, path);
}

export function parseIssuerFile(text: string, path: string): IssuerFile {
  const file = basename(path);
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const [line = ''] = problem.message.split('\n');
    throw new PembaError('cannot_start', `${file}: ${line}`, { cause: problem });
  }
  const root = new StrictMembers(document.toJS(), file);
  const folder = dirname(path);
  const hasClients = root.has('clients');
  // Clients alone are enough: whoever else calls may have a key.
  const entries = root.has('issuers') || !hasClients ? root.list('issuers') : [];
  const issuers = entries.map((value, index) => readIssuer(value, file, index, folder));
  const clients = hasClients ? readClients(root.list('clients'), file, folder) : [];
  root.refuseOthers();
  refuseSharedNames(issuers, file);
  refuseSharedSubjects(issuers, file);
  refuseClientsThatAreIssuers(clients, issuers, file);
  return { issuers, clients };
}

function readIssuer(value: unknown, file: string, index: number, folder: string): Issuer {
  const unnamed = new StrictMembers(value, `${file}, issuer ${index + 1}`);
  const name = unnamed.requiredText('name');
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name)) {
    throw unnamed.refusal('name', 'must be of a-z, 0-9 and -, begin with a letter, 32 at most');
  }
  if (name === CLIENTS) throw unnamed.refusal('name', 'is reserved for registered clients');
  const place = `${file}, issuer '${name}'`;
  const members = new StrictMembers(value, place);
  members.get('name');
  const issuer = readIdentifier(members);
  const keys = readIssuerKeys(members, issuer, folder);
  const algorithms = readAlgorithms(members);
  const clockSkewMs = members.durationMs('clock_skew', CLOCK_SKEW_MAX) ?? CLOCK_SKEW_DEFAULT_MS;
  const maxLifetimeMs = members.durationMs('max_lifetime', LIFETIME_MAX) ?? LIFETIME_DEFAULT_MS;
  if (maxLifetimeMs === 0) throw members.refusal('max_lifetime', 'must be more than nothing');
  const callers = readCallers(members.members('callers'));
  const subjects = readSubjects(members.members('subjects'));
  members.refuseOthers();
  if (callers === undefined && subjects === undefined) {
    throw members.refusal(
      'callers',
      'or subjects must be there, or its tokens are good for nothing',
    );
  }
  const shared = callers?.audience.find((audience) => subjects?.audience.includes(audience));
  if (shared !== undefined) {
    throw members.refusal(
      'subjects',
      `and callers share the audience '${shared}': the token of a user would be one to call with`,
    );
  }
  return { name, issuer, keys, algorithms, clockSkewMs, maxLifetimeMs, callers, subjects };
}

function readIdentifier(members: StrictMembers): string {
  const issuer = members.requiredText('issuer');
  if (!/^\S+$/.test(issuer) || issuer.length > ISSUER_LENGTH_MAX) {
    throw members.refusal(
      'issuer',
      `must be without white space, ${ISSUER_LENGTH_MAX} characters at most`,
    );
  }
  return issuer;
}

function readTokenRules(members: StrictMembers): TokenRules {
  const audience = members.requiredTexts('audience');
  const types = (members.texts('types') ?? ['at+jwt']).map((type) =>
    type === TYPE_ABSENT ? undefined : mediaType(type),
  );
  const rfc9068 = members.flag('rfc9068') ?? (types.length === 1 && types[0] === 'at+jwt');
  return { audience, types, rfc9068, subject: readPath(members, 'subject') ?? ['sub'] };
}

function readCallers(members: StrictMembers | undefined): CallerRules | undefined {
  if (members === undefined) return undefined;
  const rules = readTokenRules(members);
  const client = readPath(members, 'client') ?? ['client_id'];
  const service = readServiceRule(members) ?? { kind: 'same', claim: ['sub'], other: client };
  const roles = readPath(members, 'roles');
  members.refuseOthers();
  return { ...rules, client, service, roles };
}

function readServiceRule(members: StrictMembers): ServiceRule | undefined {
  const value = members.get('service');
  if (value === undefined) return undefined;
  if (value === 'always' || value === 'never') return { kind: value };
  if (typeof value === 'string') {
    throw members.refusal('service', `must be always, never, or a claim and what it equals`);
  }
  const rule = members.requiredMembers('service');
  const claim = readPath(rule, 'claim');
  if (claim === undefined) throw rule.refusal('claim', 'is required');
  const other = readPath(rule, 'equals_claim');
  const equals = rule.get('equals');
  rule.refuseOthers();
  if ((other === undefined) === (equals === undefined)) {
    throw rule.refusal('claim', 'must have one of equals and equals_claim beside it');
  }
  if (other !== undefined) return { kind: 'same', claim, other };
  if (typeof equals === 'string' || typeof equals === 'number' || typeof equals === 'boolean') {
    return { kind: 'equals', claim, value: equals };
  }
  throw rule.refusal('equals', 'must be a string, a number, or true or false');
}

function readSubjects(members: StrictMembers | undefined): SubjectRules | undefined {
  if (members === undefined) return undefined;
  const rules = readTokenRules(members);
  const type = members.requiredText('type');
  const prefix = members.text('prefix') ?? '';
  members.refuseOthers();
  if (!isRelationName(type)) throw members.refusal('type', `cannot be '${type}'`);
  if (!/^[A-Za-z0-9._/|@+-]*$/.test(prefix) || prefix.length > PREFIX_LENGTH_MAX) {
    throw members.refusal(
      'prefix',
      `must be of letters, digits and . _ / | @ + -, ${PREFIX_LENGTH_MAX} at most`,
    );
  }
  return { ...rules, type, prefix };
}

/** `a.b` goes into `a`. A claim whose name has a dot is written as a list: `['https://a.b/c']`. */
function readPath(members: StrictMembers, name: string): ClaimPath | undefined {
  const value = members.get(name);
  if (value === undefined) return undefined;
  const path: unknown = typeof value === 'string' ? value.split('.') : value;
  const isName = (part: unknown): part is string => typeof part === 'string' && part !== '';
  if (!Array.isArray(path) || path.length === 0 || !path.every(isName)) {
    throw members.refusal(name, 'must be the name of a claim, dotted, or a list of names');
  }
  return path;
}

function refuseSharedNames(issuers: readonly Issuer[], file: string): void {
  for (const member of ['name', 'issuer'] as const) {
    const seen = new Set<string>();
    for (const issuer of issuers) {
      if (seen.has(issuer[member])) {
        throw new PembaError(
          'cannot_start',
          `${file}, issuer '${issuer.name}': ${member} ${issuer[member]} is another issuer's.`,
        );
      }
      seen.add(issuer[member]);
    }
  }
}

function refuseSharedSubjects(issuers: readonly Issuer[], file: string): void {
  for (const [index, { name, subjects }] of issuers.entries()) {
    if (subjects === undefined) continue;
    const rival = issuers.slice(0, index).find(({ subjects: earlier }) => {
      if (earlier?.type !== subjects.type) return false;
      return (
        subjects.prefix.startsWith(earlier.prefix) || earlier.prefix.startsWith(subjects.prefix)
      );
    });
    if (rival !== undefined) {
      throw new PembaError(
        'cannot_start',
        `${file}, issuer '${name}': subjects, prefix '${subjects.prefix}' and that of issuer ` +
          `'${rival.name}', '${rival.subjects?.prefix ?? ''}', would name the same '${subjects.type}'.`,
      );
    }
  }
}

/** Whose an assertion is, its `iss` says. */
function refuseClientsThatAreIssuers(
  clients: readonly RegisteredClient[],
  issuers: readonly Issuer[],
  file: string,
): void {
  const both = clients.find(({ id }) => issuers.some(({ issuer }) => issuer === id));
  if (both === undefined) return;
  throw new PembaError('cannot_start', `${file}, client '${both.id}': its id is an issuer's.`);
}
