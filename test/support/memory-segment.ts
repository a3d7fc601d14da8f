/**
 * A segment made of plain row objects: the simplest thing that keeps the read contract, for tests of everything above.
 *
 * Every answer is computed from the row list by a loop over all rows; columns are encoded value by value, once. Nothing
 * is clever, so that a test which disagrees with it points at the code under test. With
 * `resident: false` its columns must be loaded or gathered first, and reading one too early throws, as on disk.
 */
import { InvariantError } from '../../lib/base/assert.js'
import { newBits, setBit } from '../../lib/base/bitset.js'
import type { Tick } from '../../lib/base/timestamp.js'
import { type CollectionSchema, type FieldSchema, pkField } from '../../lib/schema/collection-schema.js'
import type { Column } from '../../lib/schema/column.js'
import { DataType, type ElementKind, layoutOf, newFixedArray } from '../../lib/schema/data-type.js'
import type { PkKey, Segment, SegmentIndex, Snapshot, VisibleRows } from '../../lib/segment/segment.js'

export interface MemoryRow {
  /** Field name → value; missing or null reads as null. Undeclared keys belong under `$meta`. */
  readonly values: Readonly<Record<string, unknown>>
  readonly tick: Tick
  /** Partition id; default 1. */
  readonly partition?: number
  /** Tick of the delete; none = alive. */
  deletedAt?: Tick
}

export interface MemorySegmentOptions {
  readonly id: number
  readonly kind: 'growing' | 'sealed'
  /** False: columns other than the primary key count as being on disk. Default true. */
  readonly resident?: boolean
}

export class MemorySegment implements Segment {
  readonly id: number
  readonly kind: 'growing' | 'sealed'
  readonly schema: CollectionSchema
  /** Rows may be pushed to a growing segment, by rising tick. */
  readonly rows: MemoryRow[]
  readonly indexes = new Map<number, SegmentIndex>()
  /** How often columns were gathered: tests of paths that must not read look at it. */
  gathers = 0
  readonly #loaded = new Set<number>()
  readonly #encoded = new Map<number, { readonly column: Column; readonly rowCount: number }>()

  constructor(schema: CollectionSchema, rows: readonly MemoryRow[], options: MemorySegmentOptions) {
    this.schema = schema
    this.id = options.id
    this.kind = options.kind
    this.rows = [...rows]
    if (options.kind === 'growing') this.rows.sort((a, b) => a.tick - b.tick)
    else this.rows.sort((a, b) => compareKeys(this.#keyOf(a), this.#keyOf(b)) || a.tick - b.tick)
    for (let i = 0; i < schema.fields.length; i++) {
      if (options.resident !== false || options.kind === 'growing' || i === schema.pkIndex)
        this.#loaded.add(i)
    }
  }

  get rowCount(): number {
    return this.rows.length
  }

  get sortedByPk(): boolean {
    return this.kind === 'sealed'
  }

  load(fieldIndexes: readonly number[]): Promise<void> | undefined {
    const missing = fieldIndexes.filter(i => !this.#loaded.has(i))
    if (missing.length === 0) return undefined
    return Promise.resolve().then(() => {
      for (const i of missing) this.#loaded.add(i)
    })
  }

  column(fieldIndex: number): Column {
    if (!this.#loaded.has(fieldIndex)) throw new InvariantError(`column ${fieldIndex} was not loaded`)
    const known = this.#encoded.get(fieldIndex)
    if (known !== undefined && known.rowCount === this.rowCount) return known.column
    const column = this.#encode(fieldIndex, this.rows)
    this.#encoded.set(fieldIndex, { column, rowCount: this.rowCount })
    return column
  }

  isResident(fieldIndex: number): boolean {
    return this.#loaded.has(fieldIndex)
  }

  gather(fieldIndexes: readonly number[], rows: Int32Array): Promise<Column[]> {
    this.gathers++
    const picked = Array.from(rows, row => this.rows[row]!)
    return Promise.resolve(fieldIndexes.map(i => this.#encode(i, picked)))
  }

  visible(tick: Tick, partitions: ReadonlySet<number> | null): VisibleRows {
    const bits = newBits(this.rowCount)
    let count = 0
    for (let row = 0; row < this.rowCount; row++) {
      if (!this.isVisible(row, tick) || !inPartitions(this.partitionOf(row), partitions)) continue
      setBit(bits, row)
      count++
    }
    return { bits, count }
  }

  isVisible(row: number, tick: Tick): boolean {
    const { tick: inserted, deletedAt } = this.rows[row]!
    return inserted <= tick && (deletedAt === undefined || deletedAt > tick)
  }

  tickOf(row: number): Tick {
    return this.rows[row]!.tick
  }

  partitionOf(row: number): number {
    return this.rows[row]!.partition ?? 1
  }

  findPk(key: PkKey, tick: Tick, partitions: ReadonlySet<number> | null): number {
    let found = -1
    for (let row = 0; row < this.rowCount; row++) {
      if (this.pkOf(row) !== key || !this.isVisible(row, tick)) continue
      if (!inPartitions(this.partitionOf(row), partitions)) continue
      if (found < 0 || this.tickOf(row) >= this.tickOf(found)) found = row
    }
    return found
  }

  pkOf(row: number): PkKey {
    return this.#keyOf(this.rows[row]!)
  }

  comparePk(rowA: number, rowB: number): number {
    return compareKeys(this.pkOf(rowA), this.pkOf(rowB))
  }

  vectorIndex(fieldIndex: number): SegmentIndex | null {
    return this.indexes.get(fieldIndex) ?? null
  }

  #keyOf(row: MemoryRow): PkKey {
    return row.values[pkField(this.schema).name] as PkKey
  }

  #encode(fieldIndex: number, rows: readonly MemoryRow[]): Column {
    const field = this.schema.fields[fieldIndex]!
    return encodeColumn(
      field,
      rows.map(row => row.values[field.name]),
    )
  }
}

/** A snapshot over segments; `released` counts the calls of release(). */
export function memorySnapshot(segments: readonly Segment[], tick: Tick): Snapshot & { released: number } {
  const snapshot = {
    tick,
    segments,
    released: 0,
    release: () => {
      snapshot.released++
    },
  }
  return snapshot
}

function inPartitions(partition: number, partitions: ReadonlySet<number> | null): boolean {
  return partitions === null || partitions.has(partition)
}

/** Int64 numerically, VarChar by its UTF-8 bytes. */
export function compareKeys(a: PkKey, b: PkKey): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}

/** A column in the layout of lib/schema/column.ts; undefined and null become nulls. */
export function encodeColumn(field: FieldSchema, values: readonly unknown[]): Column {
  const layout = layoutOf(field.dataType, field.dim)
  let validity: Uint32Array | null = null
  if (values.some(value => value === null || value === undefined)) {
    validity = newBits(values.length)
    for (let row = 0; row < values.length; row++) {
      if (values[row] !== null && values[row] !== undefined) setBit(validity, row)
    }
  }
  if (layout.layout === 'fixed') {
    const out = newFixedArray(layout.kind, values.length * layout.width)
    for (let row = 0; row < values.length; row++) {
      const value = values[row]
      if (value === null || value === undefined) continue
      out.set(elementsOf(field, value), row * layout.width)
    }
    return { layout: 'fixed', width: layout.width, values: out, validity }
  }
  const parts = values.map(value =>
    value === null || value === undefined ? Buffer.alloc(0) : bytesOf(field, value),
  )
  const offsets = new Uint32Array(values.length + 1)
  for (let row = 0; row < parts.length; row++) offsets[row + 1] = offsets[row]! + parts[row]!.length
  return { layout: 'var', offsets, heap: new Uint8Array(Buffer.concat(parts)), validity }
}

function elementsOf(field: FieldSchema, value: unknown): ArrayLike<number> {
  if (field.dataType === DataType.Int64 || field.dataType === DataType.Timestamptz) {
    const big = BigInt(value as number | bigint)
    return [Number(BigInt.asIntN(32, big)), Number(BigInt.asIntN(32, big >> 32n))]
  }
  if (typeof value === 'boolean') return [value ? 1 : 0]
  if (typeof value === 'number') return [value]
  return value as ArrayLike<number>
}

function bytesOf(field: FieldSchema, value: unknown): Buffer {
  if (field.dataType === DataType.JSON) return Buffer.from(JSON.stringify(value))
  if (field.dataType === DataType.SparseFloatVector) {
    const pairs = Object.entries(value as Record<string, number>).sort((a, b) => Number(a[0]) - Number(b[0]))
    const out = Buffer.alloc(pairs.length * 8)
    for (const [i, [index, weight]] of pairs.entries()) {
      out.writeUInt32LE(Number(index), i * 8)
      out.writeFloatLE(weight, i * 8 + 4)
    }
    return out
  }
  if (field.dataType === DataType.Array) return arrayBytes(field, value as readonly unknown[])
  return Buffer.from(value as string)
}

const ELEMENT_KIND: Readonly<Record<number, ElementKind>> = {
  [DataType.Bool]: 'u8',
  [DataType.Int8]: 'i8',
  [DataType.Int16]: 'i16',
  [DataType.Int32]: 'i32',
  [DataType.Float]: 'f32',
  [DataType.Double]: 'f64',
}

function arrayBytes(field: FieldSchema, values: readonly unknown[]): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32LE(values.length)
  const parts = values.map(value => {
    if (field.elementType === DataType.VarChar) {
      const text = Buffer.from(value as string)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(text.length)
      return Buffer.concat([length, text])
    }
    if (field.elementType === DataType.Int64) {
      const out = Buffer.alloc(8)
      out.writeBigInt64LE(BigInt(value as number | bigint))
      return out
    }
    const out = newFixedArray(ELEMENT_KIND[field.elementType]!, 1)
    out[0] = Number(value)
    return Buffer.from(out.buffer as ArrayBuffer)
  })
  return Buffer.concat([count, ...parts])
}
