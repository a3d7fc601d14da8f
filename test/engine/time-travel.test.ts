/**
 * Random histories, read back at every moment of them.
 *
 * The model is the plain definition of visibility (upsert-semantics §3.6): a list of row versions with their insert
 * timestamp and partition, and a list of deletes with key, scope and timestamp. Rows are inserted (duplicates too),
 * upserted and deleted in two partitions; between the writes the database is flushed, compacted, released and reopened
 * at random, and then asked about random moments.
 */
import t, { type Test } from 'tap'
import { type Collection, DataType, open, type Row, type WriteSummary } from '../../lib/index.js'
import { type Rng, rng, runsOf, seedOf } from '../support/rng.js'
import { schemaWith } from '../support/states.js'

t.setTimeout(900_000)
const SEED = seedOf(7)
const RUNS = runsOf(3)
const STEPS = 60
const KEYS = 12
const PARTITIONS = ['_default', 'p1'] as const
const SCHEMA = schemaWith([{ name: 'n', dataType: DataType.Int32 }], {
  properties: { 'kestrel.retention.seconds': 100_000 },
})

interface Version {
  readonly row: Row
  readonly partition: string
  readonly at: bigint
}

interface Deletion {
  readonly id: number
  /** null = every partition. */
  readonly partition: string | null
  readonly at: bigint
}

class History {
  readonly versions: Version[] = []
  readonly deletions: Deletion[] = []
  readonly moments: bigint[] = []

  /** Versions visible at a moment, newest first. */
  visible(at: bigint, partitions: readonly string[]): Version[] {
    const alive = this.versions.filter(
      version =>
        version.at <= at &&
        partitions.includes(version.partition) &&
        !this.deletions.some(
          d =>
            d.id === version.row['id'] &&
            (d.partition === null || d.partition === version.partition) &&
            version.at < d.at &&
            d.at <= at,
        ),
    )
    return alive.reverse()
  }

  /** What a query shows: the newest version of each key. */
  newest(at: bigint, partitions: readonly string[]): Row[] {
    return onePerKey(this.visible(at, partitions))
  }

  /** What a search from the origin shows: the best scored version of each key, here the one of the lowest step. */
  nearest(at: bigint, partitions: readonly string[]): Row[] {
    return onePerKey(this.visible(at, partitions).reverse())
  }
}

/** The first version of each key, by ascending key. */
function onePerKey(versions: readonly Version[]): Row[] {
  const first = new Map<number, Row>()
  for (const { row } of versions) {
    const id = row['id'] as number
    if (!first.has(id)) first.set(id, row)
  }
  return [...first.values()].sort((a, b) => (a['id'] as number) - (b['id'] as number))
}

async function write(random: Rng, collection: Collection, history: History, step: number): Promise<void> {
  const ids = random.shuffle(Array.from({ length: KEYS }, (_, i) => i)).slice(0, random.between(1, 5))
  const rows = ids.map(id => ({ id, n: step, vec: [id, step] }))
  const partition = random.pick(PARTITIONS)
  const note = (
    { timestamp: at }: WriteSummary,
    deleted: string | null | undefined,
    inserted: boolean,
  ): void => {
    if (deleted !== undefined) for (const id of ids) history.deletions.push({ id, partition: deleted, at })
    if (inserted) for (const row of rows) history.versions.push({ row, partition, at })
    history.moments.push(at, at - 1n)
  }
  const dice = random.next()
  if (dice < 0.3) note(await collection.insert(rows, { partitionName: partition }), undefined, true)
  else if (dice < 0.65) note(await collection.upsert(rows, { partitionName: partition }), partition, true)
  else if (dice < 0.85) note(await collection.delete({ ids, partitionName: partition }), partition, false)
  else note(await collection.delete({ ids }), null, false)
}

async function look(t: Test, random: Rng, collection: Collection, history: History): Promise<void> {
  const readTimestamp = random.pick(history.moments)
  const partitionNames = random.pick([[...PARTITIONS], ['_default'], ['p1']])
  const scope = { readTimestamp, partitionNames }
  const expected = history.newest(readTimestamp, partitionNames)
  const where = `at ${readTimestamp} in ${partitionNames}`
  t.strictSame(await collection.query({ filter: 'id >= 0', ...scope }), expected, where)
  t.equal(
    await collection.count(scope),
    history.visible(readTimestamp, partitionNames).length,
    `count ${where}`,
  )
  const ids = expected.map(row => row['id'] as number)
  t.strictSame(await collection.get(ids, scope), expected, `get ${where}`)
  const [hits] = await collection.search({ data: [[0, 0]], limit: 50, outputFields: ['n'], ...scope })
  const found = hits!
    .map(hit => [hit.id, hit.entity['n']])
    .sort((a, b) => (a[0] as number) - (b[0] as number))
  t.strictSame(
    found,
    history.nearest(readTimestamp, partitionNames).map(row => [row['id'], row['n']]),
    `search ${where}`,
  )
}

for (let run = 0; run < RUNS; run++) {
  t.test(`a random history reads back at every moment (SEED=${SEED + run})`, async t => {
    const random = rng(SEED + run)
    const directory = t.testdir()
    const options = { flushRowsMax: 64, autoCompaction: random.chance() }
    let db = await open(directory, options)
    const created = await db.createCollection({ ...SCHEMA, name: 'c' })
    await created.createPartition('p1')
    const history = new History()
    for (let step = 0; step < STEPS; step++) {
      const collection = db.collection('c')
      await write(random, collection, history, step)
      const dice = random.next()
      if (dice < 0.15) await collection.flush()
      else if (dice < 0.25) await collection.compact()
      else if (dice < 0.3) await collection.release()
      else if (dice < 0.36) {
        await db.close()
        db = await open(directory, options)
      }
      await db.collection('c').load()
      await look(t, random, db.collection('c'), history)
    }
    for (let i = 0; i < 20; i++) await look(t, random, db.collection('c'), history)
    await db.close()
  })
}
