/**
 * Filters over a handful of rows: rows to columns by the schema room, a filter to the ids of its TRUE rows.
 */
import { MilvusError } from '../../../lib/base/errors.js'
import { compileFilter, type FilterVerb, type TemplateValues } from '../../../lib/filter/compile.js'
import { type ColumnSource, evaluateFilter, evaluateRow, evaluateRows } from '../../../lib/filter/evaluate.js'
import type { CollectionSchema } from '../../../lib/schema/collection-schema.js'
import { completeColumns } from '../../../lib/schema/complete-columns.js'
import { DataType } from '../../../lib/schema/data-type.js'
import type { FieldRequest, Row } from '../../../lib/schema/requests.js'
import { rowsToColumns } from '../../../lib/schema/rows-to-columns.js'
import { buildSchema } from '../../../lib/schema/validate-schema.js'

/** Rows of one made-up segment. */
export interface Table {
  readonly schema: CollectionSchema
  readonly rowCount: number
  readonly source: ColumnSource
}

/** An Int64 key `id`, the given fields, and a small vector. */
export function schemaOf(fields: readonly FieldRequest[], dynamic = false): CollectionSchema {
  const id: FieldRequest = { name: 'id', dataType: DataType.Int64, primaryKey: true }
  const vector: FieldRequest = { name: 'vec', dataType: DataType.FloatVector, dim: 2 }
  return buildSchema({ name: 't', fields: [id, ...fields, vector], enableDynamicField: dynamic })
}

/** Rows get ids 1, 2, 3 … unless they bring their own. */
export function tableOf(schema: CollectionSchema, rows: readonly Row[]): Table {
  const full = rows.map((row, i) => ({ id: i + 1, vec: [0, 1], ...row }))
  const { columns } = completeColumns(schema, rowsToColumns(schema, full, 'insert'), 'insert')
  const source: ColumnSource = {
    column: index => {
      const column = columns[index]
      if (column === null || column === undefined) throw new Error(`no column for field ${index}`)
      return column
    },
  }
  return { schema, rowCount: rows.length, source }
}

/** Row numbers (from 1) for which the filter is TRUE. Asks in all three ways and insists that they agree. */
export function matches(table: Table, text: string, templates?: TemplateValues): number[] {
  const plan = compileFilter(table.schema, text, templates)
  const { rowCount, source } = table
  const bits = new Uint32Array((rowCount + 31) >>> 5).fill(0xdeadbeef)
  evaluateFilter(plan, source, 0, rowCount, bits)
  const found: number[] = []
  for (let row = 0; row < rowCount; row++) if ((bits[row >>> 5]! >>> (row & 31)) & 1) found.push(row + 1)
  const rows = Int32Array.from({ length: rowCount }, (_, i) => (i * 7) % rowCount)
  const listed = new Uint8Array(rowCount)
  evaluateRows(plan, source, rows, listed)
  for (let i = 0; i < rowCount; i++) {
    const inRange = found.includes(rows[i]! + 1)
    if ((listed[i] === 1) !== inRange || evaluateRow(plan, source, rows[i]!) !== inRange) {
      throw new Error(`row ${rows[i]! + 1} by range, list and alone disagree for ${text}`)
    }
  }
  return found
}

/** Message of the error a filter is refused with. */
export function refusal(
  schema: CollectionSchema,
  text: string,
  templates?: TemplateValues,
  verb?: FilterVerb,
): string {
  try {
    compileFilter(schema, text, templates, verb)
  } catch (error) {
    if (!(error instanceof MilvusError) || error.code !== 1100) throw error
    return error.message
  }
  return 'accepted'
}
