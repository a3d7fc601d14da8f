/**
 * Names that reach into a row: a field, a path inside a JSON field, a dynamic key.
 *
 * Grouping and ordering of search hits accept all three (§3.6, §3.7). A name is parsed once per request; values are
 * then read for the rows that were found, never for whole columns.
 */
import type { Turn } from '../base/turn.js'
import { type CollectionSchema, fieldIndex } from '../schema/collection-schema.js'
import { type Column, isValid } from '../schema/column.js'
import { pkKeyAt, valueAt } from '../schema/column-ops.js'
import { DataType } from '../schema/data-type.js'
import type { RowRefs } from './project.js'

/** Where a value is found: a field and, inside JSON, the keys that lead to it. */
export interface FieldPath {
  readonly index: number
  /** Empty: the field itself. */
  readonly keys: readonly string[]
}

/**
 * The path a name means: `age`, `meta["a"]["b"]`, `$meta["k"]`, or a bare dynamic key. Null when the schema knows no
 * such field and has no dynamic field either.
 */
export function fieldPathOf(schema: CollectionSchema, name: string): FieldPath | null {
  const exact = fieldIndex(schema, name)
  if (exact >= 0) return { index: exact, keys: [] }
  const bracket = name.indexOf('[')
  const head = bracket < 0 ? name : name.slice(0, bracket).trim()
  const keys = bracket < 0 ? [] : keysOf(name.slice(bracket))
  if (keys === null || !/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(head)) return null
  const index = fieldIndex(schema, head)
  if (index >= 0) return schema.fields[index]!.dataType === DataType.JSON ? { index, keys } : null
  return schema.dynamicIndex < 0 ? null : { index: schema.dynamicIndex, keys: [head, ...keys] }
}

/** Keys of `["a"][0]…`, or null when the text is no such chain. */
function keysOf(text: string): string[] | null {
  const link = /\s*\[\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\d+))\s*\]\s*/gy
  const keys: string[] = []
  let end = 0
  for (const match of text.matchAll(link)) {
    keys.push(match[3] ?? (match[1] ?? match[2] ?? '').replace(/\\(.)/g, '$1'))
    end = match.index + match[0].length
  }
  return end === text.length ? keys : null
}

/** Rows read between two looks at the clock: few, as a JSON document may be large. */
const SLICE_ROWS = 32

/**
 * Values at a path for found rows, in their order; undefined where a key is missing. Int64 values are numbers when
 * exact, else bigints; a Timestamptz is its microseconds, so that values compare as the field does.
 */
export async function readPath(
  schema: CollectionSchema,
  refs: RowRefs,
  path: FieldPath,
  turn: Turn,
): Promise<unknown[]> {
  const field = schema.fields[path.index]!
  const out: unknown[] = new Array(refs.count)
  const places: number[][] = refs.segments.map(() => [])
  for (let i = 0; i < refs.count; i++) places[refs.segmentOf[i]!]!.push(i)
  for (let s = 0; s < places.length; s++) {
    const mine = places[s]!
    if (mine.length === 0) continue
    const segment = refs.segments[s]!
    const rows = Int32Array.from(mine, i => refs.rows[i]!)
    const resident = segment.isResident(path.index)
    const column: Column = resident
      ? segment.column(path.index)
      : (await segment.gather([path.index], rows))[0]!
    for (let j = 0; j < mine.length; j++) {
      if (j % SLICE_ROWS === 0 && turn.due()) await turn.next()
      const at = resident ? rows[j]! : j
      if (!isValid(column, at)) out[mine[j]!] = null
      else if (field.dataType === DataType.Timestamptz) out[mine[j]!] = pkKeyAt(column, at)
      else out[mine[j]!] = dig(valueAt(field, column, at, 'auto'), path.keys)
    }
  }
  return out
}

function dig(value: unknown, keys: readonly string[]): unknown {
  let at = value
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}
