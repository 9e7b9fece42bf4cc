/** Under which address Pemba is known to those who get its tokens, what signs them, and who gets them. */
import { IsIn, Matches, ValidateBy } from 'class-validator';
import { parseNetworks } from './networks.js';
import { QuerySettings } from './query-settings.js';
import { Quantity, Setting, Whole } from './setting.js';

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
    'PEMBA_MAX_LIVE_PERMITS',
    'permits',
    'Watched by one worker until they expire; each takes two or three kilobytes.',
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
    'PEMBA_AUTHZEN_STORE',
    'store',
    "Which AuthZEN's clients ask at `/access/v1`. Each store has that under its own path as well.",
  )
  @Matches(/^([0-9A-HJKMNP-TV-Z]{26})?$/, { message: 'must be the id of a store' })
  readonly authzenStore: string = '';

  @Setting(
    'PEMBA_EDGE_STORE',
    'store',
    'Which gateways ask at /edge. At each store they do under its own path.',
  )
  @Matches(/^([0-9A-HJKMNP-TV-Z]{26})?$/, { message: 'must be the id of a store' })
  readonly edgeStore: string = '';

  @Setting(
    'PEMBA_EDGE_GRPC_PORT',
    'port',
    'At HOST, where Envoy asks in gRPC. Empty: nowhere; 0: any free one.',
  )
  @Matches(/^(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])?$/, {
    message: 'must be a port',
  })
  readonly edgeGrpcPort: string = '';

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
