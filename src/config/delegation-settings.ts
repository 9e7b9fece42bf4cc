/** Under which address Pemba is known to those who get its tokens. */
import { Matches } from 'class-validator';
import { QuerySettings } from './query-settings.js';
import { Setting, Whole } from './setting.js';

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
    'PEMBA_MAX_LIVE_PERMITS',
    'permits',
    'Watched by one worker until they expire; each takes a kilobyte or two.',
  )
  @Whole(1, 10_000_000)
  readonly maxLivePermits: number = 200_000;

  @Setting(
    'PEMBA_TRUST_DOMAIN',
    'name',
    'The audience of Transaction Tokens. Without it, the issuer.',
  )
  @Matches(/^[^\s"]*$/, { message: 'must be one name without blanks' })
  readonly trustDomain: string = '';
}
