/** Who calls, how often, and what is noted of it. */
import { IsIn, IsNumber, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { HOUR, MINUTE, Setting, Whole } from './setting.js';
import { ServerSettings } from './server-settings.js';

/** Its pointers, apart from what `~` may be followed by, know no wrong. */
const MASK = /^(\/(input|result)(\/([^~,/]|~[01])*)*(,(?=\/)|$))*$/;

export class CallerSettings extends ServerSettings {
  @Setting(
    'PEMBA_AUTHENTICATION',
    'methods',
    '`none`, `keys`, `jwt`, or `keys,jwt`. Without any, whoever reaches the port may do all.',
  )
  @Matches(/^(none|keys|jwt|keys,jwt|jwt,keys)$/, {
    message: 'must be none, keys, jwt or keys,jwt',
  })
  readonly authentication: string = 'none';

  @Setting(
    'PEMBA_ADMINISTRATORS',
    'names',
    'Made administrators at each start, such as `user:corp/anne,role:corp/operators#assignee`.',
  )
  @Matches(/^([^\s,]+(,[^\s,]+)*)?$/, { message: 'must be names with commas between them' })
  readonly administrators: string = '';

  @Setting(
    'PEMBA_AUDIT',
    'mode',
    '`on`, `off`, or `auto`: when callers are authenticated. Who changed what, in the database.',
  )
  @IsIn(['auto', 'on', 'off'])
  readonly audit: string = 'auto';

  @Setting('PEMBA_ISSUERS_FILE', 'path', 'Of the issuers whose tokens count, in YAML or JSON.')
  @IsOptional()
  @IsString()
  readonly issuersFile?: string;

  @Setting(
    'PEMBA_MAX_TOKEN_BYTES',
    'bytes',
    'Refused before anything is read of it; Node takes 16 KiB of headers.',
  )
  @Whole(1024, 65_536)
  readonly maxTokenBytes: number = 16_384;

  @Setting(
    'PEMBA_CACHED_TOKENS',
    'tokens',
    'Verified, of callers and of subjects each; a kilobyte or two apiece.',
  )
  @Whole(1, 1_000_000)
  readonly cachedTokens: number = 10_000;

  @Setting('PEMBA_MAX_CLAIM_TUPLES', 'tuples', "Of one token, by the store's claims mapping.")
  @Whole(0, 10_000)
  readonly maxClaimTuples: number = 500;

  @Setting(
    'PEMBA_RATE_QUERIES',
    'per second',
    'Of a caller: checks, and ten for a list. 0: no limit, as overload is shed anyway.',
  )
  @Whole(0, 10_000_000)
  readonly rateQueries: number = 0;

  @Setting('PEMBA_RATE_WRITES', 'per second', 'Of a caller: tuples. 0: no limit.')
  @Whole(0, 10_000_000)
  readonly rateWrites: number = 0;

  @Setting('PEMBA_RATE_ADMINISTRATION', 'per second', 'Of a caller: other requests. 0: no limit.')
  @Whole(0, 10_000_000)
  readonly rateAdministration: number = 0;

  @Setting('PEMBA_RATE_BURST_SECONDS', 's', 'A caller may spend at once what comes in so long.')
  @Whole(1, HOUR / 1000)
  readonly rateBurstSeconds: number = 5;

  @Setting(
    'PEMBA_RATE_FAILED_AUTHENTICATIONS',
    'per minute',
    'From one address; no key is guessed at this pace. 0: no limit.',
  )
  @Whole(0, 10_000_000)
  readonly rateFailedAuthentications: number = 60;

  @Setting(
    'PEMBA_DECISION_LOG',
    'place',
    'Every decision as an event of OPA: to `stdout`, `file:PATH`, or the URL of a collector.',
  )
  @Matches(/^(off|stdout|file:.+|https?:\/\/[^\s@]+)$/, {
    message: 'must be off, stdout, file:PATH, or an http(s) URL without credentials',
  })
  readonly decisionLog: string = 'off';

  @Setting(
    'PEMBA_DECISION_LOG_MODE',
    'mode',
    'When the log cannot keep up: `drop` counts what is missing, `required` allows nothing.',
  )
  @IsIn(['drop', 'required'])
  readonly decisionLogMode: string = 'drop';

  @Setting('PEMBA_DECISION_LOG_ALLOWS_PERCENT', 'percent', 'Denies and errors are always logged.')
  @IsNumber({}, { message: 'must be a number' })
  @Min(0, { message: 'must be at least 0' })
  @Max(100, { message: 'must be at most 100' })
  readonly decisionLogAllowsPercent: number = 100;

  @Setting(
    'PEMBA_DECISION_LOG_MASK',
    'pointers',
    'What is left out, such as `/input/subject/id,/input/context/*`; `*` is any member.',
  )
  @Matches(MASK, { message: 'must be JSON pointers that begin with /input or /result' })
  readonly decisionLogMask: string = '';

  @Setting('PEMBA_DECISION_LOG_BUFFER_EVENTS', 'events', 'Outlasts a pause of seconds.')
  @Whole(1, 10_000_000)
  readonly decisionLogBufferEvents: number = 50_000;

  @Setting('PEMBA_DECISION_LOG_BUFFER_BYTES', 'bytes', 'Contexts may be long.')
  @Whole(1024, 4_294_967_296)
  readonly decisionLogBufferBytes: number = 67_108_864;

  @Setting('PEMBA_DECISION_LOG_FILE_BYTES', 'bytes', 'Some 200,000 events, then the next file.')
  @Whole(1024, 1_099_511_627_776)
  readonly decisionLogFileBytes: number = 104_857_600;

  @Setting('PEMBA_DECISION_LOG_FILES', 'files', 'Kept, for each worker; a gigabyte in all.')
  @Whole(2, 10_000)
  readonly decisionLogFiles: number = 10;

  @Setting('PEMBA_DECISION_LOG_TIMEOUT_MS', 'ms', 'For the collector to take a megabyte.')
  @Whole(10, 10 * MINUTE)
  readonly decisionLogTimeoutMs: number = 10_000;

  @Setting('PEMBA_DECISION_LOG_TOKEN_FILE', 'path', "Holds the collector's bearer token.")
  @IsString()
  readonly decisionLogTokenFile: string = '';
}
