/**
 * The script that crash tests write and check: request number n is the same in every process, computed from a seed.
 *
 * Forty groups of five keys. A request rewrites, merges into or deletes one whole group, so that half a request would
 * show as a group whose rows disagree. The state after request K follows from the seed alone.
 */
import type { CreateCollection } from '../../lib/index.js'
import { DataType } from '../../lib/schema/data-type.js'
import { rng } from './rng.js'

export const GROUPS = 40
export const GROUP_ROWS = 5
export const DIM = 4

export interface ScriptStep {
  readonly kind: 'override' | 'merge' | 'delete'
  readonly group: number
}

/** Step number `n` (1, 2, …) of the script with this seed. */
export function stepOf(seed: number, n: number): ScriptStep {
  const random = rng((seed * 1_000_003 + n * 7_919) >>> 0)
  const dice = random.int(10)
  return { kind: dice < 5 ? 'override' : dice < 8 ? 'merge' : 'delete', group: random.int(GROUPS) }
}

/** Per group: null when deleted, else the numbers of the last override and of the last merge (0 = none since). */
export type GroupState = { readonly written: number; readonly merged: number } | null

/** What every group looks like after steps 1 … `last`. */
export class ScriptState {
  readonly groups: GroupState[] = new Array<GroupState>(GROUPS).fill(null)
  step = 0
  readonly seed: number

  constructor(seed: number) {
    this.seed = seed
  }

  /** Applies the next step. A merge into a deleted group carries every field, so it inserts. */
  advance(): void {
    const n = ++this.step
    const { kind, group } = stepOf(this.seed, n)
    const old = this.groups[group] ?? null
    if (kind === 'delete') this.groups[group] = null
    else if (kind === 'override') this.groups[group] = { written: n, merged: 0 }
    else this.groups[group] = { written: old === null ? 0 : old.written, merged: n }
  }
}

/** Keys of a group. */
export function keysOf(group: number): number[] {
  return Array.from({ length: GROUP_ROWS }, (_, i) => group * GROUP_ROWS + i)
}

/** Rows of an override request. */
export function overrideRows(n: number, group: number): Record<string, unknown>[] {
  return keysOf(group).map(id => ({
    id,
    vec: [n % 97, id % 13, 1, 0],
    written: n,
    merged: 0,
    text: `written ${n}`,
  }))
}

/** Rows of a merge request: enough to insert, but `written` is left to the stored row (default 0). */
export function mergeRows(n: number, group: number): Record<string, unknown>[] {
  return keysOf(group).map(id => ({ id, vec: [n % 97, id % 13, 0, 1], merged: n }))
}

export const COLLECTION: CreateCollection = {
  name: 'crash',
  fields: [
    { name: 'id', dataType: DataType.Int64, primaryKey: true },
    { name: 'vec', dataType: DataType.FloatVector, dim: DIM },
    { name: 'written', dataType: DataType.Int64, nullable: true, defaultValue: 0 },
    { name: 'merged', dataType: DataType.Int64 },
    { name: 'text', dataType: DataType.VarChar, maxLength: 64, nullable: true },
  ],
  indexes: [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2', params: { M: 8, efConstruction: 40 } }],
}

/** Small limits, so that flushes, compactions and graph builds happen all the time. */
export const OPTIONS = { flushRowsMax: 64, indexRowsMin: 16 } as const
