/** Where the server listens and keeps its data, and what it takes from the network. */
import { IsBoolean, IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { HOUR, MINUTE, Quantity, Setting, Whole } from './setting.js';

export class ServerSettings {
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

  @Setting(
    'PEMBA_SNAPSHOT_TIMEOUT',
    'duration',
    'For an export or a backup to be read, a restore to arrive: one transaction of PostgreSQL each.',
  )
  @Quantity({ unit: 'duration', min: '1s', max: '1d', form: 'a duration such as 10m or 1h' })
  readonly snapshotTimeoutMs: number = 10 * MINUTE;

  @Setting(
    'PEMBA_MAX_SNAPSHOTS',
    'transfers',
    'Exports, backups and restores of one process at once; each has a connection of its own.',
  )
  @Whole(1, 1000)
  readonly maxSnapshots: number = 4;

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

  @Setting('PEMBA_SHUTDOWN_TIMEOUT_MS', 'ms', 'For what is in flight; orchestrators give 30 s.')
  @Whole(0, HOUR)
  readonly shutdownTimeoutMs: number = 10_000;
}
