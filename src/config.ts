/**
 * Environment → one frozen Config. Each setting names its variable, its unit and the reason for its
 * default; the README's table is held against this file by a test.
 */
import 'reflect-metadata';
import { availableParallelism, totalmem } from 'node:os';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { IsNumber, ValidateBy, ValidateIf, validateSync } from 'class-validator';
import { PembaError } from './errors.js';
import { parseDuration, parseSize } from './quantity.js';

export interface SettingDescription {
  readonly variable: string;
  readonly property: string;
  readonly unit: string;
  readonly reason: string;
}

const descriptions: SettingDescription[] = [];

function Setting(variable: string, unit: string, reason: string): PropertyDecorator {
  return (_target, property) => {
    descriptions.push({ variable, property: String(property), unit, reason });
  };
}

function Whole(min: number, max: number): PropertyDecorator {
  return (target, property) => {
    IsInt({ message: 'must be a whole number' })(target, property);
    Min(min, { message: `must be at least ${min}` })(target, property);
    Max(max, { message: `must be at most ${max}` })(target, property);
  };
}

/** By unit: what is written together with it. */
const QUANTITIES = { size: parseSize, duration: parseDuration } as const;

const isQuantity = (unit: string): unit is keyof typeof QUANTITIES => unit in QUANTITIES;

interface QuantityOptions {
  readonly unit: keyof typeof QUANTITIES;
  readonly min: string;
  readonly max: string;
  /** What it must be, in words. */
  readonly form: string;
}

function Quantity({ unit, min, max, form }: QuantityOptions): PropertyDecorator {
  const amountOf = QUANTITIES[unit];
  const [least, most] = [amountOf(min), amountOf(max)];
  return ValidateBy({
    name: unit,
    validator: {
      validate: (value) => typeof value === 'number' && value >= least && value <= most,
      defaultMessage: (args) =>
        Number.isNaN(args?.value) ? `must be ${form}` : `must be from ${min} to ${max}`,
    },
  });
}
/** Its pointers, apart from what `~` may be followed by, know no wrong. */
const MASK = /^(\/(input|result)(\/([^~,/]|~[01])*)*(,(?=\/)|$))*$/;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export class Config {
  @Setting('HOST', 'address', 'Loopback only, as long as callers are not authenticated.')
  @IsString()
  @Matches(/^\S+$/, { message: 'must be an address' })
  readonly host: string = '127.0.0.1';

  @Setting('PORT', 'port', "OpenFGA's HTTP port, so that its tools find it. 0 takes any free one.")
  @Whole(0, 65_535)
  readonly port: number = 8080;

  @Setting(
    'DATABASE_URL',
    'URL',
    'A PostgreSQL 15 or newer. Without it one is started in DATA_DIR.',
  )
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: 'must begin with postgres:// or postgresql://' })
  readonly databaseUrl?: string;

  @Setting('DATA_DIR', 'path', 'Where the embedded PostgreSQL keeps its data.')
  @IsString()
  readonly dataDir: string = 'data';

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

  @Setting(
    'PEMBA_WORKERS',
    'processes',
    'That share the port, each with its graph in memory; `auto` is one a core.',
  )
  @Matches(/^(auto|[1-9]\d?)$/, { message: 'must be auto or a whole number from 1 to 99' })
  readonly workers: string = '1';

  @Setting('PEMBA_EXAMPLE_STORE', 'boolean', 'An empty database gets the shop to try things on.')
  @IsBoolean({ message: 'must be true or false' })
  readonly exampleStore: boolean = true;

  @Setting('PEMBA_LOG_LEVEL', 'level', 'One line a request at info.')
  @IsIn(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
  readonly logLevel: string = 'info';

  @Setting('PEMBA_DATABASE_POOL', 'connections', 'Checks use none; writes of a store share one.')
  @Whole(2, 1000)
  readonly databasePool: number = 10;

  @Setting('PEMBA_DATABASE_TIMEOUT_MS', 'ms', 'For a connection, and for one statement.')
  @Whole(100, 10 * MINUTE)
  readonly databaseTimeoutMs: number = 5000;

  @Setting('PEMBA_MAX_QUEUED_WRITES', 'writes', 'Of one store: some 0.3 s of them, as a rule.')
  @Whole(1, 1_000_000)
  readonly maxQueuedWrites: number = 4096;

  @Setting('PEMBA_MAX_TUPLES_PER_WRITE', 'tuples', "Writes plus deletes of a request; OpenFGA's.")
  @Whole(1, 10_000)
  readonly maxTuplesPerWrite: number = 100;

  @Setting('PEMBA_MAX_CONTEXTUAL_TUPLES', 'tuples', "Of one query; OpenFGA's.")
  @Whole(0, 10_000)
  readonly maxContextualTuples: number = 100;

  @Setting('PEMBA_MAX_CLAIM_TUPLES', 'tuples', "Of one token, by the store's claims mapping.")
  @Whole(0, 10_000)
  readonly maxClaimTuples: number = 500;

  @Setting('PEMBA_MAX_BATCH_CHECKS', 'checks', "Of one batch; OpenFGA's.")
  @Whole(1, 10_000)
  readonly maxBatchChecks: number = 50;

  @Setting('PEMBA_MAX_TUPLE_CONTEXT_BYTES', 'bytes', "A condition's stored context; OpenFGA's.")
  @Whole(2, 1_048_576)
  readonly maxTupleContextBytes: number = 32_768;

  @Setting('PEMBA_MAX_TYPES', 'types', "Of a model; OpenFGA's.")
  @Whole(1, 10_000)
  readonly maxTypes: number = 100;

  @Setting('PEMBA_MAX_MODEL_BYTES', 'bytes', "Of a model as JSON; OpenFGA's.")
  @Whole(1024, 16_777_216)
  readonly maxModelBytes: number = 262_144;

  @Setting('PEMBA_MAX_CONDITIONS', 'conditions', "Of a model; OpenFGA's.")
  @Whole(0, 1000)
  readonly maxConditions: number = 25;

  @Setting('PEMBA_MAX_ASSERTIONS', 'assertions', "Of a model; OpenFGA's.")
  @Whole(1, 10_000)
  readonly maxAssertions: number = 100;

  @Setting('PEMBA_MAX_ASSERTIONS_BYTES', 'bytes', "All of a model's assertions; OpenFGA's.")
  @Whole(1024, 16_777_216)
  readonly maxAssertionsBytes: number = 64_000;

  @Setting('PEMBA_MAX_PAGE_SIZE', 'items', "OpenFGA's; pages without a size have 50.")
  @Whole(1, 10_000)
  readonly maxPageSize: number = 100;

  @Setting('PEMBA_MAX_LIST_RESULTS', 'results', "A page of list-objects or list-users; OpenFGA's.")
  @Whole(1, 1_000_000)
  readonly maxListResults: number = 1000;

  @Setting('PEMBA_MAX_STREAMED_RESULTS', 'results', 'A streamed list is one answer in memory.')
  @Whole(1, 10_000_000)
  readonly maxStreamedResults: number = 100_000;

  @Setting('PEMBA_QUERY_TIMEOUT_MS', 'ms', "A query holds the process while it runs; OpenFGA's.")
  @Whole(1, HOUR)
  readonly queryTimeoutMs: number = 3000;

  @Setting('PEMBA_QUERY_MAX_DEPTH', 'hops', "Through usersets and parents; OpenFGA's.")
  @Whole(1, 250)
  readonly queryMaxDepth: number = 25;

  @Setting('PEMBA_QUERY_MAX_STEPS', 'steps', 'Some seconds of walking: a stop beside the clock.')
  @Whole(100, 1_000_000_000)
  readonly queryMaxSteps: number = 10_000_000;

  @Setting(
    'PEMBA_CONDITION_MAX_COST',
    'steps',
    'A millisecond at most for one condition, as a rule.',
  )
  @Whole(100, 100_000_000)
  readonly conditionMaxCost: number = 10_000;

  @Setting('PEMBA_EXPAND_MAX_DEPTH', 'levels', 'The greatest max_depth that expand accepts.')
  @Whole(1, 250)
  readonly expandMaxDepth: number = 25;

  @Setting('PEMBA_EXPAND_MAX_NODES', 'nodes', 'A userset tree of some megabytes.')
  @Whole(1, 10_000_000)
  readonly expandMaxNodes: number = 10_000;

  @Setting('PEMBA_CONSISTENCY_TIMEOUT_MS', 'ms', 'How long a query waits for a revision.')
  @Whole(1, HOUR)
  readonly consistencyTimeoutMs: number = 3000;

  @Setting('PEMBA_MAX_BODY_BYTES', 'bytes', 'Twice the largest model; OpenFGA takes 0.6 MB.')
  @Whole(1024, 268_435_456)
  readonly maxBodyBytes: number = 1_048_576;

  @Setting(
    'PEMBA_MAX_IMPORT_BYTES',
    'bytes',
    'About 10,000,000 tuples in one request: they are stored while they arrive.',
  )
  @Whole(1024, 2 ** 40)
  readonly maxImportBytes: number = 2 ** 30;

  @Setting('PEMBA_MAX_JSON_DEPTH', 'levels', 'No honest request nests deeper.')
  @Whole(10, 10_000)
  readonly maxJsonDepth: number = 100;

  @Setting('PEMBA_REQUEST_TIMEOUT_MS', 'ms', 'For a request to arrive whole.')
  @Whole(100, HOUR)
  readonly requestTimeoutMs: number = 10_000;

  @Setting('PEMBA_MAX_HEADER_BYTES', 'bytes', "Of a request's head; Node's. A token is 1 to 4 kB.")
  @Whole(1024, 1_048_576)
  readonly maxHeaderBytes: number = 16_384;

  @Setting('PEMBA_MAX_CONNECTIONS', 'connections', 'To one worker; each takes some 20 kB.')
  @Whole(1, 1_000_000)
  readonly maxConnections: number = 10_000;

  @Setting(
    'PEMBA_MAX_IN_FLIGHT',
    'requests',
    'That one worker works on at once; more get 503. Only what waits counts: writes, mostly.',
  )
  @Whole(1, 1_000_000)
  readonly maxInFlight: number = 1000;

  @Setting(
    'PEMBA_MAX_LOOP_DELAY_MS',
    'ms',
    'When overload lasts, what would wait longer to be looked at gets 503. 0: nothing does.',
  )
  @Whole(0, MINUTE)
  readonly maxLoopDelayMs: number = 500;

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

  @Setting('PEMBA_SHUTDOWN_TIMEOUT_MS', 'ms', 'For what is in flight; orchestrators give 30 s.')
  @Whole(0, HOUR)
  readonly shutdownTimeoutMs: number = 10_000;

  @Setting(
    'PEMBA_GRAPH_MEMORY',
    'size',
    'For the graphs of all workers together; `auto` is half of the machine. Stores not used go first.',
  )
  @ValidateIf(({ graphMemory }: Config) => graphMemory !== 'auto')
  @Quantity({ unit: 'size', min: '1MB', max: '16TB', form: 'auto or a size such as 512MB or 4GB' })
  readonly graphMemory: number | 'auto' = 'auto';

  @Setting('PEMBA_POLL_INTERVAL_MS', 'ms', 'Covers a change notice that was lost.')
  @Whole(10, HOUR)
  readonly pollIntervalMs: number = 1000;

  @Setting(
    'PEMBA_READY_STALENESS_MS',
    'ms',
    'Not ready when a store was behind for so long, or heads not read.',
  )
  @Whole(100, 24 * HOUR)
  readonly readyStalenessMs: number = 30_000;

  @Setting(
    'PEMBA_MAX_STALENESS',
    'duration',
    'While the database is away, queries are answered from memory for so long.',
  )
  @Quantity({ unit: 'duration', min: '100ms', max: '1d', form: 'a duration such as 30s or 15m' })
  readonly maxStalenessMs: number = 15 * MINUTE;

  @Setting('PEMBA_SWEEP_INTERVAL_MS', 'ms', 'Expired tuples count for nothing before they go.')
  @Whole(10, 24 * HOUR)
  readonly sweepIntervalMs: number = 10_000;

  @Setting(
    'PEMBA_BATCH_SIZE',
    'rows',
    'Of one transaction that sweeps, purges or deletes by filter.',
  )
  @Whole(1, 10_000)
  readonly batchSize: number = 1000;

  @Setting('PEMBA_DELETED_STORE_RETENTION_MS', 'ms', 'A day to notice that it was the wrong one.')
  @Whole(0, 365 * 24 * HOUR)
  readonly deletedStoreRetentionMs: number = 24 * HOUR;

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

/** Bytes that the graphs of one process may take. */
export function graphMemoryBytes(config: Config): number {
  const total = config.graphMemory === 'auto' ? totalmem() / 2 : config.graphMemory;
  return total / workerCount(config);
}

export const workerCount = ({ workers }: Config): number =>
  workers === 'auto' ? availableParallelism() : Number(workers);

/** Empty when callers are not authenticated. */
export const authenticationMethods = ({ authentication }: Config): ReadonlySet<string> =>
  new Set(authentication.split(',').filter((method) => method !== 'none'));

export const isAudited = (config: Config): boolean =>
  config.audit === 'on' || (config.audit === 'auto' && authenticationMethods(config).size > 0);

export const settingDescriptions = (): readonly SettingDescription[] => descriptions;

/** Throws `cannot_start` naming every wrong variable. An empty variable counts as unset. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config = new Config();
  const values: Record<string, unknown> = {};
  for (const { variable, property, unit } of descriptions) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    values[property] = parse(text, unit, Reflect.get(config, property));
  }
  Object.assign(config, values);
  const problems = validateSync(config).map(({ property, constraints }) => {
    const variable = descriptions.find((setting) => setting.property === property)?.variable;
    return `${variable ?? property} ${Object.values(constraints ?? {})[0] ?? 'is wrong'}`;
  });
  if (config.authentication === 'none' && !isLoopback(config.host)) {
    problems.push(
      `HOST ${config.host} is not a loopback address, and callers are not authenticated: ` +
        'set PEMBA_AUTHENTICATION, for example to keys',
    );
  }
  problems.push(...decisionLogProblems(config));
  if (problems.length > 0) {
    throw new PembaError('cannot_start', `Configuration: ${problems.join('; ')}.`);
  }
  return Object.freeze(config);
}

/** What is required has to be somewhere, and whole. */
function decisionLogProblems(config: Config): readonly string[] {
  if (config.decisionLogMode !== 'required') return [];
  return [
    ...(config.decisionLog === 'off'
      ? ['PEMBA_DECISION_LOG_MODE required needs a PEMBA_DECISION_LOG']
      : []),
    ...(config.decisionLogAllowsPercent < 100
      ? ['PEMBA_DECISION_LOG_MODE required logs every allow: no PEMBA_DECISION_LOG_ALLOWS_PERCENT']
      : []),
  ];
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

function parse(text: string, unit: string, defaultValue: unknown): unknown {
  // A word in place of a number, such as `auto`.
  if (text === defaultValue) return text;
  if (isQuantity(unit)) return QUANTITIES[unit](text);
  switch (typeof defaultValue) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    default:
      return text;
  }
}
