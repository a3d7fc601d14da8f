/**
 * Calls about indexes.
 *
 * An index is `InProgress` while segments wait for their part of it. Searches do not wait: rows without a graph are
 * found by an exact scan, so every search is complete from the first moment on.
 */
import { MilvusError } from '../../base/errors.js'
import type { EngineCollection } from '../../engine/collection.js'
import { createIndex, dropIndex } from '../../engine/collection-ddl.js'
import type { Engine } from '../../engine/engine.js'
import { indexProgress } from '../../engine/index-progress.js'
import { alterIndex } from '../../engine/property-ddl.js'
import { shownParams } from '../../index/declared-words.js'
import type { IndexSpec } from '../../index/index-spec.js'
import type { Calls } from '../calls.js'
import { toPairs, toRecord } from '../key-values.js'
import type { Init } from '../message.js'
import type { IndexDescription } from '../messages/admin.js'
import { IndexState } from '../messages/common.js'
import { collectionOf } from './lookup.js'
import { changeOf } from './schema-changes.js'

type IndexCalls = Pick<
  Calls,
  | 'CreateIndex'
  | 'AlterIndex'
  | 'DescribeIndex'
  | 'GetIndexStatistics'
  | 'GetIndexState'
  | 'GetIndexBuildProgress'
  | 'DropIndex'
>

export function indexCalls(engine: Engine): IndexCalls {
  return {
    CreateIndex: async (request, context) => {
      await createIndex(engine, collectionOf(engine, request, context), {
        fieldName: request.field_name,
        indexName: request.index_name,
        params: toRecord(request.extra_params),
      })
      return {}
    },
    AlterIndex: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      const change = changeOf(request.extra_params, request.delete_keys)
      await alterIndex(engine, collection, request.index_name, change)
      return {}
    },
    DescribeIndex: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      return { index_descriptions: descriptions(collection, request.field_name, request.index_name) }
    },
    GetIndexStatistics: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      return { index_descriptions: descriptions(collection, '', request.index_name) }
    },
    GetIndexState: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      const found = wantedIndexes(collection, request.field_name, request.index_name)
      const progress = found.map(spec => indexProgress(collection, spec))
      const { state, failReason } =
        progress.find(one => one.state === 'Failed') ??
        progress.find(one => one.state === 'InProgress') ??
        progress[0]!
      return { state: STATES[state], fail_reason: failReason }
    },
    GetIndexBuildProgress: async (request, context) => {
      const collection = collectionOf(engine, request, context)
      const found = wantedIndexes(collection, request.field_name, request.index_name)
      const progress = found.map(spec => indexProgress(collection, spec))
      return {
        indexed_rows: Math.min(...progress.map(one => one.indexedRows)),
        total_rows: progress[0]!.totalRows,
      }
    },
    DropIndex: async (request, context) => {
      const { index_name: indexName, field_name: fieldName } = request
      const which = indexName === '' ? { fieldName } : { indexName }
      await dropIndex(engine, collectionOf(engine, request, context), which)
      return {}
    },
  }
}

const STATES = {
  InProgress: IndexState.inProgress,
  Finished: IndexState.finished,
  Failed: IndexState.failed,
} as const

/** Indexes of a field and name, either of which may be empty. @throws MilvusError IndexNotFound when there are none */
function wantedIndexes(
  collection: EngineCollection,
  fieldName: string,
  indexName: string,
): readonly IndexSpec[] {
  const found = collection.indexes.filter(
    spec =>
      (fieldName === '' || spec.fieldName === fieldName) && (indexName === '' || spec.name === indexName),
  )
  if (found.length > 0) return found
  const fields = indexName === '' ? { collection: collection.schema.name } : { indexName }
  throw new MilvusError('IndexNotFound', '', { fields })
}

function descriptions(
  collection: EngineCollection,
  fieldName: string,
  indexName: string,
): Init<typeof IndexDescription>[] {
  return wantedIndexes(collection, fieldName, indexName).map(spec => {
    const { indexedRows, pendingRows, totalRows, state, failReason } = indexProgress(collection, spec)
    return {
      index_name: spec.name,
      indexID: spec.id,
      params: toPairs(shownParams(spec)),
      field_name: spec.fieldName,
      indexed_rows: indexedRows,
      pending_index_rows: pendingRows,
      total_rows: totalRows,
      state: STATES[state],
      index_state_fail_reason: failReason,
    }
  })
}
