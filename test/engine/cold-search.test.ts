/**
 * The first search after opening: no graph and no vectors are in memory, so the column is scanned chunk by chunk as it
 * comes from the disk and not kept. Its answers are those of any other search.
 */
import t from 'tap'
import { hnswAvailable } from '../../lib/index/hnsw-index.js'
import { type Collection, DataType, MilvusError, open, type SearchHit } from '../../lib/index.js'
import { columnKey } from '../../lib/store/keys.js'
import { storeDirectory } from '../../lib/store/layout.js'
import { openLevelStore } from '../../lib/store/level-store.js'
import { rng } from '../support/rng.js'

/** Large enough for several chunks of 2 MiB, whose borders are not at multiples of 32 rows. */
const ROWS = 3_001
const DIM = 500
const OPTIONS = { indexRowsMin: 64, autoCompaction: false }
const random = rng(5)
const VECTORS = Array.from({ length: ROWS }, () => Float32Array.from(random.vector(DIM)))
const QUERIES = [VECTORS[0]!, VECTORS[1_050]!, VECTORS[ROWS - 1]!, Float32Array.from(random.vector(DIM))]

async function prepared(directory: string): Promise<void> {
  const db = await open(directory, OPTIONS)
  const c = await db.createCollection({
    name: 'c',
    fields: [
      { name: 'id', dataType: DataType.Int64, primaryKey: true },
      { name: 'n', dataType: DataType.Int32 },
      { name: 'vec', dataType: DataType.FloatVector, dim: DIM },
    ],
    indexes: [{ fieldName: 'vec', indexType: 'HNSW', metricType: 'L2', params: { M: 4, efConstruction: 8 } }],
  })
  for (let from = 0; from < ROWS; from += 1_000) {
    const size = Math.min(1_000, ROWS - from)
    await c.insert(
      Array.from({ length: size }, (_, i) => ({ id: from + i, n: (from + i) % 7, vec: VECTORS[from + i]! })),
    )
  }
  await c.compact()
  // Deleted after the segment was written: the scan has to leave them out.
  await c.delete({ filter: 'id % 11 == 3' })
  await db.close()
}

function nearest(query: Float32Array, limit: number, passes: (id: number) => boolean): number[] {
  const scored = VECTORS.flatMap((vector, id) => {
    if (id % 11 === 3 || !passes(id)) return []
    let distance = 0
    for (let i = 0; i < DIM; i++) distance += (vector[i]! - query[i]!) ** 2
    return [{ id, distance }]
  })
  return scored
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map(found => found.id)
}

const idsOf = (hits: readonly (readonly SearchHit[])[]): unknown[] =>
  hits.map(list => list.map(hit => hit.id))

t.test('the first search of a process answers as every other', { skip: !hnswAvailable() }, async t => {
  const directory = t.testdir()
  await prepared(directory)
  const asked: [string, (c: Collection) => Promise<SearchHit[][]>, (id: number) => boolean][] = [
    ['all rows', c => c.search({ data: QUERIES, limit: 12 }), () => true],
    ['half of them', c => c.search({ data: QUERIES, limit: 12, filter: 'n < 4' }), id => id % 7 < 4],
  ]
  for (const [what, search, passes] of asked) {
    const db = await open(directory, OPTIONS)
    const c = db.collection('c')
    const stats = await c.stats()
    t.strictSame([stats.segments.length, stats.segments[0]!.indexed], [1, true])
    const first = await search(c)
    t.strictSame(
      idsOf(first),
      QUERIES.map(query => nearest(query, 12, passes)),
      what,
    )
    const [one] = await c.search({ data: [QUERIES[3]!], limit: 3 })
    t.strictSame(
      one!.map(hit => hit.id),
      nearest(QUERIES[3]!, 3, () => true),
      'and once more, from memory',
    )
    await db.close()
  }
})

t.test('a damaged chunk is noticed on the way', { skip: !hnswAvailable() }, async t => {
  const directory = t.testdir()
  await prepared(directory)
  const db = await open(directory, OPTIONS)
  const { id } = (await db.collection('c').stats()).segments[0]!
  await db.close()
  const store = await openLevelStore(storeDirectory(directory))
  const key = columnKey(id, 102, 1)
  const bytes = Uint8Array.from((await store.get(key))!)
  bytes[100_000]! ^= 1
  await store.write([{ key, value: bytes }], true)
  await store.close()
  const again = await open(directory, OPTIONS)
  t.teardown(() => again.close())
  await t.rejects(again.collection('c').search({ data: [QUERIES[0]!], limit: 3 }), {
    name: MilvusError.name,
    reason: 'Corrupted',
    message: /chunk 1.* does not match its checksum/,
  })
})
