/**
 * Array element operations of a merge: which are legal (upsert-semantics §2.7), and what they do to one row.
 *
 * ARRAY_APPEND puts the payload behind the old elements; ARRAY_REMOVE takes out every occurrence of each payload
 * value. Both work on packed rows (array-codec.ts) and copy the bytes of the elements that stay, so nothing is rounded
 * or re-encoded on the way. Numbers are equal as `==` says: NaN never matches, −0 matches 0.
 */

import { assert } from '../base/assert.js'
import { invalid, MilvusError } from '../base/errors.js'
import { valueText } from '../base/json.js'
import { arrayElementBytes, arrayLength, heapView, readElement } from './array-codec.js'
import type { ByteSink } from './byte-sink.js'
import { type CollectionSchema, type FieldSchema, fieldIndex } from './collection-schema.js'
import { type ColumnBatch, isValid, type VarColumn } from './column.js'
import { DataType, dataTypeName } from './data-type.js'
import type { FieldOps } from './requests.js'
import { readUtf8 } from './utf8.js'

/** An operation that does something; REPLACE is what happens anyway. */
export type ElementOp = 'ARRAY_APPEND' | 'ARRAY_REMOVE'

/** One entry of a request's op list, still as the wire or a caller gave it. */
export interface FieldOpEntry {
  readonly fieldName: string
  /** Name (any case, blanks around it ignored) or enum number: 0 REPLACE, 1 ARRAY_APPEND, 2 ARRAY_REMOVE. */
  readonly op: string | number
  /** Type the payload column was declared with, where the request says so (wire requests do). */
  readonly payloadType?: DataType
  /** Element type the payload column was declared with; None or absent: not said. */
  readonly payloadElementType?: DataType
}

const OP_NAMES = ['REPLACE', 'ARRAY_APPEND', 'ARRAY_REMOVE'] as const
const SUB_FIELD = /^[^[\]]+\[[^[\]]+\]$/

/**
 * Checks the ops of a request against the schema and the request's own columns.
 * @returns field position to operation, REPLACE left out; not empty means: merge, whatever the request said
 * @throws MilvusError ParameterMissing (empty field name), ParameterInvalid (everything else)
 */
export function checkFieldOps(
  schema: CollectionSchema,
  batch: ColumnBatch,
  ops: FieldOps,
): Map<number, ElementOp> {
  const entries: FieldOpEntry[] = []
  for (const fieldName of Object.keys(ops)) entries.push({ fieldName, op: ops[fieldName]! })
  return checkFieldOpList(schema, batch, entries)
}

/** checkFieldOps for a list, in which a field may wrongly occur twice. */
export function checkFieldOpList(
  schema: CollectionSchema,
  batch: ColumnBatch,
  entries: readonly FieldOpEntry[],
): Map<number, ElementOp> {
  const checked = new Map<number, ElementOp>()
  const seen = new Set<string>()
  for (const entry of entries) {
    const { fieldName } = entry
    if (fieldName === '') {
      throw new MilvusError('ParameterMissing', 'FieldPartialUpdateOp.field_name is required')
    }
    if (seen.has(fieldName)) throw invalid(`duplicate partial-update op for field "${fieldName}"`)
    seen.add(fieldName)
    const name = opName(entry.op)
    if (name === 'REPLACE') {
      if (SUB_FIELD.test(fieldName)) {
        throw invalid(`partial struct update is not supported for struct sub-field "${fieldName}"`)
      }
      continue
    }
    const index = checkTarget(schema, fieldName, name ?? valueText(entry.op))
    if (name === undefined) throw invalid(`unsupported partial update op: ${entry.op}`)
    checkPayload(schema.fields[index]!, batch, index, entry, name)
    checked.set(index, name)
  }
  return checked
}

function opName(op: string | number): (typeof OP_NAMES)[number] | undefined {
  if (typeof op === 'number') return OP_NAMES[op]
  const name = op.trim().toUpperCase()
  return OP_NAMES.find(known => known === name)
}

/** Position of an Array field that may carry an op. */
function checkTarget(schema: CollectionSchema, fieldName: string, op: string): number {
  const index = fieldIndex(schema, fieldName)
  const field = schema.fields[index]
  if (field?.primaryKey === true) {
    throw invalid(`field "${fieldName}" is the primary key and cannot carry a partial-update op`)
  }
  if (SUB_FIELD.test(fieldName) || field?.dataType === DataType.ArrayOfStruct) {
    throw invalid(`op ${op} is not supported for struct field "${fieldName}"`)
  }
  if (field === undefined) throw invalid(`field "${fieldName}" not found in collection schema`)
  if (field.dataType !== DataType.Array) {
    throw invalid(
      `op ${op} requires Array field, but field "${fieldName}" is ${dataTypeName(field.dataType)}`,
    )
  }
  return index
}

function checkPayload(
  field: FieldSchema,
  batch: ColumnBatch,
  index: number,
  entry: FieldOpEntry,
  op: ElementOp,
): void {
  const { name } = field
  const column = batch.columns[index] ?? null
  if (entry.payloadType !== undefined && entry.payloadType !== DataType.Array) {
    throw invalid(`partial-update op field "${name}" payload is not an Array`)
  }
  if (column === null) {
    throw invalid(`partial-update op targets field "${name}" not present in fields_data`)
  }
  const elementType = entry.payloadElementType ?? DataType.None
  if (elementType !== DataType.None && elementType !== field.elementType) {
    throw invalid(
      `field "${name}" expects element type ${dataTypeName(field.elementType)} but request provides ${dataTypeName(elementType)}`,
    )
  }
  if (op !== 'ARRAY_APPEND') return
  assert(column.layout === 'var', 'arrays have a variable layout')
  const view = heapView(column.heap)
  for (let row = 0; row < batch.rowCount; row++) {
    if (!isValid(column, row)) continue
    const length = arrayLength(view, column.offsets[row]!, column.offsets[row + 1]!)
    if (length <= field.maxCapacity) continue
    throw invalid(
      `ARRAY_APPEND payload for field "${name}" row ${row} has length ${length} exceeding max_capacity ${field.maxCapacity}`,
    )
  }
}

/** A packed array row: bytes [from, to) of a heap. */
interface PackedRow {
  readonly heap: Uint8Array
  readonly from: number
  readonly to: number
}

function rowOf(column: VarColumn, row: number): PackedRow {
  return { heap: column.heap, from: column.offsets[row]!, to: column.offsets[row + 1]! }
}

/**
 * Writes `old ++ payload` as one row.
 * @throws MilvusError ParameterInvalid `array length 5 exceeds max_capacity 4`
 */
export function appendElements(
  sink: ByteSink,
  field: FieldSchema,
  stored: VarColumn,
  storedRow: number,
  given: VarColumn,
  givenRow: number,
): void {
  const old = rowOf(stored, storedRow)
  const payload = rowOf(given, givenRow)
  const count = countOf(old) + countOf(payload)
  if (count > field.maxCapacity) {
    throw invalid(
      `array length ${count} exceeds max_capacity ${field.maxCapacity}, field "${field.name}", row ${givenRow}`,
    )
  }
  sink.u32(count)
  if (old.to > old.from) sink.bytes(old.heap, old.from + 4, old.to)
  if (payload.to > payload.from) sink.bytes(payload.heap, payload.from + 4, payload.to)
}

function countOf(row: PackedRow): number {
  return arrayLength(heapView(row.heap), row.from, row.to)
}

/** Writes the old elements that do not occur in the payload as one row. */
export function removeElements(
  sink: ByteSink,
  field: FieldSchema,
  stored: VarColumn,
  storedRow: number,
  given: VarColumn,
  givenRow: number,
): void {
  const type = field.elementType
  const gone = new Set<unknown>()
  const payload = rowOf(given, givenRow)
  walk(payload, type, value => {
    // A Set would find NaN; `==` does not.
    if (!Number.isNaN(value)) gone.add(value)
  })
  const old = rowOf(stored, storedRow)
  const countAt = sink.length
  sink.u32(0)
  let kept = 0
  walk(old, type, (value, from, to) => {
    if (gone.has(value)) return
    sink.bytes(old.heap, from, to)
    kept++
  })
  sink.buffer.writeUInt32LE(kept, countAt)
}

/** Visits the elements of a packed row with their byte ranges. */
function walk(
  row: PackedRow,
  type: DataType,
  visit: (value: boolean | number | bigint | string, from: number, to: number) => void,
): void {
  const view = heapView(row.heap)
  const count = arrayLength(view, row.from, row.to)
  const size = arrayElementBytes(type)
  let at = row.from + 4
  for (let i = 0; i < count; i++) {
    if (size === 0) {
      const end = at + 4 + view.getUint32(at, true)
      visit(readUtf8(row.heap, at + 4, end), at, end)
      at = end
    } else {
      visit(readElement(view, at, type, 'auto'), at, at + size)
      at += size
    }
  }
}
