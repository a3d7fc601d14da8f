/**
 * Figures about a collection: rows in memory and on disk, live or deleted, segment by segment.
 *
 * The one idea: counting must not cost reading. What a delete does to a segment is known once its keys are in memory;
 * until then the segment tells the deletes it was written with, unless somebody asks for exact figures.
 */
import { TICK_MAX } from '../base/timestamp.js'
import type { CollectionState } from './collection-state.js'

/** Figures about a collection; counts are of rows in memory and on disk, not of readers' views. */
export interface CollectionStats {
  /** Live row versions at the newest visible state. */
  readonly rowCount: number
  readonly growingRows: number
  readonly sealedRows: number
  readonly deletedRows: number
  readonly segments: readonly {
    readonly id: number
    readonly rowCount: number
    readonly deletedRows: number
    readonly byteLength: number
    readonly level: number
    readonly indexed: boolean
    /** How often a filter took rows from a scalar index of this segment since it was loaded. */
    readonly filterIndexUses: number
  }[]
  /** Bytes of sealed segments on disk. */
  readonly byteLength: number
}

/** Figures at once: of segments whose keys are not in memory only the deletes they were written with are known. */
export function figures(state: CollectionState): CollectionStats {
  const segments = state.sealed.map(segment => ({
    id: segment.id,
    rowCount: segment.rowCount,
    deletedRows: segment.deletedRows,
    byteLength: segment.meta.byteLength,
    level: segment.meta.level,
    indexed: segment.meta.indexes.length > 0,
    filterIndexUses: segment.orderUses,
  }))
  const growing = [...state.frozen, state.growing]
  const growingRows = growing.reduce((sum, segment) => sum + segment.rowCount, 0)
  const sealedRows = segments.reduce((sum, segment) => sum + segment.rowCount, 0)
  const deletedRows =
    growing.reduce((sum, segment) => sum + segment.deletes.deletedCount, 0) +
    segments.reduce((sum, segment) => sum + segment.deletedRows, 0)
  return {
    rowCount: growingRows + sealedRows - deletedRows - orphanedRows(state),
    growingRows,
    sealedRows,
    deletedRows,
    segments,
    byteLength: segments.reduce((sum, segment) => sum + segment.byteLength, 0),
  }
}

/**
 * The figures with every delete counted: brings the keys of all segments into memory, as any read does; a collection
 * that is released lets go of them again.
 */
export async function exactFigures(state: CollectionState): Promise<CollectionStats> {
  while (state.gate !== null) await state.gate
  const snapshot = state.snapshot()
  try {
    for (const segment of snapshot.segments) await segment.load([])
    return figures(state)
  } finally {
    snapshot.release()
    unloadReleased(state)
  }
}

/** A released collection keeps nothing of its segments in memory. */
export function unloadReleased({ loaded, sealed }: CollectionState): void {
  if (!loaded) for (const segment of sealed) if (segment.pins === 0) segment.unload()
}

/**
 * Live rows of dropped partitions, which leave with the next compaction. A sealed segment whose keys are not in memory
 * tells only when all its partitions are gone.
 */
function orphanedRows(state: CollectionState): number {
  const { partitions, nextPartitionId } = state.record
  if (partitions.length === nextPartitionId - 1) return 0
  const live = new Set(partitions.map(p => p.id))
  let count = 0
  for (const segment of [...state.frozen, state.growing]) {
    const all = segment.visible(TICK_MAX, null).count
    count += all - segment.visible(TICK_MAX, live).count
  }
  for (const segment of state.sealed) {
    const { partitionIds } = segment.meta
    if (partitionIds.every(id => live.has(id))) continue
    if (!partitionIds.some(id => live.has(id))) count += segment.rowCount - segment.deletedRows
    else if (segment.isResident(state.schema.pkIndex))
      count += segment.visible(TICK_MAX, null).count - segment.visible(TICK_MAX, live).count
  }
  return count
}
