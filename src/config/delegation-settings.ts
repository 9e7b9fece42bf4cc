/** Under which address Pemba is known to those who get its tokens. */
import { Matches } from 'class-validator';
import { QuerySettings } from './query-settings.js';
import { Setting } from './setting.js';

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
}
