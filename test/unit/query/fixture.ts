/**
 * A collection of random rows in memory segments, and the list of rows they were made of: what the tests of this room
 * compare against.
 */
import type { Tick } from '../../../lib/base/timestamp.js'
import type { IndexSpec, MetricType } from '../../../lib/index/index-spec.js'
import { FilterCache } from '../../../lib/query/filter-cache.js'
import type { ReadContext } from '../../../lib/query/request.js'
import type { CollectionSchema, FieldSchema } from '../../../lib/schema/collection-schema.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { PkKey, Snapshot } from '../../../lib/segment/segment.js'
import { compareKeys, type MemoryRow, MemorySegment, memorySnapshot } from '../../support/memory-segment.js'
import type { Rng } from '../../support/rng.js'

let nextFieldId = 100

/** A field with everything that matters little left at its default. */
export function field(name: string, dataType: DataType, more: Partial<FieldSchema> = {}): FieldSchema {
  return {
    id: nextFieldId++,
    name,
    description: '',
    dataType,
    primaryKey: false,
    autoId: false,
    nullable: false,
    partitionKey: false,
    clusteringKey: false,
    dynamic: false,
    functionOutput: false,
    dim: 0,
    maxLength: dataType === DataType.VarChar ? 64 : 0,
    maxCapacity: 0,
    elementType: DataType.None,
    params: {},
    ...more,
  }
}

export function schemaOf(
  fields: readonly FieldSchema[],
  more: Partial<CollectionSchema> = {},
): CollectionSchema {
  return {
    name: 'fruit',
    description: '',
    fields,
    functions: [],
    pkIndex: fields.findIndex(f => f.primaryKey),
    dynamicIndex: fields.findIndex(f => f.dynamic),
    partitionKeyIndex: -1,
    maxFieldId: nextFieldId,
    version: 1,
    ...more,
  }
}

export interface FixtureOptions {
  readonly pk?: 'int64' | 'varchar'
  readonly dim?: number
  readonly dynamic?: boolean
}

/** id, age, price?, color?, meta?, vec and, unless switched off, dynamic keys. */
export function fruitSchema(options: FixtureOptions = {}): CollectionSchema {
  const pkType = options.pk === 'varchar' ? DataType.VarChar : DataType.Int64
  const fields = [
    field('id', pkType, { primaryKey: true }),
    field('age', DataType.Int32),
    field('price', DataType.Double, { nullable: true }),
    field('color', DataType.VarChar, { nullable: true }),
    field('meta', DataType.JSON, { nullable: true }),
    field('vec', DataType.FloatVector, { dim: options.dim ?? 8 }),
  ]
  if (options.dynamic !== false) fields.push(field('$meta', DataType.JSON, { dynamic: true, nullable: true }))
  return schemaOf(fields)
}

export function indexOn(fieldName: string, metricType: MetricType, indexType = 'HNSW'): IndexSpec {
  return { id: 1, name: fieldName, fieldName, indexType, metricType, params: {} }
}

export function contextOf(schema: CollectionSchema, more: Partial<ReadContext> = {}): ReadContext {
  return {
    schema,
    indexes: [indexOn('vec', 'L2')],
    int64As: 'auto',
    partitions: null,
    filterCache: new FilterCache(),
    expireBeforeTick: 0,
    random: () => 0.5,
    ...more,
  }
}

export interface Fruit {
  readonly schema: CollectionSchema
  readonly context: ReadContext
  /** All rows, in the order they were inserted. */
  readonly rows: readonly MemoryRow[]
  readonly segments: readonly MemorySegment[]
  readonly snapshot: Snapshot
  /** After the last insert and delete. */
  readonly lastTick: Tick
}

export interface FruitOptions extends FixtureOptions {
  readonly rowCount?: number
  readonly sealed?: number
  readonly growing?: boolean
  /** Share of rows whose key was used before. */
  readonly duplicates?: number
  readonly deletes?: number
  readonly partitions?: number
  readonly resident?: boolean
  readonly context?: Partial<ReadContext>
}

const COLORS = ['red', 'green', 'blue', 'yellow']

/** Random rows, cut into segments by age; some keys twice, some rows deleted. */
export function randomFruit(random: Rng, options: FruitOptions = {}): Fruit {
  const schema = fruitSchema(options)
  const count = options.rowCount ?? 300
  const rows: MemoryRow[] = []
  const keys: PkKey[] = []
  for (let i = 0; i < count; i++) {
    const again = keys.length > 0 && random.chance(options.duplicates ?? 0)
    const id: PkKey = again ? random.pick(keys) : newKey(random, options.pk, i)
    keys.push(id)
    rows.push({
      values: randomValues(random, id, options),
      tick: 10 + i * 2,
      partition: 1 + random.int(options.partitions ?? 1),
    })
  }
  const lastTick = 10 + count * 4
  for (const row of rows) {
    if (random.chance(options.deletes ?? 0)) row.deletedAt = row.tick + 1 + random.int(lastTick - row.tick)
  }
  const parts = (options.sealed ?? 2) + (options.growing === false ? 0 : 1)
  const segments: MemorySegment[] = []
  for (let s = 0; s < parts; s++) {
    const part = rows.slice(Math.floor((s * count) / parts), Math.floor(((s + 1) * count) / parts))
    const kind = s < (options.sealed ?? 2) ? 'sealed' : 'growing'
    segments.push(new MemorySegment(schema, part, { id: s + 1, kind, resident: options.resident ?? true }))
  }
  const context = contextOf(schema, options.context)
  return { schema, context, rows, segments, snapshot: memorySnapshot(segments, lastTick), lastTick }
}

function newKey(random: Rng, pk: 'int64' | 'varchar' | undefined, i: number): PkKey {
  if (pk === 'varchar')
    return `${random.pick(['a', 'é', 'z', '\u{1F34E}', '\uFFFD'])}${random.letters(3)}${i}`
  const wide = random.chance(0.05)
  return wide
    ? BigInt(random.int(1000)) - 2n ** 60n + BigInt(i) * 1000n
    : random.int(1_000_000) * 1000 + i - 400_000_000
}

function randomValues(random: Rng, id: PkKey, options: FixtureOptions): Record<string, unknown> {
  const extra: Record<string, unknown> = {}
  if (random.chance()) extra['size'] = random.int(10)
  if (random.chance(0.3)) extra['note'] = random.letters(4)
  return {
    id,
    age: random.int(100),
    price: random.chance(0.2) ? null : Math.round(random.next() * 1000) / 10,
    color: random.chance(0.2) ? null : random.pick(COLORS),
    meta: random.chance(0.2) ? null : { kind: random.pick(['x', 'y']), n: random.int(5) },
    vec: random.vector(options.dim ?? 8),
    ...(options.dynamic === false ? {} : { $meta: extra }),
  }
}

/** Rows a reader sees at `tick`, every version. */
export function visibleRows(
  fruit: Fruit,
  tick: Tick,
  partitions: ReadonlySet<number> | null = null,
): MemoryRow[] {
  return fruit.rows.filter(
    row =>
      row.tick <= tick &&
      (row.deletedAt === undefined || row.deletedAt > tick) &&
      (partitions === null || partitions.has(row.partition ?? 1)),
  )
}

/** The newest of the given rows per key, by key. */
export function newestByKey(rows: readonly MemoryRow[]): MemoryRow[] {
  const newest = new Map<PkKey, MemoryRow>()
  for (const row of rows) newest.set(row.values['id'] as PkKey, row)
  return [...newest.values()].sort((a, b) => compareKeys(keyOf(a), keyOf(b)))
}

export function keyOf(row: MemoryRow): PkKey {
  return row.values['id'] as PkKey
}
