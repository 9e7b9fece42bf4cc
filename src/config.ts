/**
 * Environment → one frozen Config. Each setting names its variable, its unit and the reason for its
 * default; the README's table is held against this file by a test.
 */
import 'reflect-metadata';
import { availableParallelism, totalmem } from 'node:os';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { validateSync } from 'class-validator';
import { PembaError } from './errors.js';

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
    'PEMBA_INSECURE_ALLOW_REMOTE',
    'boolean',
    'Whoever reaches the port may do everything; set it only behind a network that you trust.',
  )
  @IsBoolean({ message: 'must be true or false' })
  readonly insecureAllowRemote: boolean = false;

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

  @Setting('PEMBA_MAX_IMPORT_BYTES', 'bytes', 'About 200,000 tuples in one request.')
  @Whole(1024, 268_435_456)
  readonly maxImportBytes: number = 33_554_432;

  @Setting('PEMBA_MAX_JSON_DEPTH', 'levels', 'No honest request nests deeper.')
  @Whole(10, 10_000)
  readonly maxJsonDepth: number = 100;

  @Setting('PEMBA_REQUEST_TIMEOUT_MS', 'ms', 'For a request to arrive whole.')
  @Whole(100, HOUR)
  readonly requestTimeoutMs: number = 10_000;

  @Setting('PEMBA_SHUTDOWN_TIMEOUT_MS', 'ms', 'For what is in flight; orchestrators give 30 s.')
  @Whole(0, HOUR)
  readonly shutdownTimeoutMs: number = 10_000;

  @Setting(
    'PEMBA_GRAPH_MEMORY_MB',
    'MB',
    'For the graphs of all workers together; 0 is half of the machine. Stores not used go first.',
  )
  @Whole(0, 16_777_216)
  readonly graphMemoryMb: number = 0;

  @Setting('PEMBA_POLL_INTERVAL_MS', 'ms', 'Covers a change notice that was lost.')
  @Whole(10, HOUR)
  readonly pollIntervalMs: number = 1000;

  @Setting('PEMBA_READY_STALENESS_MS', 'ms', 'Not ready when the log was not read for so long.')
  @Whole(100, 24 * HOUR)
  readonly readyStalenessMs: number = 30_000;

  @Setting(
    'PEMBA_MAX_STALENESS_MS',
    'ms',
    'While the database is away, queries are answered from memory for so long.',
  )
  @Whole(100, 24 * HOUR)
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
}

/** Bytes that the graphs of one process may take. */
export function graphMemoryBytes(config: Config): number {
  const total = config.graphMemoryMb > 0 ? config.graphMemoryMb * 2 ** 20 : totalmem() / 2;
  return total / workerCount(config);
}

export const workerCount = ({ workers }: Config): number =>
  workers === 'auto' ? availableParallelism() : Number(workers);

export const settingDescriptions = (): readonly SettingDescription[] => descriptions;

/** Throws `cannot_start` naming every wrong variable. An empty variable counts as unset. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config = new Config();
  const values: Record<string, unknown> = {};
  for (const { variable, property } of descriptions) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    values[property] = parse(text, Reflect.get(config, property));
  }
  Object.assign(config, values);
  const problems = validateSync(config).map(({ property, constraints }) => {
    const variable = descriptions.find((setting) => setting.property === property)?.variable;
    return `${variable ?? property} ${Object.values(constraints ?? {})[0] ?? 'is wrong'}`;
  });
  if (!config.insecureAllowRemote && !isLoopback(config.host)) {
    problems.push(
      `HOST ${config.host} is not a loopback address, and callers are not authenticated: ` +
        'set PEMBA_INSECURE_ALLOW_REMOTE=true if you mean that',
    );
  }
  if (problems.length > 0) {
    throw new PembaError('cannot_start', `Configuration: ${problems.join('; ')}.`);
  }
  return Object.freeze(config);
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

function parse(text: string, defaultValue: unknown): unknown {
  switch (typeof defaultValue) {
    case 'number':
      return /^-?\d+$/.test(text) ? Number(text) : NaN;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    default:
      return text;
  }
}
