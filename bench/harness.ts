/**
 * What every workload shares: sizes, timing, and results that can be compared later.
 *
 * The one idea: no figure stands alone. A comparison puts ours beside its ceiling (the bare dependency doing the same
 * work in the same run), and every workload counts what it should have done, so that a fast wrong answer is a failure
 * and not a record. Smoke sizes run in the tests; real sizes with `--full` or BENCH=1.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { figure, table } from './table.js'

/** Ours beside its ceiling. */
export interface Comparison {
  readonly what: string
  /** rows/s, queries/s … (higher is better) or ms (lower is better). */
  readonly unit: string
  readonly ours: number
  /** null when there is nothing to compare with (hnswlib-node is not installed). */
  readonly ceiling: number | null
  readonly ceilingName: string
  /** Latencies, recall …: printed as they are. */
  readonly note?: string
}

/** What a workload promised to have done; equal or the workload failed. */
export interface Check {
  readonly what: string
  readonly expected: number | boolean
  readonly actual: number | boolean
}

export interface WorkloadResult {
  readonly params: Readonly<Record<string, number>>
  readonly comparisons: readonly Comparison[]
  readonly checks: readonly Check[]
}

export interface Workload {
  readonly name: string
  readonly title: string
  run(): Promise<WorkloadResult>
}

/** Seed of every random choice in the benches; `SEED` in the environment replaces it. */
export const SEED = Number(process.env['SEED'] ?? 42)

/** True for real sizes. Read at run time, because the command line may set it. */
export function isFull(): boolean {
  return process.env['BENCH'] === '1'
}

/** A size: from the environment if named there, else the real or the smoke one. */
export function param(name: string, smoke: number, full: number): number {
  const text = process.env[name]
  const value = text === undefined ? (isFull() ? full : smoke) : Number(text)
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`${name}: expected a positive integer, got ${JSON.stringify(text)}`)
  }
  return value
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Things per second. */
export function perSecond(count: number, ms: number): number {
  return (count * 1000) / ms
}

/** Latencies of single calls, one after the other. */
export class Latencies {
  readonly #ms: number[] = []

  async measure<T>(work: () => Promise<T> | T): Promise<T> {
    const start = performance.now()
    const result = await work()
    this.#ms.push(performance.now() - start)
    return result
  }

  /** Calls per second if made one after the other. */
  perSecond(): number {
    return perSecond(
      this.#ms.length,
      this.#ms.reduce((sum, ms) => sum + ms, 0),
    )
  }

  /** The latency that a share of the calls stayed at or below. */
  percentile(share: number): number {
    const sorted = this.#ms.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  }

  note(): string {
    return `p50 ${figure(this.percentile(0.5))} ms, p99 ${figure(this.percentile(0.99))} ms`
  }
}

/** Runs `work(i)` for 0 … count − 1 with at most `inFlight` at once. */
export async function concurrently(
  count: number,
  inFlight: number,
  work: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane))
}

/** The sides of a comparison, each asked for the rows [from, to) in turn, so that a noisy disk hits all alike: ms each. */
export async function inTurns<Side extends string>(
  rows: number,
  turnRows: number,
  sides: Record<Side, (from: number, to: number) => Promise<void>>,
): Promise<Record<Side, number>> {
  const ms = Object.fromEntries(Object.keys(sides).map(side => [side, 0])) as Record<Side, number>
  for (let from = 0; from < rows; from += turnRows) {
    for (const side of Object.keys(sides) as Side[]) {
      ms[side] += await timed(() => sides[side](from, Math.min(rows, from + turnRows)))
    }
  }
  return ms
}

/** A check that two numbers are equal. */
export function equal(what: string, actual: number, expected: number): Check {
  return { what, actual, expected }
}

/** A check that something holds. */
export function holds(what: string, actual: boolean): Check {
  return { what, actual, expected: true }
}

/** The checks that did not hold. */
export function failedChecks(result: WorkloadResult): Check[] {
  return result.checks.filter(check => check.actual !== check.expected)
}

/** One number for everything a workload counted: equal runs print equal values. */
export function checkValue(result: WorkloadResult): string {
  let hash = 0x811c9dc5
  for (const check of result.checks) {
    for (const char of `${check.what}=${check.actual};`) {
      hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0
    }
  }
  return hash.toString(16).padStart(8, '0')
}

/** Ours as a share of the ceiling; above 1 is better than the ceiling. NaN without a ceiling. */
export function ratio({ unit, ours, ceiling }: Comparison): number {
  if (ceiling === null) return Number.NaN
  return unit === 'ms' ? ceiling / ours : ours / ceiling
}

/** The result as a table, with its parameters and check value. */
export function render(workload: Workload, result: WorkloadResult): string {
  const params = Object.entries(result.params).map(([name, value]) => `${name}=${value}`)
  const rows = result.comparisons.map(line => [
    line.what,
    figure(line.ours),
    line.ceiling === null ? '–' : figure(line.ceiling),
    line.unit,
    Number.isNaN(ratio(line)) ? '–' : `${figure(ratio(line))}×`,
    [`ceiling: ${line.ceilingName}`, line.note].filter(Boolean).join('; '),
  ])
  const failed = failedChecks(result).map(
    check => `  FAILED ${check.what}: expected ${check.expected}, got ${check.actual}\n`,
  )
  return [
    `${workload.name}: ${workload.title}`,
    table(['', 'ours', 'ceiling', 'unit', 'of ceiling', ''], rows),
    `  check=${checkValue(result)}  ${params.join(' ')} seed=${SEED}`,
    failed.join(''),
  ].join('\n')
}

/** Machine and versions: what a figure is worth nothing without. */
export function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    classicLevel: versionOf('classic-level'),
    hnswlibNode: versionOf('hnswlib-node'),
    commit: commit(),
  }
}

function versionOf(name: string): string {
  try {
    const require = createRequire(import.meta.url)
    const entry = require.resolve(name)
    const folder = entry.slice(0, entry.lastIndexOf(`${join('node_modules', name)}`))
    const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
    return (JSON.parse(manifest) as { version: string }).version
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return 'not installed'
    throw cause
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown' // not a git checkout: an installed package or an archive
  }
}

/** Writes results for later comparison; returns the path. */
export function writeResults(results: Readonly<Record<string, WorkloadResult>>, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${new Date().toISOString().replace(/[:.]/g, '-')}.json`)
  const content = { full: isFull(), seed: SEED, machine: machine(), results }
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`)
  return path
}
