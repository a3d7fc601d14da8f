/**
 * Hits as a search returns them: rankings of keys and rows turned into objects with output fields.
 *
 * The one idea: a result may have a million hits (many queries, many hits each), so rows are read in batches that span
 * queries, which reads a chunk on disk once for all who need it, and objects are made in slices.
 */
import type { Turn } from '../base/turn.js'
import { int64InForm } from '../schema/int64.js'
import type { Segment } from '../segment/segment.js'
import { type Projection, projectRows } from './project.js'
import type { Ranking } from './reduce.js'
import type { Row, SearchHit } from './request.js'
import { refsOf } from './search-run.js'

/** Rows of results that are read together; those of many queries come in parts. */
const BATCH_ROWS = 16_384
/** Hits made between two looks at the clock. */
const SLICE_HITS = 256

/**
 * Hits as the caller sees them, with their output fields: the rows of all queries are read together, or of many at once.
 * @param score turns a signed score into the one that is returned
 * @param several true when groups have one value per field
 */
export async function hitsOf(
  projection: Projection,
  segments: readonly Segment[],
  rankings: readonly Ranking[],
  score: (signed: number) => number,
  turn: Turn,
  several = false,
): Promise<SearchHit[][]> {
  const out: SearchHit[][] = []
  const building = turn.shorter()
  let sinceLook = 0
  while (out.length < rankings.length) {
    const batch = nextBatch(rankings, out.length)
    const rows = projectRows(projection, refsOf(segments, batch), turn)
    const entities = Array.isArray(rows) ? rows : await rows
    let n = 0
    for (const ranking of batch) {
      const hits: SearchHit[] = new Array(ranking.ids.length)
      out.push(hits)
      for (let from = 0; from < ranking.ids.length; from += SLICE_HITS) {
        const to = Math.min(from + SLICE_HITS, ranking.ids.length)
        sinceLook += to - from
        if (sinceLook > SLICE_HITS) {
          if (building.due()) await building.next()
          sinceLook = 0
        }
        addHits(projection, ranking, from, to, entities, n, score, several, hits)
        n += to - from
      }
    }
  }
  return out
}

/** Rankings from a place on that have BATCH_ROWS together; at least one. */
function nextBatch(rankings: readonly Ranking[], from: number): readonly Ranking[] {
  let rows = 0
  let to = from
  while (to < rankings.length && (to === from || rows + rankings[to]!.ids.length <= BATCH_ROWS))
    rows += rankings[to++]!.ids.length
  return from === 0 && to === rankings.length ? rankings : rankings.slice(from, to)
}

/** Makes the hits of places [from, to) of a ranking; the row of the first one is `entities[first]`. */
function addHits(
  { int64As }: Projection,
  { ids, signed, groupValues }: Ranking,
  from: number,
  to: number,
  entities: readonly Row[],
  first: number,
  score: (signed: number) => number,
  several: boolean,
  hits: SearchHit[],
): void {
  for (let i = from; i < to; i++) {
    const key = ids[i]!
    const id = typeof key === 'string' ? key : int64InForm(key, int64As)
    const hit = { id, score: score(signed[i]!), entity: entities[first + i - from]! }
    if (groupValues === undefined) hits[i] = hit
    else if (several) hits[i] = { ...hit, groupByValues: groupValues[i] as Row }
    else hits[i] = { ...hit, groupByValue: groupValues[i] }
  }
}
