/**
 * Answers that carry rows: MutationResult, QueryResults and SearchResults, from columns straight to bytes.
 *
 * Field rules are the clients' (protocol §2.4–2.7): ids in request order, counts per kind of write, every output column
 * present even without rows, `topks` per query, `output_fields` with the dynamic keys a client asked for.
 */
import type { FieldSchema } from '../schema/collection-schema.js'
import type { Column } from '../schema/column.js'
import { DataType } from '../schema/data-type.js'
import { int64OfWords } from '../schema/int64.js'
import { rowsMax } from './field-data.js'
import { columnBytes, type OutputColumn, writeFieldData, writeHeapRows, writeInt64s } from './field-encode.js'
import { encode, type Init, type Part } from './message.js'
import type { SearchResultData } from './messages/common.js'
import { MutationResult, QueryResults, SearchResults } from './messages/entities.js'
import { int64Words, packedPart } from './packed.js'
import { ProtoReader, type ProtoWriter, WireType } from './protobuf.js'
import { SUCCESS, statusOf, unclassified } from './status.js'

/** Bytes of a message beside its bulk parts, roughly. */
const ENVELOPE_BYTES = 512

/** An IDs message from a primary key column. */
export function idsPart(column: Column, rowCount: number): Part {
  return (writer: ProtoWriter) => {
    const text = column.layout === 'var'
    writer.begin(text ? 2 : 1, columnBytes(column, rowCount))
    if (column.layout === 'var') writeHeapRows(writer, column, rowCount)
    else if (rowCount > 0) {
      writer.begin(1, rowCount * 8)
      writeInt64s(writer, column.values, 0, rowCount)
      writer.end()
    }
    writer.end()
  }
}

/** The keys of an IDs message: Int64 as number when safe, else bigint. @throws MilvusError 1100 */
export function readIds(part: Uint8Array): (number | bigint | string)[] {
  const reader = new ProtoReader(part)
  const out: (number | bigint | string)[] = []
  for (let member = reader.next(); member !== 0; member = reader.next()) {
    if (member > 2) {
      reader.skip()
      continue
    }
    reader.expect(WireType.bytes)
    const list = reader.part()
    for (let field = list.next(); field !== 0; field = list.next()) {
      if (field !== 1) list.skip()
      else if (member === 2) {
        list.expect(WireType.bytes)
        out.push(list.string())
      } else {
        const words = int64Words([packedPart(list, WireType.varint)])
        for (let i = 0; i < words.length; i += 2) out.push(int64OfWords(words[i]!, words[i + 1]!))
      }
    }
  }
  return out
}

/** A finished write. */
export interface WriteAnswer {
  readonly kind: 'insert' | 'upsert' | 'delete'
  /** Rows written, or entities deleted. */
  readonly count: number
  /** Upsert: old rows the request deleted. */
  readonly deletedCount?: number
  /** Primary keys in request order; leave out for deletes (clients read their presence as a list of ids). */
  readonly ids?: Column
  /** Hybrid timestamp of the write. */
  readonly timestamp: bigint
}

/** MutationResult of a write that succeeded. */
export function mutationResult(answer: WriteAnswer): Buffer {
  const { kind, count, ids, timestamp } = answer
  const rows = kind === 'delete' ? 0 : count
  return encode(
    MutationResult,
    {
      status: SUCCESS,
      IDs: ids === undefined ? undefined : idsPart(ids, rows),
      succ_index: upTo(rows),
      insert_cnt: kind === 'delete' ? 0 : count,
      upsert_cnt: kind === 'upsert' ? count : 0,
      delete_cnt: kind === 'delete' ? count : kind === 'upsert' ? (answer.deletedCount ?? count) : 0,
      timestamp,
    },
    ENVELOPE_BYTES + rows * 12,
  )
}

/** MutationResult of a write that failed: every row is listed as failed, no ids; rows that cannot be there are not. */
export function failedMutation(
  error: unknown,
  request: { readonly num_rows: number; readonly fields_data: readonly Uint8Array[] },
): Buffer {
  const rowCount = Math.min(request.num_rows, rowsMax(request.fields_data))
  return encode(MutationResult, { status: statusOf(error), err_index: upTo(rowCount) })
}

function upTo(count: number): number[] {
  const out: number[] = new Array(count)
  for (let i = 0; i < count; i++) out[i] = i
  return out
}

/** Rows found by a query, as columns. */
export interface QueryAnswer {
  readonly collectionName: string
  readonly rowCount: number
  readonly columns: readonly OutputColumn[]
  /** Names as the client knows them, dynamic keys included. */
  readonly outputFields: readonly string[]
  readonly primaryFieldName: string
  /** Timestamp the rows were read at; iterators send it back. */
  readonly sessionTs: bigint
  readonly timeZone?: string
  /** Per row the positions of its matching elements; none without an element filter. */
  readonly elements?: readonly (readonly number[])[]
}

/** QueryResults of a query that succeeded. */
export function queryResults(answer: QueryAnswer): Buffer {
  return encode(
    QueryResults,
    {
      status: SUCCESS,
      fields_data: fieldParts(answer.columns, answer.rowCount, answer.timeZone),
      collection_name: answer.collectionName,
      output_fields: answer.outputFields,
      session_ts: answer.sessionTs,
      primary_field_name: answer.primaryFieldName,
      element_indices: (answer.elements ?? []).map(data => ({ indices: { data } })),
    },
    capacityOf(answer.columns, answer.rowCount),
  )
}

function fieldParts(columns: readonly OutputColumn[], rowCount: number, timeZone?: string): Part[] {
  return columns.map(column => (writer: ProtoWriter) => writeFieldData(writer, column, rowCount, timeZone))
}

function capacityOf(columns: readonly OutputColumn[], rowCount: number): number {
  let bytes = ENVELOPE_BYTES
  for (const { column } of columns) bytes += columnBytes(column, rowCount) + 64
  return bytes
}

/** Hits of a search, flat over its queries. */
export interface SearchAnswer {
  readonly collectionName: string
  /** Hits of each query. */
  readonly topks: readonly number[]
  readonly scores: Float32Array
  /** Primary keys of the hits. */
  readonly ids: Column
  readonly columns: readonly OutputColumn[]
  readonly outputFields: readonly string[]
  readonly primaryFieldName: string
  /** Set when the search was grouped: values of the group fields, one per hit. */
  readonly groupBy?: { readonly columns: readonly OutputColumn[]; readonly plural: boolean }
  /** Set for iterator requests. */
  readonly iterator?: { readonly token: string; readonly lastBound: number }
  /** 0 unless the client asked for the timestamp the rows were read at. */
  readonly sessionTs: bigint
  readonly timeZone?: string
}

/** SearchResults of a search that succeeded. */
export function searchResults(answer: SearchAnswer): Buffer {
  const { topks, scores, groupBy, iterator } = answer
  const hits = scores.length
  let topK = 0
  for (const count of topks) topK = Math.max(topK, count)
  const group = groupBy === undefined ? [] : fieldParts(groupBy.columns, hits, answer.timeZone)
  const results: Init<typeof SearchResultData> = {
    num_queries: topks.length,
    top_k: topK,
    fields_data: fieldParts(answer.columns, hits, answer.timeZone),
    scores: new Uint8Array(scores.buffer, scores.byteOffset, scores.byteLength),
    ids: idsPart(answer.ids, hits),
    topks,
    output_fields: answer.outputFields,
    primary_field_name: answer.primaryFieldName,
    group_by_field_value: groupBy?.plural === false ? group[0] : undefined,
    group_by_field_values: groupBy?.plural === true ? group : undefined,
    search_iterator_v2_results:
      iterator === undefined ? undefined : { token: iterator.token, last_bound: iterator.lastBound },
  }
  const envelope = {
    status: SUCCESS,
    results,
    collection_name: answer.collectionName,
    session_ts: answer.sessionTs,
  }
  return encode(SearchResults, envelope, capacityOf(answer.columns, hits) + hits * 16 + topks.length * 2)
}

/** A column that is no field of the schema: `count(*)` and other aggregates. */
export function computedField(name: string, dataType: DataType): FieldSchema {
  return {
    id: 0,
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
    maxLength: 0,
    maxCapacity: 0,
    elementType: DataType.None,
    params: {},
  }
}

/** SearchResults of a search that failed; `results` is present because a client reads it unguarded. */
export function failedSearch(error: unknown): Buffer {
  return encode(SearchResults, { status: statusOf(error, unclassified('Search', error)), results: {} })
}

/** QueryResults of a query that failed. */
export function failedQuery(error: unknown): Buffer {
  return encode(QueryResults, { status: statusOf(error) })
}
