/**
 * Columns, fields and slow-but-obvious scores for the vector tests: the oracle the kernels are compared with.
 */
import type { MetricType } from '../../../lib/index/index-spec.js'
import type { FieldSchema } from '../../../lib/schema/collection-schema.js'
import type { Column } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { bfloat16Of, float16Of, numberOfBfloat16, numberOfFloat16 } from '../../../lib/schema/half-float.js'
import type { Rng } from '../../support/rng.js'

export function fieldOf(dataType: DataType, dim = 0, more: Partial<FieldSchema> = {}): FieldSchema {
  return {
    id: 101,
    name: 'v',
    description: '',
    dataType,
    primaryKey: false,
    autoId: false,
    nullable: false,
    partitionKey: false,
    clusteringKey: false,
    dynamic: false,
    functionOutput: false,
    dim,
    maxLength: 0,
    maxCapacity: 0,
    elementType: DataType.None,
    params: {},
    ...more,
  }
}

/** A row as plain numbers: values of a dense vector, bytes of a binary one, alternating index/value of a sparse one. */
export type PlainRow = readonly number[]

export interface Fixture {
  readonly rows: readonly PlainRow[]
  readonly column: Column
}

/** Random rows of a type, as plain numbers (already rounded to the type) and as a column. */
export function fixture(
  random: Rng,
  dataType: DataType,
  dim: number,
  count: number,
  nullRows = false,
): Fixture {
  const rows = Array.from({ length: count }, () => plainRow(random, dataType, dim))
  return { rows, column: columnOf(dataType, dim, rows, nullRows ? nullsOf(random, count) : null) }
}

function nullsOf(random: Rng, count: number): Uint32Array {
  const validity = new Uint32Array((count + 31) >>> 5)
  for (let i = 0; i < count; i++) if (random.chance(0.8)) validity[i >>> 5]! |= 1 << (i & 31)
  return validity
}

export function plainRow(random: Rng, dataType: DataType, dim: number): number[] {
  switch (dataType) {
    case DataType.FloatVector:
      return Array.from({ length: dim }, () => Math.fround(random.gauss()))
    case DataType.Float16Vector:
      return Array.from({ length: dim }, () => numberOfFloat16(float16Of(random.gauss())))
    case DataType.BFloat16Vector:
      return Array.from({ length: dim }, () => numberOfBfloat16(bfloat16Of(random.gauss())))
    case DataType.Int8Vector:
      return Array.from({ length: dim }, () => random.between(-128, 127))
    case DataType.BinaryVector:
      return Array.from({ length: dim / 8 }, () => (random.chance(0.2) ? 0 : random.int(256)))
    default: {
      const indices = new Set<number>()
      for (let n = random.int(12); n > 0; n--) indices.add(random.int(20) * 1000)
      return [...indices].sort((a, b) => a - b).flatMap(index => [index, Math.fround(random.next() + 0.1)])
    }
  }
}

/** A column of the given rows. It starts off the beginning of its buffer, as decoded columns may. */
export function columnOf(
  dataType: DataType,
  dim: number,
  rows: readonly PlainRow[],
  validity: Uint32Array | null,
): Column {
  if (dataType === DataType.SparseFloatVector) return sparseColumn(rows, validity)
  const flat = rows.flat()
  const width = dataType === DataType.BinaryVector ? dim / 8 : dim
  switch (dataType) {
    case DataType.FloatVector:
      return { layout: 'fixed', width, values: Float32Array.from(flat), validity }
    case DataType.Float16Vector:
      return { layout: 'fixed', width, values: Uint16Array.from(flat, float16Of), validity }
    case DataType.BFloat16Vector:
      return { layout: 'fixed', width, values: Uint16Array.from(flat, bfloat16Of), validity }
    case DataType.Int8Vector:
      return { layout: 'fixed', width, values: Int8Array.from(flat), validity }
    default: {
      const bytes = new Uint8Array(flat.length + 4).subarray(4)
      bytes.set(flat)
      return { layout: 'fixed', width, values: bytes, validity }
    }
  }
}

function sparseColumn(rows: readonly PlainRow[], validity: Uint32Array | null): Column {
  const offsets = new Uint32Array(rows.length + 1)
  rows.forEach((row, i) => {
    offsets[i + 1] = offsets[i]! + row.length * 4
  })
  const heap = new Uint8Array(offsets[rows.length]!)
  const view = new DataView(heap.buffer)
  let at = 0
  for (const row of rows) {
    for (let i = 0; i < row.length; i += 2) {
      view.setUint32(at, row[i]!, true)
      view.setFloat32(at + 4, row[i + 1]!, true)
      at += 8
    }
  }
  return { layout: 'var', offsets, heap, validity }
}

/** The score of two plain rows, straight from the definitions of query-search-semantics §3.1. */
export function naiveScore(metric: MetricType, a: PlainRow, b: PlainRow): number {
  const bit = (row: PlainRow, i: number): number => (row[i >> 3]! >> (i & 7)) & 1
  const sum = (numbers: number[]): number => numbers.reduce((x, y) => x + y, 0)
  const dot = (x: PlainRow, y: PlainRow): number => sum(x.map((value, i) => value * y[i]!))
  switch (metric) {
    case 'L2':
      return sum(a.map((value, i) => (value - b[i]!) ** 2))
    case 'IP':
      return dot(a, b)
    case 'COSINE': {
      const lengths = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b))
      return lengths === 0 ? 0 : dot(a, b) / lengths
    }
    case 'HAMMING': {
      let differ = 0
      for (let i = 0; i < a.length * 8; i++) if (bit(a, i) !== bit(b, i)) differ++
      return differ
    }
    case 'JACCARD': {
      let both = 0
      let either = 0
      for (let i = 0; i < a.length * 8; i++) {
        if (bit(a, i) === 1 && bit(b, i) === 1) both++
        if (bit(a, i) === 1 || bit(b, i) === 1) either++
      }
      return either === 0 ? 1 : 1 - both / either
    }
    default:
      throw new Error(`no naive score for ${metric}`)
  }
}

/** Sparse inner product by looking indices up. */
export function naiveSparse(a: PlainRow, b: PlainRow): number {
  let sum = 0
  for (let i = 0; i < a.length; i += 2) {
    for (let j = 0; j < b.length; j += 2) if (a[i] === b[j]) sum += a[i + 1]! * b[j + 1]!
  }
  return sum
}
