/** Under which address Pemba is known to those who get its tokens, and how they prove who they are. */
import { Matches, ValidateBy } from 'class-validator';
import { parseNetworks } from './networks.js';
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

  @Setting(
    'PEMBA_PERMITS_STORE',
    'store',
    'Whose tokens PEMBA_PUBLIC_URL itself issues. Each store does under its own path.',
  )
  @Matches(/^([0-9A-HJKMNP-TV-Z]{26})?$/, { message: 'must be the id of a store' })
  readonly permitsStore: string = '';

  @Setting(
    'PEMBA_RATE_EXCHANGES',
    'per second',
    'Of a client: tokens that it asks for. 0: no limit.',
  )
  @Whole(0, 10_000_000)
  readonly rateExchanges: number = 0;

  @Setting(
    'PEMBA_TRUSTED_PROXIES',
    'networks',
    'Who may tell of client certificates, such as `10.0.0.0/8,::1`. Nobody unless said.',
  )
  @ValidateBy({
    name: 'networks',
    validator: {
      validate: (value) => typeof value === 'string' && parseNetworks(value) !== undefined,
      defaultMessage: () => 'must be addresses or networks with commas between them',
    },
  })
  readonly trustedProxies: string = '';

  @Setting(
    'PEMBA_CLIENT_CERTIFICATE_HEADER',
    'name',
    "Where these put it: RFC 9440's `Client-Cert`, nginx's escaped PEM, or Envoy's XFCC.",
  )
  @Matches(/^([A-Za-z][A-Za-z0-9-]*)?$/, { message: 'must be the name of a header' })
  readonly clientCertificateHeader: string = '';
}
