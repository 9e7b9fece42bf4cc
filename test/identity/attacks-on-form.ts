/** Attacks on how a token is written and signed. */
import { createPublicKey } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { CompactEncrypt, generateKeyPair } from 'jose';
import type { Claims, SigningKey } from '../support/issuer.js';
import type { AttackCase, AttackTargets } from './attacks.js';
import { base64url, forge, forgeHmac, forgePss, headerOf } from './forge.js';
import { signingInput, tampered, withSpareBits } from './forge.js';

export async function algorithmCases(
  { strict }: AttackTargets,
  rsa: SigningKey,
): Promise<readonly AttackCase[]> {
  const { key } = strict;
  const claims = strict.claims();
  const header = headerOf(key);
  const pem = createPublicKey({ key: key.publicJwk as JsonWebKey, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
  const unsigned = (alg: unknown): string => `${signingInput({ ...header, alg }, claims)}.`;
  const crossSigned = await strict.sign(claims, { key: rsa, header: { kid: key.id } });
  return [
    ...['none', 'None', 'nOnE', 'NONE'].map((alg): AttackCase => [
      `alg ${alg} without a signature`,
      'form',
      unsigned(alg),
    ]),
    ...['none', 'None', ''].map((alg): AttackCase => [
      `alg '${alg}' with a signature`,
      'algorithm',
      forge(key, { ...header, alg }, claims),
    ]),
    ['alg absent', 'algorithm', forge(key, { kid: key.id, typ: 'at+jwt' }, claims)],
    ['alg in a list', 'algorithm', forge(key, { ...header, alg: ['ES256'] }, claims)],
    ['alg null', 'algorithm', forge(key, { ...header, alg: null }, claims)],
    ['alg in lower case', 'algorithm', forge(key, { ...header, alg: 'es256' }, claims)],
    [
      'HS256 with the public key as PEM',
      'algorithm',
      forgeHmac(pem, { ...header, alg: 'HS256' }, claims),
    ],
    [
      'HS256 with the public key as JWK',
      'algorithm',
      forgeHmac(JSON.stringify(key.publicJwk), { ...header, alg: 'HS256' }, claims),
    ],
    ['HS256 with an empty secret', 'algorithm', forgeHmac('', { ...header, alg: 'HS256' }, claims)],
    [
      'PS256 with a key for RS256',
      'key_algorithm',
      forgePss(rsa, { ...headerOf(rsa), alg: 'PS256' }, claims),
    ],
    ['RS256 said of an ES256 key', 'key_algorithm', crossSigned],
    ['RS512, which is not allowed', 'algorithm', forge(key, { ...header, alg: 'RS512' }, claims)],
    ['ES256K', 'algorithm', forge(key, { ...header, alg: 'ES256K' }, claims)],
    ['ES384 with a P-256 key', 'algorithm', forge(key, { ...header, alg: 'ES384' }, claims)],
    ['EdDSA with a P-256 key', 'key_algorithm', forge(key, { ...header, alg: 'EdDSA' }, claims)],
    ['an encryption algorithm', 'algorithm', forge(key, { ...header, alg: 'RSA-OAEP' }, claims)],
  ];
}

export async function signatureCases(
  { strict }: AttackTargets,
  mallory: SigningKey,
): Promise<readonly AttackCase[]> {
  const good = await strict.accessToken();
  const other = await strict.accessToken({ sub: 'bob' });
  const withSignature = (bytes: Uint8Array): string =>
    tampered(good, ([header, payload]) => [header, payload, base64url(bytes)]);
  const signature = Buffer.from(good.split('.')[2] ?? '', 'base64url');
  const flipped = Buffer.from(signature);
  flipped[10] = (flipped[10] ?? 0) ^ 1;
  const order = Buffer.from(
    'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
    'hex',
  );
  const der = Buffer.concat([
    Buffer.from([0x30, 0x44, 2, 32]),
    signature.subarray(0, 32),
    Buffer.from([2, 32]),
    signature.subarray(32),
  ]);
  return [
    ['an empty signature', 'form', tampered(good, ([header, payload]) => [header, payload, ''])],
    [
      "another payload's signature",
      'signature',
      tampered(good, ([header, payload]) => [header, payload, other.split('.')[2] ?? '']),
    ],
    [
      'another payload under the signature',
      'signature',
      tampered(good, ([header, , tail]) => [
        header,
        base64url(JSON.stringify(strict.claims({ sub: 'root' }))),
        tail,
      ]),
    ],
    [
      'another header over the signature',
      'signature',
      tampered(good, ([, payload, tail]) => [
        base64url(JSON.stringify({ ...headerOf(strict.key), more: 1 })),
        payload,
        tail,
      ]),
    ],
    ['a bit of the signature flipped', 'signature', withSignature(flipped)],
    ['a signature of zeros', 'signature', withSignature(Buffer.alloc(64))],
    [
      'r of zero',
      'signature',
      withSignature(Buffer.concat([Buffer.alloc(32), signature.subarray(32)])),
    ],
    [
      's of zero',
      'signature',
      withSignature(Buffer.concat([signature.subarray(0, 32), Buffer.alloc(32)])),
    ],
    ['r and s of the order', 'signature', withSignature(Buffer.concat([order, order]))],
    ['a signature cut short', 'signature', withSignature(signature.subarray(0, 63))],
    [
      'a signature made longer',
      'signature',
      withSignature(Buffer.concat([signature, Buffer.alloc(1)])),
    ],
    ['a signature in DER', 'signature', withSignature(der)],
    ["a stranger's key under a known id", 'signature', strict.accessToken({}, { key: mallory })],
  ];
}

export async function encodingCases({ strict }: AttackTargets): Promise<readonly AttackCase[]> {
  const good = await strict.accessToken();
  const form = (name: string, token: string): AttackCase => [name, 'form', token];
  const odd = forge(strict.key, headerOf(strict.key), padTo(strict.claims(), 1));
  return [
    form('nothing', ''),
    form('dots alone', '..'),
    form('no token at all', 'pemba'),
    form(
      'two parts',
      tampered(good, ([header, payload]) => [header, payload]),
    ),
    form('four parts', `${good}.${base64url('more')}`),
    form('a dot at the end', `${good}.`),
    form(
      'no header',
      tampered(good, ([, payload, tail]) => ['', payload, tail]),
    ),
    form(
      'no payload',
      tampered(good, ([header, , tail]) => [header, '', tail]),
    ),
    form(
      'padding in the header',
      tampered(good, ([header, ...rest]) => [`${header}=`, ...rest]),
    ),
    form('padding after the signature', `${good}==`),
    form('a space before', ` ${good}`),
    form('a newline after', `${good}\n`),
    form(
      'a newline inside',
      tampered(good, ([header, payload, tail]) => [header, `${payload}\n`, tail]),
    ),
    form('a null character', `${good}\u0000`),
    form('a letter outside of ASCII', `${good}é`),
    form(
      'plain base64',
      tampered(good, ([header, payload]) => [header, payload, '+/+/'.repeat(21) + '+/']),
    ),
    form(
      'spare bits in the signature',
      tampered(good, ([header, payload, tail]) => [header, payload, withSpareBits(tail)]),
    ),
    form(
      'spare bits in the payload',
      tampered(odd, ([header, payload, tail]) => [header, withSpareBits(payload), tail]),
    ),
    ['a scheme in front', 'form', `Bearer ${good}`],
    ['JSON serialization', 'form', JSON.stringify({ payload: good.split('.')[1], signatures: [] })],
    ['17 kB of claims', 'size', await strict.accessToken({ more: 'x'.repeat(17_000) })],
    ['a megabyte of letters', 'size', 'a'.repeat(1_048_576)],
  ];
}

/** Claims as text whose length leaves this rest by three, so that its encoding has spare bits. */
function padTo(claims: Claims, rest: number): string {
  const text = JSON.stringify(claims);
  return text + ' '.repeat((rest + 3 - (text.length % 3)) % 3);
}

export function jsonCases({ strict }: AttackTargets): readonly AttackCase[] {
  const { key } = strict;
  const header = headerOf(key);
  const text = JSON.stringify(strict.claims());
  const inner = text.slice(1, -1);
  const headerText = JSON.stringify(header).slice(1, -1);
  const json = (
    name: string,
    payload: string | Uint8Array,
    head: string | object = header,
  ): AttackCase => [name, 'json', forge(key, head, payload)];
  return [
    json('sub twice', `{${inner},"sub":"root"}`),
    json('aud twice, once escaped', `{"\\u0061ud":"pemba",${inner}}`),
    json('a member twice further in', `{${inner},"realm":{"role":1,"role":2}}`),
    json('alg twice in the header', text, `{"alg":"none",${headerText}}`),
    json('kid twice in the header', text, `{${headerText},"kid":"other"}`),
    json('a payload that is no JSON', 'sub=anne'),
    json('a payload cut short', text.slice(0, -1)),
    json('two payloads', `${text}${text}`),
    json('a payload that is a list', `[${text}]`),
    json('a payload that is a string', JSON.stringify(text)),
    json('a payload that is null', 'null'),
    json('a payload of a byte order mark and JSON', `\ufeff${text}`),
    json('a payload that is no UTF-8', Buffer.from(text.replace('anne', 'ann\u00e9'), 'latin1')),
    json('thousands of levels', `{${inner},"deep":${'['.repeat(4000)}${']'.repeat(4000)}}`),
    json('a header that is a list', text, `[${JSON.stringify(header)}]`),
    json('a header that is no JSON', text, 'alg: ES256'),
    json('a token as the payload', forge(key, header, text)),
  ];
}

export function headerCases({ strict }: AttackTargets, mallory: SigningKey): readonly AttackCase[] {
  const { key } = strict;
  const claims = strict.claims();
  const refused = (name: string, extra: object, signer = key): AttackCase => [
    name,
    'header',
    forge(signer, { ...headerOf(key), ...extra }, claims),
  ];
  return [
    refused('its own key in the header', { jwk: mallory.publicJwk }, mallory),
    refused('its own key, no key id', { jwk: mallory.publicJwk, kid: undefined }, mallory),
    refused('jku', { jku: 'https://mallory.example/keys' }, mallory),
    refused('jku of the issuer', { jku: strict.jwksUrl }),
    refused('x5u', { x5u: 'https://mallory.example/chain' }, mallory),
    refused('x5c', { x5c: ['MIIB'] }, mallory),
    refused('crit with b64', { crit: ['b64'], b64: true }),
    refused('crit and an unencoded payload', { crit: ['b64'], b64: false }),
    refused('b64 false alone', { b64: false }),
    refused('an unknown crit', { crit: ['exp2'], exp2: 1 }),
    refused('an empty crit', { crit: [] }),
    refused('crit that is no list', { crit: 'exp' }),
    refused('compression', { zip: 'DEF' }),
    refused('an encryption named', { enc: 'A256GCM' }),
  ];
}

export async function encryptedCases({ strict }: AttackTargets): Promise<readonly AttackCase[]> {
  const { publicKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256' });
  const encrypt = (text: string): Promise<string> =>
    new CompactEncrypt(Buffer.from(text))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM', typ: 'at+jwt' })
      .encrypt(publicKey);
  return [
    ['an encrypted token', 'form', encrypt(JSON.stringify(strict.claims()))],
    ['a signed token inside an encrypted one', 'form', encrypt(await strict.accessToken())],
  ];
}
