/**
 * Searches one segment for one query vector: the best k of the matched rows, with their true scores.
 *
 * Whatever the way, the answer means the same: scores come from the raw vectors in float32, rows that are deleted,
 * filtered out or hold no vector are never hits, and min(k, passing rows) hits are found. A graph only proposes
 * candidates; when too few of them pass, more are drawn, and in the end every passing row is compared (§3.9, §4.6).
 *
 * Scores are signed here: smaller is better for every metric (lib/index/metric.ts).
 */
import type { Turn } from '../base/turn.js'
import type { QueryVector } from '../index/query-vector.js'
import { DataType } from '../schema/data-type.js'
import type { Segment } from '../segment/segment.js'
import { chooseScan } from './choose-scan.js'
import type { MatchedRows } from './match-rows.js'
import { searchExact } from './scan-segment.js'
import { searchGraph } from './search-graph.js'
import { NO_HITS, type SearchTarget, type SegmentHits } from './segment-hits.js'

/** Searches one segment. A promise only when vectors must be read or the work is long. */
export function searchSegment(
  segment: Segment,
  match: MatchedRows,
  query: QueryVector,
  target: SearchTarget,
  turn: Turn,
): SegmentHits | Promise<SegmentHits> {
  if (match.count === 0) return NO_HITS
  const graph = query.kind === 'dense' ? segment.vectorIndex(target.fieldIndex) : null
  // A range that starts below the best rows needs to see past them, which no number of candidates promises.
  const points = graph === null || target.low > Number.NEGATIVE_INFINITY ? 0 : graph.index.size
  const { k, ef } = target
  const converted = query.dataType !== DataType.FloatVector
  const coded = points > 0 && (segment.codes?.(target.fieldIndex, 0) ?? null) !== null
  const sizes = { passing: match.count, points, k, ef, dim: query.dim, converted, coded }
  const choice = chooseScan(sizes)
  if (choice.kind === 'exact' || graph === null) return searchExact(segment, match, query, target, turn)
  // With codes it would be a scan: such searches count like scans towards making them.
  if (!coded && match.count < points && chooseScan({ ...sizes, coded: true }).kind === 'exact')
    segment.codes?.(target.fieldIndex, match.count)
  return searchGraph(segment, match, query, target, graph, sizes, choice, turn)
}
