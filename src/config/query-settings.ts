/** Limits of models, writes and queries, and how fresh answers are. */
import { ValidateIf } from 'class-validator';
import { HOUR, MINUTE, Quantity, Setting, Whole } from './setting.js';
import { CallerSettings } from './caller-settings.js';

export class QuerySettings extends CallerSettings {
  @Setting('PEMBA_MAX_QUEUED_WRITES', 'writes', 'Of one store: some 0.3 s of them, as a rule.')
  @Whole(1, 1_000_000)
  readonly maxQueuedWrites: number = 4096;

  @Setting('PEMBA_MAX_TUPLES_PER_WRITE', 'tuples', "Writes plus deletes of a request; OpenFGA's.")
  @Whole(1, 10_000)
  readonly maxTuplesPerWrite: number = 100;

  @Setting('PEMBA_MAX_CONTEXTUAL_TUPLES', 'tuples', "Of one query; OpenFGA's.")
  @Whole(0, 10_000)
  readonly maxContextualTuples: number = 100;

  @Setting('PEMBA_MAX_BATCH_CHECKS', 'checks', "Of one batch; OpenFGA's.")
  @Whole(1, 10_000)
  readonly maxBatchChecks: number = 50;

  @Setting('PEMBA_MAX_TUPLE_CONTEXT_BYTES', 'bytes', "A condition's stored context; OpenFGA's.")
  @Whole(2, 1_048_576)
  readonly maxTupleContextBytes: number = 32_768;

  @Setting(
    'PEMBA_MAX_ATTRIBUTES_BYTES',
    'bytes',
    "One entity's, as JSON: some hundred short ones; all of a store's are in memory.",
  )
  @Whole(2, 1_048_576)
  readonly maxAttributesBytes: number = 8192;

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

  @Setting(
    'PEMBA_GRAPH_MEMORY',
    'size',
    'For the graphs of all workers together; `auto` is half of the machine. Stores not used go first.',
  )
  @ValidateIf(({ graphMemory }: QuerySettings) => graphMemory !== 'auto')
  @Quantity({ unit: 'size', min: '1MB', max: '16TB', form: 'auto or a size such as 512MB or 4GB' })
  readonly graphMemory: number | 'auto' = 'auto';

  @Setting(
    'PEMBA_IMPACT_MEMORY',
    'size',
    "For the graph and the sets that a model's impact is found with; one at a time in a process.",
  )
  @Quantity({ unit: 'size', min: '1MB', max: '16TB', form: 'a size such as 512MB or 4GB' })
  readonly impactMemory: number = 2 ** 30;

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
}
