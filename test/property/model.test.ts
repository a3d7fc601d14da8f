/**
 * Random operations against the engine and against a plain model: same answers, whatever happens in between.
 *
 * Promise: insert, upsert (override and merge, with array operations), delete by keys and by filter, in any order and
 * many in flight at once, with flushes, compactions, releases and reopenings at random, leave exactly the rows that
 * the model has; get, query, count and search show them. Seeds are printed; SEED=… RUNS=… OPS=… replays.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  type Collection,
  type Database,
  DataType,
  type FieldRequest,
  MilvusError,
  type OpenOptions,
  open,
} from '../../lib/index.js'
import {
  comparePk,
  type Given,
  ModelCollection,
  type ModelField,
  type ModelRow,
  type ModelSchema,
} from '../support/model.js'
import { type Rng, rng } from '../support/rng.js'

t.setTimeout(900_000)
const SEED = Number(process.env['SEED'] ?? 20260501)
const RUNS = Number(process.env['RUNS'] ?? 8)
const OPS = Number(process.env['OPS'] ?? 25_500)
const DIM = 4
const KEYS = 300

function randomSchema(random: Rng): ModelSchema {
  const fields: ModelField[] = [{ name: 'vec', kind: 'vector', nullable: false }]
  const kinds = ['int', 'text', 'bool', 'double', 'json', 'array'] as const
  for (let i = 0; i < random.between(2, 5); i++) {
    const kind = random.pick(kinds)
    const nullable = kind === 'json' || kind === 'array' || random.chance(0.7)
    const defaulted = kind !== 'json' && kind !== 'array' && random.chance(0.3)
    fields.push({
      name: `f${i}`,
      kind,
      nullable,
      ...(defaulted ? { defaultValue: { int: 7, text: 'dflt', bool: true, double: 0.5 }[kind] } : {}),
    })
  }
  return { pkType: random.chance(0.6) ? 'int' : 'text', fields, dynamic: random.chance(0.6) }
}

function fieldRequests(schema: ModelSchema): FieldRequest[] {
  const pk: FieldRequest =
    schema.pkType === 'int'
      ? { name: 'pk', dataType: DataType.Int64, primaryKey: true }
      : { name: 'pk', dataType: DataType.VarChar, maxLength: 64, primaryKey: true }
  const types = {
    int: { dataType: DataType.Int64 },
    text: { dataType: DataType.VarChar, maxLength: 100 },
    bool: { dataType: DataType.Bool },
    double: { dataType: DataType.Double },
    json: { dataType: DataType.JSON },
    array: { dataType: DataType.Array, elementType: DataType.Int64, maxCapacity: 1000 },
    vector: { dataType: DataType.FloatVector, dim: DIM },
  } as const
  return [
    pk,
    ...schema.fields.map(f => ({
      name: f.name,
      nullable: f.nullable,
      defaultValue: f.defaultValue,
      ...types[f.kind],
    })),
  ]
}

function randomPk(schema: ModelSchema, random: Rng): number | string {
  const key = random.int(KEYS)
  if (schema.pkType === 'text') return ['', 'ä', '𝄞', ' x '][key % 50] ?? `k${key}`
  return key === 0 ? Number.MAX_SAFE_INTEGER : key - 20
}

function randomValue(field: ModelField, random: Rng): unknown {
  switch (field.kind) {
    case 'int':
      return random.between(-50, 50)
    case 'text':
      return random.pick(['', 'a', 'ünï', random.letters(random.int(12))])
    case 'bool':
      return random.chance()
    case 'double':
      return random.between(-1000, 1000) / 8
    case 'json':
      return random.pick<unknown>([
        { a: random.int(5) },
        { b: [1, 2], c: { d: null } },
        [1, 'x'],
        'text',
        12,
        true,
      ])
    case 'array':
      return Array.from({ length: random.int(4) }, () => random.int(6))
    case 'vector':
      return Array.from({ length: DIM }, () => random.between(-64, 64) / 8)
  }
}

function randomRow(schema: ModelSchema, random: Rng, pk: number | string, partial: boolean): Given {
  const row: Given = { pk }
  for (const field of schema.fields) {
    const optional = field.nullable || field.defaultValue !== undefined
    if (partial ? random.chance(0.5) : optional && random.chance(0.3)) continue
    row[field.name] = optional && random.chance(0.2) ? null : randomValue(field, random)
  }
  if (schema.dynamic)
    for (const key of ['dx', 'dy'])
      if (random.chance(0.3)) row[key] = random.pick<unknown>([1, 'dyn', [1], { z: 1 }, false])
  return row
}

function distinctRows(schema: ModelSchema, random: Rng, partial: boolean): Given[] {
  const count = random.chance(0.8) ? 1 : random.between(2, 12)
  const pks = new Set(Array.from({ length: count }, () => randomPk(schema, random)))
  return [...pks].map(pk => randomRow(schema, random, pk, partial))
}

/** What the engine should return for a model row, with `*`. */
function expected(row: ModelRow): Record<string, unknown> {
  return { pk: row.pk, ...row.values, ...row.dynamic }
}

const PARTITIONS = ['_default', 'pa', 'pb']

class Run {
  readonly random: Rng
  readonly schema: ModelSchema
  readonly model: ModelCollection
  readonly directory: string
  readonly options: OpenOptions
  db!: Database
  books!: Collection
  inFlight: Promise<unknown>[] = []
  operations = 0
  indexType: 'HNSW' | 'FLAT' = 'FLAT'
  /** Every second run has indexes on its scalar fields too. */
  readonly scalarIndexes: boolean

  constructor(seed: number, directory: string) {
    this.scalarIndexes = seed % 2 === 1
    this.random = rng(seed)
    this.schema = randomSchema(this.random)
    this.model = new ModelCollection(this.schema)
    this.directory = directory
    this.options = {
      durability: 'os',
      flushRowsMax: this.random.pick([64, 500, 65_536]),
      indexRowsMin: this.random.pick([16, 128]),
      autoCompaction: this.random.chance(0.7),
    }
  }

  async start(): Promise<void> {
    this.db = await open(this.directory, this.options)
    this.books = this.db.collection('c')
  }

  async create(): Promise<void> {
    await this.start()
    this.indexType = this.random.pick(['HNSW', 'FLAT'] as const)
    const indexed = this.schema.fields.filter(
      f => this.scalarIndexes && f.kind !== 'vector' && f.kind !== 'json',
    )
    await this.db.createCollection({
      name: 'c',
      enableDynamicField: this.schema.dynamic,
      fields: fieldRequests(this.schema),
      indexes: [
        { fieldName: 'vec', indexType: this.indexType, metricType: 'L2' },
        ...indexed.map(f => ({ fieldName: f.name, indexType: 'AUTOINDEX' })),
      ],
    })
    for (const name of PARTITIONS.slice(1)) await this.books.createPartition(name)
  }

  async settle(): Promise<void> {
    const pending = this.inFlight
    this.inFlight = []
    await Promise.all(pending)
  }

  write(): void {
    const { random, model, books, schema } = this
    const partitionName = random.pick(PARTITIONS)
    const kind = random.int(20)
    this.operations++
    if (kind < 3) {
      const rows = distinctRows(schema, random, false)
      model.insert(rows, partitionName)
      this.inFlight.push(books.insert(rows, { partitionName }))
    } else if (kind < 10) {
      const rows = distinctRows(schema, random, false)
      model.override(rows, partitionName)
      this.inFlight.push(books.upsert(rows, { partitionName }))
    } else if (kind < 17) {
      this.merge(partitionName)
    } else if (kind < 19) {
      const ids = Array.from({ length: random.between(1, 5) }, () => randomPk(schema, random))
      const where = random.chance() ? partitionName : null
      model.delete(ids, where)
      this.inFlight.push(books.delete({ ids, ...(where === null ? {} : { partitionName: where }) }))
    } else {
      this.deleteWhere(partitionName)
    }
  }

  merge(partitionName: string): void {
    const { random, model, books, schema } = this
    const rows = distinctRows(schema, random, true)
    const array = schema.fields.find(f => f.kind === 'array')
    const ops: Record<string, 'ARRAY_APPEND' | 'ARRAY_REMOVE'> = {}
    if (array !== undefined && random.chance(0.4) && rows.every(row => Array.isArray(row[array.name]))) {
      ops[array.name] = random.pick(['ARRAY_APPEND', 'ARRAY_REMOVE'] as const)
    }
    const fine = model.merge(rows, partitionName, ops)
    const done = books.upsert(rows, { partialUpdate: true, partitionName, fieldOps: ops })
    this.inFlight.push(
      done.then(
        () => {
          if (!fine) throw new Error('a merge that lacks a required field of a new row must fail')
        },
        (error: unknown) => {
          if (
            fine ||
            !(error instanceof MilvusError) ||
            !error.message.includes('has no corresponding fieldData pass in')
          )
            throw error
        },
      ),
    )
  }

  deleteWhere(partitionName: string): void {
    const { random, model, books, schema } = this
    const int = schema.fields.find(f => f.kind === 'int')
    if (int === undefined) return
    const limit = random.between(-50, -30)
    const where = random.chance() ? partitionName : null
    const count = model.deleteWhere(
      row => typeof row.values[int.name] === 'number' && (row.values[int.name] as number) < limit,
      where,
    )
    const done = books.delete({
      filter: `${int.name} < ${limit}`,
      ...(where === null ? {} : { partitionName: where }),
    })
    this.inFlight.push(
      done.then(result => {
        if (result.deleteCount !== count)
          throw new Error(`delete by filter: expected ${count} keys, got ${result.deleteCount}`)
      }),
    )
  }

  async disturb(): Promise<void> {
    const dice = this.random.int(10)
    if (dice < 4) await this.books.flush()
    else if (dice < 6) await this.books.compact()
    else if (dice < 7) {
      await this.settle()
      await this.books.release()
      await this.books.load()
    } else if (dice < 9) {
      await this.settle()
      await this.db.close()
      await this.start()
    } else this.inFlight.push(this.books.flush())
  }

  /** Compares a few reads with the model; everything acknowledged must show. */
  async check(test: Tap.Test, whole: boolean): Promise<void> {
    await this.settle()
    const { random, model, books } = this
    const pk = randomPk(this.schema, random)
    const partition = random.chance() ? random.pick(PARTITIONS) : null
    const where = partition === null ? {} : { partitionNames: [partition] }
    this.operations += 3
    const newest = model.newest(pk, partition)
    same(test, await books.get([pk], where), newest === undefined ? [] : [expected(newest)], 'get')
    const all = model.visible(undefined, partition)
    const count = model.rows.filter(row => partition === null || row.partition === partition).length
    same(test, await books.count(where), count, 'count')
    if (!whole) return
    this.operations += 2
    same(test, await books.query({ filter: '', limit: 16_384, ...where }), all.map(expected), 'query')
    await this.checkSearch(test, partition, where)
  }

  async checkSearch(
    test: Tap.Test,
    partition: string | null,
    where: { partitionNames?: string[] },
  ): Promise<void> {
    const query = randomValue({ name: 'vec', kind: 'vector', nullable: false }, this.random) as number[]
    const [hits] = await this.books.search({
      data: [query],
      limit: 20,
      params: { ef: 4096 },
      outputFields: ['pk'],
      ...where,
    })
    // Of several live versions of a key (plain inserts), a search returns the nearest.
    const best = new Map<number | string, number>()
    for (const row of this.model.rows) {
      if (partition !== null && row.partition !== partition) continue
      const score = (row.values['vec'] as number[]).reduce((sum, v, i) => sum + (v - query[i]!) ** 2, 0)
      best.set(row.pk, Math.min(score, best.get(row.pk) ?? Number.POSITIVE_INFINITY))
    }
    const near = [...best]
      .map(([id, score]) => ({ id, score }))
      .sort((a, b) => a.score - b.score || comparePk(a.id, b.id))
      .slice(0, 20)
    if (this.indexType === 'HNSW') return this.checkApproximate(test, query, partition, hits!, near)
    same(
      test,
      hits!.map(hit => hit.score),
      near.map(row => row.score),
      'search scores',
    )
    if (near.length === 0) return
    const inside = near.filter(row => row.score < near.at(-1)!.score).map(row => row.id)
    same(
      test,
      hits!.slice(0, inside.length).map(hit => hit.id),
      inside,
      'search ids',
    )
  }

  /** A graph may miss a neighbour, but whatever it finds is a live row with its true score, best first. */
  checkApproximate(
    test: Tap.Test,
    query: readonly number[],
    partition: string | null,
    hits: readonly { id: unknown; score: number }[],
    near: readonly { id: number | string; score: number }[],
  ): void {
    same(test, hits.length, near.length, 'search: number of hits')
    const live = new Set<string>()
    for (const row of this.model.rows) {
      if (partition !== null && row.partition !== partition) continue
      live.add(
        `${row.pk} ${(row.values['vec'] as number[]).reduce((sum, v, i) => sum + (v - query[i]!) ** 2, 0)}`,
      )
    }
    const untrue = hits.filter(hit => !live.has(`${hit.id} ${hit.score}`))
    same(test, untrue, [], 'search: hits that are no live row')
    same(
      test,
      hits.map(h => h.score),
      hits.map(h => h.score).sort((a, b) => a - b),
      'search: order',
    )
    const wanted = new Set(near.map(row => row.id))
    const found = hits.filter(hit => wanted.has(hit.id as number | string)).length
    same(test, found >= near.length * 0.8, true, `search: ${found} of ${near.length} nearest found`)
  }
}

/** One assertion per difference, none per success: two hundred thousand of them would drown the report. */
function same(test: Tap.Test, found: unknown, wanted: unknown, what: string): void {
  const a = JSON.stringify(sortKeys(found))
  const b = JSON.stringify(sortKeys(wanted))
  if (a !== b) {
    test.same(found, wanted, what)
    throw new Error(`${what}: engine and model differ`)
  }
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sortKeys(v)]),
  )
}

declare namespace Tap {
  type Test = { same(found: unknown, wanted: unknown, message: string): boolean }
}

for (let i = 0; i < RUNS; i++) {
  const seed = SEED + i
  t.test(`engine and model agree (SEED=${seed})`, { timeout: 240_000 }, async test => {
    const directory = await mkdtemp(join(tmpdir(), 'kestrel-model-'))
    const run = new Run(seed, directory)
    try {
      await run.create()
      while (run.operations < OPS) {
        for (let n = 0; n < 64; n++) run.write()
        if (run.random.chance(0.05)) await run.disturb()
        await run.check(test, run.random.chance(0.1))
      }
      await run.check(test, true)
      await run.db.close()
      await run.start()
      await run.check(test, true)
      test.ok(run.operations >= OPS, `${run.operations} operations`)
    } finally {
      await run.db.close()
      await rm(directory, { recursive: true, force: true })
    }
  })
}
