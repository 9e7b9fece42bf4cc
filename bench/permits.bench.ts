/** What it costs a service to verify a permit offline. */
import { generateKeyPairSync, hash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { MemoryReplayCache, createVerifier } from '../src/client/verifier.js';
import type { Peer, PermitPresentation, ReplayCache, Verifier } from '../src/client/verifier.js';
import { systemClock } from '../src/clock.js';
import { PERMIT_TYPE, permitClaims } from '../src/delegation/permit.js';
import type { Confirmation, PermitDetail } from '../src/delegation/permit.js';
import type { SigningAlgorithm } from '../src/delegation/signed-token.js';
import type { JsonObject } from '../src/tuple/tuple.js';
import type { Benchmark } from './ground.js';
import { interleave, timedLoop, timingOf } from './measure.js';
import type { Loop, Run } from './measure.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row } from './report.js';

const ISSUER = 'https://pemba.example/stores/01JBENCH';
const URL_OF_REQUEST = 'https://inventory.example/items/9/reservations';
/** Different permits, so that nothing about one can be remembered. */
const PERMITS = 500;

export const permitsBenchmark: Benchmark = {
  name: 'permits',
  async run({ scale }) {
    const signers = [new Signer('EdDSA'), new Signer('ES256')];
    const jwks = { keys: signers.map(({ jwk }) => jwk) };
    const verifier = createVerifier({
      ...{ issuer: ISSUER, service: 'service:inventory', keys: jwks, revocations: 'off' },
      replay: renewingCache(),
    });
    await verifier.start();
    const rows: Row[] = [];
    for (const { name, signer, questions, outcome } of casesOf(signers)) {
      await requireOutcome(verifier, questions, outcome);
      const reference = timedLoop(bareLoop(signer, questions), scale.loopMs);
      const subject = timedVerifications(verifier, questions, scale.loopMs);
      rows.push({ case: name, ...comparisonRow(await interleave(reference, subject, scale.runs)) });
    }
    await verifier.stop();
    return [
      {
        title: 'permits verified by a service',
        note: "The reference is one `crypto.verify` of the permit's bytes by the same key.",
        columns: [column('case', 'case', 'text'), ...COMPARISON],
        rows,
      },
    ];
  },
};

/** A real one that lets the same permits in again, round after round. */
function renewingCache(): ReplayCache {
  let cache = new MemoryReplayCache(systemClock);
  return {
    remember: (id, expiresAt) => {
      const outcome = cache.remember(id, expiresAt);
      if (outcome !== 'seen') return outcome;
      cache = new MemoryReplayCache(systemClock);
      return cache.remember(id, expiresAt);
    },
  };
}

async function requireOutcome(
  verifier: Verifier,
  [question]: readonly Question[],
  expected: Case['outcome'],
): Promise<void> {
  const { token, presented } = question ?? { token: undefined, presented: undefined };
  if (presented === undefined) throw new Error('a case has no questions');
  const outcome = await verifier.verifyPermit(token, presented).then(
    () => 'accepted',
    () => 'refused',
  );
  if (outcome !== expected) throw new Error(`a permit is ${outcome}`);
}

function bareLoop(signer: Signer, questions: readonly Question[]): Loop {
  const parts = questions.map(({ token }) => {
    const end = token.lastIndexOf('.');
    return {
      bytes: Buffer.from(token.slice(0, end)),
      signature: Buffer.from(token.slice(end + 1), 'base64url'),
    };
  });
  return (first, count) => {
    let good = 0;
    for (let i = first; i < first + count; i++) {
      const part = parts[i % parts.length];
      if (part !== undefined && signer.isSigned(part.bytes, part.signature)) good++;
    }
    return good;
  };
}

/** One after the other, as requests bring them. */
function timedVerifications(
  verifier: Verifier,
  questions: readonly Question[],
  forMs: number,
): Run {
  let next = 0;
  return async () => {
    const samples: number[] = [];
    const begin = performance.now();
    for (let now = begin; now < begin + forMs;) {
      const { token, presented } = questions[next++ % questions.length] ?? {};
      if (presented !== undefined) {
        await verifier.verifyPermit(token, presented).catch(() => undefined);
      }
      const end = performance.now();
      samples.push((end - now) * 1e6);
      now = end;
    }
    return timingOf(samples, ((performance.now() - begin) * 1e6) / samples.length);
  };
}

class Signer {
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: KeyObject;
  readonly jwk: object;
  readonly #privateKey: KeyObject;

  constructor(algorithm: SigningAlgorithm) {
    const { privateKey, publicKey } =
      algorithm === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.algorithm = algorithm;
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
    this.jwk = { ...publicKey.export({ format: 'jwk' }), kid: algorithm, alg: algorithm };
  }

  thumbprint(): string {
    const { crv, kty, x, y } = this.publicKey.export({ format: 'jwk' });
    return hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url');
  }

  sign(header: JsonObject, claims: JsonObject): string {
    const input = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.');
    const key = { key: this.#privateKey, dsaEncoding: 'ieee-p1363' as const };
    const digest = this.algorithm === 'EdDSA' ? null : 'sha256';
    return `${input}.${base64url(sign(digest, Buffer.from(input), key))}`;
  }

  isSigned(bytes: Uint8Array, signature: Uint8Array): boolean {
    return this.algorithm === 'EdDSA'
      ? verify(null, bytes, this.publicKey, signature)
      : verify('sha256', bytes, { key: this.publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  }
}

const base64url = (data: string | Uint8Array): string => Buffer.from(data).toString('base64url');

interface Question {
  readonly token: string;
  readonly presented: PermitPresentation;
}

interface Case {
  readonly name: string;
  readonly signer: Signer;
  readonly questions: readonly Question[];
  readonly outcome: 'accepted' | 'refused';
}

function casesOf(signers: readonly Signer[]): readonly Case[] {
  const [first] = signers;
  if (first === undefined) throw new Error('there are signers');
  const request = { action: 'can_reserve', resource: { type: 'item', id: '9' } };
  const peer: Peer = { service: 'service:orders' };
  const plain = {
    name: 'one permission',
    actors: ['service:orders'],
    details: [detail('9')],
  } as const;
  const large = {
    name: 'four actors, 16 permissions',
    actors: ['service:orders', 'service:web', 'service:edge', 'service:kiosk'],
    details: Array.from({ length: 16 }, (_, i) => detail(String(i))),
  } as const;
  const many = (make: (i: number) => Question): readonly Question[] =>
    Array.from({ length: PERMITS }, (_, i) => make(i));
  const client = new Signer('EdDSA');
  const dpop = (token: string, i: number): Peer => ({
    service: 'service:orders',
    dpop: { proof: proofOf(client, token, i), method: 'POST', url: URL_OF_REQUEST },
  });
  return [
    ...signers.flatMap((signer): readonly Case[] =>
      [plain, large].map((content) => ({
        name: `${signer.algorithm}, ${content.name}`,
        signer,
        questions: many((i) => ({
          token: permitOf(signer, i, content),
          presented: { ...request, peer },
        })),
        outcome: 'accepted',
      })),
    ),
    {
      name: 'EdDSA, for once',
      signer: first,
      questions: many((i) => ({
        token: permitOf(first, i, plain),
        presented: { ...request, peer, once: true },
      })),
      outcome: 'accepted',
    },
    {
      name: 'EdDSA, with a DPoP proof by EdDSA',
      signer: first,
      questions: many((i) => {
        const confirmation = { jkt: client.thumbprint() };
        const token = permitOf(first, i, { ...plain, confirmation });
        return { token, presented: { ...request, peer: dpop(token, i) } };
      }),
      outcome: 'accepted',
    },
    {
      name: 'EdDSA, refused: for another item',
      signer: first,
      questions: many((i) => ({
        token: permitOf(first, i, plain),
        presented: { ...request, resource: { type: 'item', id: '99' }, peer },
      })),
      outcome: 'refused',
    },
  ];
}

const detail = (id: string): PermitDetail => ({
  actions: ['can_reserve'],
  resource: { type: 'item', id },
});

interface Content {
  readonly name: string;
  readonly actors: readonly [string, ...string[]];
  readonly details: readonly PermitDetail[];
  readonly confirmation?: Confirmation;
}

function permitOf(signer: Signer, i: number, content: Content): string {
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims = permitClaims({
    actors: content.actors,
    details: content.details,
    ...(content.confirmation !== undefined && { confirmation: content.confirmation }),
    issuer: ISSUER,
    audience: 'service:inventory',
    subject: 'user:4b7a1c52-9d0e-4f1a-8c39-2f5d6f0b7e11',
    transactionId: `01JTXN${i}`,
    id: `01JPERMIT${i}`,
    ...{ issuedAt, notBefore: issuedAt, expiresAt: issuedAt + 300 },
    consistencyToken: 'bXVjaCBsaWtlIGEgdG9rZW4gb2YgYSBzdG9yZQ',
    modelId: '01JMODEL',
    decisionId: `01JDECISION${i}`,
  });
  return signer.sign({ alg: signer.algorithm, kid: signer.algorithm, typ: PERMIT_TYPE }, claims);
}

function proofOf(client: Signer, token: string, i: number): string {
  const { crv, kty, x } = client.publicKey.export({ format: 'jwk' });
  const jwk = { crv: crv ?? '', kty: kty ?? '', x: x ?? '' };
  const iat = Math.floor(Date.now() / 1000);
  const ath = hash('sha256', token, 'base64url');
  return client.sign(
    { typ: 'dpop+jwt', alg: client.algorithm, jwk },
    { jti: `proof-${i}`, htm: 'POST', htu: URL_OF_REQUEST, iat, ath },
  );
}
