/**
 * Options of an open database: one list, one validation pass, frozen.
 *
 * Nothing in lib/ reads the environment or the clock on its own: what a test must control comes in here.
 */
import { MilvusError } from './errors.js'

/** Changes behaviour. */
export interface BehaviourOptions {
  /**
   * When a write is acknowledged. 'sync' (default): after fsync, so that it survives a power cut. 'os': after the
   * operating system has it, so that it survives a crash of the process but a power cut can take the last seconds of
   * acknowledged writes (whole requests, newest first, never a torn one).
   */
  readonly durability: 'sync' | 'os'
  /** Type of Int64 values in results. 'auto' (default): number when it is safe, else bigint. */
  readonly int64As: 'auto' | 'number' | 'bigint' | 'string'
  /** Use hnswlib-node when it is installed. Default true; false makes every search exact. */
  readonly hnsw: boolean
  /**
   * Milliseconds that an iterator keeps its state without being used: until then deleted and merged rows it may still
   * show stay on disk. Default 600,000 (ten minutes); 1,000 to 86,400,000.
   */
  readonly iteratorIdleMs: number
}

/** Changes performance only. */
export interface PerformanceOptions {
  /** Rows a growing segment holds before it is flushed. Default 65,536; 64 to 1,048,576. */
  readonly flushRowsMax: number
  /** Bytes a growing segment holds before it is flushed. Default 64 MiB; 64 KiB to 1 GiB. */
  readonly flushBytesMax: number
  /** Growing segments that may wait for their flush before writers wait. Default 4; 1 to 64. */
  readonly frozenSegmentsMax: number
  /** Rows of the largest segment that compaction makes. Default 1,048,576; 1,024 to 16,777,216. */
  readonly segmentRowsMax: number
  /** Bytes of the largest segment that compaction makes. Default 512 MiB; 1 MiB to 2 GiB. */
  readonly segmentBytesMax: number
  /** Rows from which a sealed segment gets its indexes; smaller ones are scanned. Default 8,192; 16 to 1,048,576. */
  readonly indexRowsMin: number
  /** Merge small segments and purge deleted rows on their own. Default true. */
  readonly autoCompaction: boolean
  /** Bytes of columns kept in memory beyond the primary keys. Default 2 GiB; 1 MiB and more. */
  readonly cacheBytesMax: number
  /** Bytes of one commit group. Default 8 MiB; 64 KiB to 64 MiB. */
  readonly groupBytesMax: number
  /** Bytes of requests that may wait for their commit group before callers wait. Default 64 MiB. */
  readonly queueBytesMax: number
  /** Requests that may wait for their commit group before callers wait. Default 4,096; 1 to 1,048,576. */
  readonly queueCountMax: number
}

/** For tests and special hosts. */
export interface HostOptions {
  /** Wall clock in Unix milliseconds. Default Date.now. */
  readonly nowMs: () => number
  /** Numbers in [0, 1) for `random_sample`. Default Math.random. */
  readonly random: () => number
  /** Where warnings go (one line each). Default: process.emitWarning. */
  readonly warn: (message: string) => void
  /** Named point at which the process kills itself, to test recovery; null (default) never. */
  readonly crashPoint: { readonly name: string; readonly afterHits: number } | null
}

export interface EngineOptions extends BehaviourOptions, PerformanceOptions, HostOptions {}

/** What a caller of open() may give; everything has a default. */
export type OpenOptions = { readonly [K in keyof EngineOptions]?: EngineOptions[K] | undefined }

const DEFAULTS: EngineOptions = {
  durability: 'sync',
  int64As: 'auto',
  hnsw: true,
  iteratorIdleMs: 600_000,
  flushRowsMax: 65_536,
  flushBytesMax: 64 << 20,
  frozenSegmentsMax: 4,
  segmentRowsMax: 1 << 20,
  segmentBytesMax: 512 << 20,
  indexRowsMin: 8_192,
  autoCompaction: true,
  cacheBytesMax: 2 * 2 ** 30,
  groupBytesMax: 8 << 20,
  queueBytesMax: 64 << 20,
  queueCountMax: 4_096,
  nowMs: Date.now,
  random: Math.random,
  warn: message => process.emitWarning(message, 'KestrelDB'),
  crashPoint: null,
}

const RANGES: Readonly<Partial<Record<keyof EngineOptions, readonly [min: number, max: number]>>> = {
  iteratorIdleMs: [1_000, 86_400_000],
  flushRowsMax: [64, 1 << 20],
  flushBytesMax: [64 << 10, 2 ** 30],
  frozenSegmentsMax: [1, 64],
  segmentRowsMax: [1_024, 1 << 24],
  segmentBytesMax: [1 << 20, 2 ** 31],
  indexRowsMin: [16, 1 << 20],
  cacheBytesMax: [1 << 20, Number.MAX_SAFE_INTEGER],
  groupBytesMax: [64 << 10, 64 << 20],
  queueBytesMax: [64 << 10, 2 ** 31],
  queueCountMax: [1, 1 << 20],
}

const CHOICES: Readonly<Partial<Record<keyof EngineOptions, readonly unknown[]>>> = {
  durability: ['sync', 'os'],
  int64As: ['auto', 'number', 'bigint', 'string'],
  hnsw: [true, false],
  autoCompaction: [true, false],
}

/**
 * Defaults filled in, every mistake reported in one error.
 * @throws MilvusError ParameterInvalid naming each wrong option with what was expected and found
 */
export function resolveOptions(given: OpenOptions = {}): EngineOptions {
  const wrong: string[] = []
  const resolved: Record<string, unknown> = { ...DEFAULTS }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!Object.hasOwn(DEFAULTS, name)) wrong.push(`unknown option "${name}"`)
    else wrong.push(...mistakes(name as keyof EngineOptions, value))
    resolved[name] = value
  }
  if (wrong.length > 0) throw new MilvusError('ParameterInvalid', `options of open(): ${wrong.join('; ')}`)
  return Object.freeze(resolved) as unknown as EngineOptions
}

function mistakes(name: keyof EngineOptions, value: unknown): string[] {
  const range = RANGES[name]
  if (range !== undefined) {
    const ok = Number.isInteger(value) && (value as number) >= range[0] && (value as number) <= range[1]
    return ok ? [] : [`${name}: expected an integer from ${range[0]} to ${range[1]}, got ${String(value)}`]
  }
  const choices = CHOICES[name]
  if (choices !== undefined) {
    return choices.includes(value)
      ? []
      : [`${name}: expected one of ${choices.join(', ')}, got ${String(value)}`]
  }
  if (name === 'crashPoint')
    return value === null || typeof value === 'object' ? [] : ['crashPoint: expected an object or null']
  return typeof value === 'function' ? [] : [`${name}: expected a function, got ${typeof value}`]
}
