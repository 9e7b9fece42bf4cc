/** Tokens of users, by an issuer whose keys are in a file; nobody who asks is looked at. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { Ground } from './ground.js';

const ISSUER = 'https://bench.example';

export interface UserTokens {
  /** Of a server that is to know the issuer. */
  readonly settings: Readonly<Record<string, string>>;
  /** `user:anne`; a token for each number. */
  readonly tokenOf: (user: string, number: number) => Promise<string>;
}

export async function userTokens({ directory }: Ground, audience: string): Promise<UserTokens> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  writeFileSync(join(directory, 'users-jwks.json'), JSON.stringify({ keys: [jwk] }));
  const subjects = { audience: [audience], type: 'user', prefix: '' };
  const keys = { jwks_file: './users-jwks.json' };
  const path = join(directory, 'users-issuer.json');
  writeFileSync(
    path,
    JSON.stringify({ issuers: [{ name: 'bench', issuer: ISSUER, keys, subjects }] }),
  );
  return {
    settings: { PEMBA_ISSUERS_FILE: path },
    tokenOf: (user, number) =>
      new SignJWT({ client_id: 'web', scope: 'openid profile shop:write' })
        .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
        .setIssuer(ISSUER)
        .setAudience(audience)
        .setSubject(user.slice('user:'.length))
        .setJti(String(number))
        .setIssuedAt()
        .setExpirationTime('6h')
        .sign(privateKey),
  };
}
