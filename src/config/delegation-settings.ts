/** Under which address Pemba is known to those who get its tokens, and what it signs them with. */
import { IsIn, Matches } from 'class-validator';
import { QuerySettings } from './query-settings.js';
import { Quantity, Setting } from './setting.js';

/** 30 days. */
const KEY_LIFETIME_MS = 30 * 24 * 3_600_000;

export class DelegationSettings extends QuerySettings {
  @Setting(
    'PEMBA_PUBLIC_URL',
    'URL',
    'As which callers reach Pemba: the issuer in its tokens. Without it, HOST and PORT.',
  )
  @Matches(/^(https?:\/\/[^\s/?#@]+(\/[^\s?#]*[^\s/?#])?)?$/, {
    message: 'must be an http or https URL that ends without a slash, a query or a fragment',
  })
  readonly publicUrl: string = '';

  @Setting(
    'PEMBA_MASTER_KEY',
    'base64',
    'Seals the signing keys in the database. 32 random bytes, as `openssl rand -base64 32` prints. ' +
      'Without it: made in DATA_DIR, or with a DATABASE_URL, nothing is signed.',
  )
  @Matches(/^([A-Za-z0-9+/_-]{43}=?)?$/, {
    message: 'must be 32 bytes in base64, such as `openssl rand -base64 32` prints',
  })
  readonly masterKey: string = '';

  @Setting(
    'PEMBA_SIGNING_ALGORITHM',
    'algorithm',
    'Of the signing keys that are made: `EdDSA`, or `ES256` for verifiers that know no other.',
  )
  @IsIn(['EdDSA', 'ES256'], { message: 'must be EdDSA or ES256' })
  readonly signingAlgorithm: string = 'EdDSA';

  @Setting('PEMBA_SIGNING_KEY_LIFETIME', 'duration', 'Then the next one signs.')
  @Quantity({ unit: 'duration', min: '3h', max: '3650d', form: 'a duration such as 12h or 30d' })
  readonly signingKeyLifetimeMs: number = KEY_LIFETIME_MS;

  @Setting(
    'PEMBA_SIGNING_KEY_FILES',
    'paths',
    'Private keys in PEM or JWK, with commas between them, in place of those in the database: the ' +
      'first signs, all are published.',
  )
  @Matches(/^([^,]*[^,\s][^,]*(,[^,]*[^,\s][^,]*)*)?$/, {
    message: 'must be paths with commas between them',
  })
  readonly signingKeyFiles: string = '';
}
