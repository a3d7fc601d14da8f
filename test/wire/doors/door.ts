/**
 * The three ways into one engine, behind one interface: the embedded API, gRPC through Milvus's Node SDK, and REST.
 *
 * Every door has a collection of its own with the same name in a database of its own, so that names in requests and
 * texts are equal. What a door returns is put into one form: Int64 as text, float32 values rounded alike, JSON parsed,
 * arrays plain; an error is its code alone, because REST has codes of its own for bodies it cannot read.
 */
import { MilvusError } from '../../../lib/index.js'

export const NAME = 'books'
/** How each field of the collection is put into one form. */
export const FORMS: Readonly<
  Record<string, 'int64' | 'float32s' | 'sparse' | 'json' | 'int64s' | 'float32'>
> = {
  id: 'int64',
  vector: 'float32s',
  terms: 'sparse',
  doc: 'json',
  longs: 'int64s',
  distance: 'float32',
}

export type Row = Record<string, unknown>

export interface Search {
  readonly field: 'vector' | 'terms'
  readonly data: unknown
  readonly limit: number
  readonly filter: string
}

/** One step of a script. */
export type Op =
  | {
      readonly kind: 'insert' | 'upsert' | 'merge'
      readonly rows: readonly Row[]
      readonly partition: string
    }
  | { readonly kind: 'arrays'; readonly rows: readonly Row[]; readonly op: 'ARRAY_APPEND' | 'ARRAY_REMOVE' }
  | { readonly kind: 'delete'; readonly filter: string; readonly partition: string }
  | { readonly kind: 'get'; readonly ids: readonly number[]; readonly outputs: readonly string[] }
  | {
      readonly kind: 'query'
      readonly filter: string
      readonly outputs: readonly string[]
      readonly limit: number
      readonly offset: number
      readonly partitions: readonly string[]
    }
  | { readonly kind: 'count'; readonly filter: string }
  | ({ readonly kind: 'search'; readonly outputs: readonly string[]; readonly groupBy: string } & Search)
  | {
      readonly kind: 'hybrid'
      readonly requests: readonly Search[]
      readonly weights: readonly number[] | null
    }
  | { readonly kind: 'createPartition' | 'dropPartition' | 'hasPartition'; readonly partition: string }
  | { readonly kind: 'createAlias' | 'dropAlias'; readonly alias: string }
  | { readonly kind: 'createIndex' | 'dropIndex'; readonly field: string }
  | {
      readonly kind:
        | 'load'
        | 'release'
        | 'loadState'
        | 'flush'
        | 'stats'
        | 'partitions'
        | 'aliases'
        | 'describe'
    }

/** What came back: a value, or the code of an error. */
export type Outcome = { readonly value: unknown } | { readonly code: number }

export interface Door {
  readonly name: string
  create(): Promise<void>
  run(op: Op): Promise<Outcome>
  close(): Promise<void>
}

/** A failed answer of gRPC or REST. */
export class Refused extends Error {
  readonly code: number
  constructor(code: number) {
    super(`code ${code}`)
    this.code = code
  }
}

export async function outcome(work: Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await work }
  } catch (error) {
    if (error instanceof MilvusError || error instanceof Refused) return { code: error.code }
    throw error
  }
}

function formed(key: string, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (FORMS[key]) {
    case 'int64':
      return String(value)
    case 'float32':
      return Math.fround(Number(value))
    case 'float32s':
      return Array.from(value as number[], Math.fround)
    case 'sparse':
      return Object.fromEntries(
        Object.entries(value).map(([at, weight]) => [at, Math.fround(weight as number)]),
      )
    case 'json':
      return typeof value === 'string' ? (JSON.parse(value) as unknown) : value
    case 'int64s':
      return plainArray(value).map(String)
    default:
      return key === 'tags' ? plainArray(value) : value
  }
}

/** A list, out of whatever a door wraps it in. */
function plainArray(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  const { Data } = value as { Data?: Record<string, { data?: unknown[] }> }
  return Object.values(Data ?? {})[0]?.data ?? []
}

/** A row in one form; keys that are null and not of the schema count as absent. */
function formedRow({ $meta, ...row }: Row): Row {
  // The SDK leaves the dynamic keys of hits where they are stored.
  const whole: Row = { ...row, ...($meta as Row | undefined) }
  const out: Row = {}
  for (const key of Object.keys(whole).sort()) {
    const value = formed(key, whole[key])
    if (!(value === null && key === 'more')) out[key] = value
  }
  return out
}

export const rowsOf = (rows: readonly unknown[]): Row[] => rows.map(row => formedRow(row as Row))
/** gRPC has no get: the SDK sends a query, which answers in the order of the keys. */
export const byKey = (rows: readonly unknown[]): Row[] =>
  rowsOf(rows).toSorted((a, b) => Number(a['id']) - Number(b['id']))
export const idsOf = (ids: readonly unknown[]): string[] => ids.map(String)

/** A hit in one form: its key, its score, the fields asked for. */
export const hit = (id: unknown, score: unknown, entity: Row): Row => ({
  ...formedRow({ ...entity, id }),
  distance: Math.fround(Number(score)),
})
