/**
 * The oracle of the property tests: a collection as a plain list of row versions, obviously correct and slow.
 *
 * It knows the rules of upsert-semantics and nothing of segments, logs or ticks: a write takes effect at once, in the
 * order it was submitted.
 */
export interface ModelRow {
  pk: number | string
  partition: string
  /** Field name → plain value; null for null. */
  values: Record<string, unknown>
  dynamic: Record<string, unknown>
}

export interface ModelField {
  readonly name: string
  readonly kind: 'int' | 'text' | 'bool' | 'double' | 'json' | 'array' | 'vector'
  readonly nullable: boolean
  readonly defaultValue?: unknown
}

export interface ModelSchema {
  readonly pkType: 'int' | 'text'
  readonly fields: readonly ModelField[]
  readonly dynamic: boolean
}

export type Given = Record<string, unknown>

export class ModelCollection {
  readonly schema: ModelSchema
  /** Oldest first. */
  rows: ModelRow[] = []

  constructor(schema: ModelSchema) {
    this.schema = schema
  }

  /** Splits a given row into stored field values and dynamic keys, with defaults and nulls filled in. */
  #complete(given: Given): Pick<ModelRow, 'values' | 'dynamic'> {
    const values: Record<string, unknown> = {}
    const dynamic: Record<string, unknown> = {}
    for (const field of this.schema.fields) {
      const value = given[field.name]
      values[field.name] = value === undefined || value === null ? (field.defaultValue ?? null) : value
    }
    for (const [key, value] of Object.entries(given)) {
      if (key !== 'pk' && !this.schema.fields.some(f => f.name === key)) dynamic[key] = value
    }
    return { values, dynamic }
  }

  insert(given: readonly Given[], partition: string): void {
    for (const row of given)
      this.rows.push({ pk: row['pk'] as number | string, partition, ...this.#complete(row) })
  }

  override(given: readonly Given[], partition: string): void {
    this.#remove(new Set(given.map(row => row['pk'])), partition)
    this.insert(given, partition)
  }

  /** False when the request must fail: a new key lacks a required field. */
  merge(
    given: readonly Given[],
    partition: string,
    ops: Record<string, 'ARRAY_APPEND' | 'ARRAY_REMOVE'> = {},
  ): boolean {
    const plans: ModelRow[] = []
    for (const row of given) {
      const stored = this.newest(row['pk'] as number | string, partition)
      if (stored === undefined) {
        for (const field of this.schema.fields) {
          if (!field.nullable && field.defaultValue === undefined && row[field.name] === undefined)
            return false
        }
        plans.push({ pk: row['pk'] as number | string, partition, ...this.#complete(row) })
        continue
      }
      plans.push(this.#overlay(stored, row, ops))
    }
    this.#remove(new Set(given.map(row => row['pk'])), partition)
    this.rows.push(...plans)
    return true
  }

  #overlay(stored: ModelRow, given: Given, ops: Record<string, 'ARRAY_APPEND' | 'ARRAY_REMOVE'>): ModelRow {
    const values = { ...stored.values }
    for (const field of this.schema.fields) {
      const value = given[field.name]
      if (value === undefined) continue
      const op = ops[field.name]
      const old = values[field.name]
      if (op !== undefined)
        values[field.name] = arrayOp(op, old as unknown[] | null, value as unknown[] | null)
      else if (value === null) values[field.name] = field.defaultValue ?? null
      else if (field.kind === 'json' && isObject(old) && isObject(value))
        values[field.name] = { ...old, ...value }
      else values[field.name] = value
    }
    const dynamic = { ...stored.dynamic }
    for (const [key, value] of Object.entries(given)) {
      if (key !== 'pk' && !this.schema.fields.some(f => f.name === key)) dynamic[key] = value
    }
    return { pk: stored.pk, partition: stored.partition, values, dynamic }
  }

  delete(pks: readonly unknown[], partition: string | null): void {
    this.#remove(new Set(pks), partition)
  }

  deleteWhere(test: (row: ModelRow) => boolean, partition: string | null): number {
    const pks = new Set(
      this.rows
        .filter(row => (partition === null || row.partition === partition) && test(row))
        .map(row => row.pk),
    )
    this.#remove(pks, partition)
    return pks.size
  }

  #remove(pks: ReadonlySet<unknown>, partition: string | null): void {
    this.rows = this.rows.filter(
      row => !pks.has(row.pk) || (partition !== null && row.partition !== partition),
    )
  }

  /** Newest version of a key, in one partition or in all. */
  newest(pk: number | string, partition: string | null = null): ModelRow | undefined {
    for (let i = this.rows.length - 1; i >= 0; i--) {
      const row = this.rows[i]!
      if (row.pk === pk && (partition === null || row.partition === partition)) return row
    }
    return undefined
  }

  /** One row per key (the newest), by ascending key, as a query returns them. */
  visible(test: (row: ModelRow) => boolean = () => true, partition: string | null = null): ModelRow[] {
    const newest = new Map<number | string, ModelRow>()
    for (const row of this.rows)
      if (partition === null || row.partition === partition) newest.set(row.pk, row)
    return [...newest.values()].filter(test).sort((a, b) => comparePk(a.pk, b.pk))
  }
}

function arrayOp(
  op: 'ARRAY_APPEND' | 'ARRAY_REMOVE',
  old: unknown[] | null,
  given: unknown[] | null,
): unknown[] | null {
  if (given === null) return old
  if (op === 'ARRAY_APPEND') return [...(old ?? []), ...given]
  return old === null ? null : old.filter(element => !given.includes(element))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Int64 by value, VarChar by bytes. */
export function comparePk(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)))
}
