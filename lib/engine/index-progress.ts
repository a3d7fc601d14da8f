/**
 * How far the building of an index is, as Milvus counts it: rows that the index covers, of the rows there are.
 *
 * Rows without a built index are found by comparing them, so a search through an index in progress is complete; the
 * figures say when it will be as fast as it gets. Growing rows and small segments never get a built index and count as
 * covered, as does everything an exact scan serves by choice.
 */
import type { IndexSpec } from '../index/index-spec.js'
import type { EngineCollection } from './collection.js'
import { missingIndexes } from './index-builds.js'

/** Rows of an index, and whether anything is left to do. */
export interface IndexProgress {
  readonly indexedRows: number
  /** Rows of segments that still wait for their part of the index. */
  readonly pendingRows: number
  /** Live rows of the collection. */
  readonly totalRows: number
  /** 'Failed': it is tried again with the next flush, compaction or load, and when it is declared again. */
  readonly state: 'InProgress' | 'Finished' | 'Failed'
  /** Why it failed; empty otherwise. */
  readonly failReason: string
}

/** Progress of one index. When something is missing and nobody builds it, building starts. */
export function indexProgress(collection: EngineCollection, spec: IndexSpec): IndexProgress {
  let waiting = 0
  for (const missing of missingIndexes(collection.state))
    if (missing.spec.id === spec.id) waiting += missing.segment.rowCount
  const totalRows = collection.stats().rowCount
  // Deleted rows wait as well; more than there are live ones would read as a mistake.
  const pendingRows = Math.min(waiting, totalRows)
  if (waiting > 0) collection.background.continueBuilding()
  const failReason = waiting > 0 ? collection.background.buildErrorOf(spec.id) : undefined
  return {
    indexedRows: totalRows - pendingRows,
    pendingRows,
    totalRows,
    state: failReason !== undefined ? 'Failed' : waiting > 0 ? 'InProgress' : 'Finished',
    failReason: failReason ?? '',
  }
}
