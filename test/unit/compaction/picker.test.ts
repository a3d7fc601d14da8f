/** The picker as a table of cases, and the two promises of its header: full mode ends, background mode rewrites rarely. */
import t from 'tap'
import {
  type Choice,
  COMPACTION_LIMITS,
  type CompactionMode,
  INPUTS_MAX,
  pickCompaction,
  type SegmentStat,
} from '../../../lib/compaction/picker.js'
import { rng, seedOf } from '../../support/rng.js'

const ROW_BYTES = 100
const seed = seedOf(5)

function stat(id: number, rowCount: number, deletedRows = 0, more: Partial<SegmentStat> = {}): SegmentStat {
  return { id, rowCount, deletedRows, byteLength: rowCount * ROW_BYTES, level: 0, busy: false, ...more }
}

interface Case {
  readonly what: string
  readonly segments: readonly SegmentStat[]
  readonly mode?: CompactionMode
  readonly kind: Choice['kind']
  readonly inputs?: readonly number[]
}

const K = 1024
const CASES: readonly Case[] = [
  { what: 'nothing there', segments: [], kind: 'none' },
  { what: 'nothing there, asked for', segments: [], mode: 'full', kind: 'none' },
  { what: 'three flushes', segments: [stat(1, 64 * K), stat(2, 64 * K), stat(3, 64 * K)], kind: 'none' },
  {
    what: 'four flushes',
    segments: [stat(1, 64 * K), stat(2, 64 * K), stat(3, 64 * K), stat(4, 64 * K)],
    kind: 'merge',
    inputs: [1, 2, 3, 4],
  },
  {
    what: 'four flushes, one busy',
    segments: [stat(1, 64 * K), stat(2, 64 * K), stat(3, 64 * K), stat(4, 64 * K, 0, { busy: true })],
    kind: 'none',
  },
  {
    what: 'four flushes beside big ones: the big ones stay',
    segments: [1, 2, 3, 4].map(id => stat(id, 64 * K)).concat([5, 6, 7, 8].map(id => stat(id, 900 * K))),
    kind: 'merge',
    inputs: [1, 2, 3, 4],
  },
  {
    what: 'smaller ones come along',
    segments: [stat(9, 10), stat(1, 64 * K), stat(2, 64 * K), stat(3, 64 * K), stat(4, 64 * K)],
    kind: 'merge',
    inputs: [1, 2, 3, 4, 9],
  },
  {
    what: 'the lowest crowded tier first',
    segments: [1, 2, 3, 4].map(id => stat(id, 64 * K)).concat([5, 6, 7, 8].map(id => stat(id, K))),
    kind: 'merge',
    inputs: [5, 6, 7, 8],
  },
  {
    what: 'quarters are the last tier that is merged',
    segments: [1, 2, 3, 4].map(id => stat(id, 256 * K)),
    kind: 'merge',
    inputs: [1, 2, 3, 4],
  },
  {
    what: 'larger than quarters stay as they are',
    segments: [1, 2, 3, 4].map(id => stat(id, 257 * K)),
    kind: 'none',
  },
  {
    what: 'bytes count like rows',
    segments: [1, 2, 3, 4].map(id => stat(id, 100, 0, { byteLength: 200 << 20 })),
    kind: 'none',
  },
  { what: 'a fifth deleted is not enough', segments: [stat(1, 1000, 200)], kind: 'none' },
  { what: 'more than a fifth deleted', segments: [stat(1, 1000, 201)], kind: 'rewrite', inputs: [1] },
  {
    what: 'the worst first',
    segments: [stat(1, 1000, 300), stat(2, 1000, 700), stat(3, 1000, 500)],
    kind: 'rewrite',
    inputs: [2],
  },
  {
    what: 'a dead segment goes before any merge',
    segments: [stat(1, 64 * K), stat(2, 64 * K), stat(3, 64 * K), stat(4, 64 * K), stat(5, 900 * K, 900 * K)],
    kind: 'rewrite',
    inputs: [5],
  },
  {
    what: 'a merge goes before a purge',
    segments: [1, 2, 3, 4].map(id => stat(id, 64 * K)).concat(stat(5, 900 * K, 400 * K)),
    kind: 'merge',
    inputs: [1, 2, 3, 4],
  },
  {
    what: 'asked for: two of any size that fit',
    segments: [stat(1, 900 * K), stat(2, 10)],
    mode: 'full',
    kind: 'merge',
    inputs: [2, 1],
  },
  {
    what: 'asked for: two that do not fit',
    segments: [stat(1, 900 * K), stat(2, 900 * K)],
    mode: 'full',
    kind: 'none',
  },
  {
    what: 'asked for: live rows are what must fit',
    segments: [stat(1, 900 * K, 500 * K), stat(2, 900 * K, 400 * K)],
    mode: 'full',
    kind: 'merge',
    inputs: [1, 2],
  },
  {
    what: 'asked for: a single deleted row is purged',
    segments: [stat(1, 900 * K, 1), stat(2, 900 * K)],
    mode: 'full',
    kind: 'rewrite',
    inputs: [1],
  },
  { what: 'asked for: one clean segment', segments: [stat(1, 10)], mode: 'full', kind: 'none' },
]

for (const { what, segments, mode, kind, inputs } of CASES) {
  t.test(`${what}: ${kind}`, async t => {
    const choice = pickCompaction(segments, {}, mode)
    t.equal(choice.kind, kind, choice.why)
    t.not(choice.why, '')
    if (choice.kind !== 'none') t.strictSame(choice.inputs, inputs)
  })
}

t.test('limits can be set', async t => {
  const segments = [1, 2, 3, 4].map(id => stat(id, 1000))
  t.equal(pickCompaction(segments, { rowsMax: 3000 }).kind, 'none')
  t.equal(pickCompaction(segments, { rowsMax: 4000 }).kind, 'merge')
  t.equal(pickCompaction(segments, { bytesMax: 3000 * ROW_BYTES }).kind, 'none')
  t.equal(pickCompaction([stat(1, 1000, 100)], { deletedRatioMax: 0.05 }).kind, 'rewrite')
})

/** What a compactor makes of a choice. */
function applied(segments: readonly SegmentStat[], choice: Choice, id: number): SegmentStat[] {
  if (choice.kind === 'none') return [...segments]
  let live = 0
  for (const input of segments)
    if (choice.inputs.includes(input.id)) live += input.rowCount - input.deletedRows
  const rest = segments.filter(segment => !choice.inputs.includes(segment.id))
  return live === 0 ? rest : [...rest, stat(id, live)]
}

t.test(`full mode ends, within the limits, with nothing left to merge or purge (SEED=${seed})`, async t => {
  const random = rng(seed)
  for (let round = 0; round < 200; round++) {
    let segments = Array.from({ length: random.int(100) }, (_, id) => {
      const rowCount = 1 + random.int(2 ** random.between(1, 20))
      return stat(id, rowCount, random.chance(0.3) ? random.int(rowCount + 1) : 0)
    })
    for (let step = 0; ; step++) {
      const choice = pickCompaction(segments, {}, 'full')
      if (choice.kind === 'none') break
      if (choice.inputs.length > INPUTS_MAX) t.fail('too many inputs')
      if (step > 300) return t.fail('does not end')
      segments = applied(segments, choice, 1000 + step)
      if (segments.some(s => s.rowCount > COMPACTION_LIMITS.rowsMax)) t.fail('output beyond the limit')
    }
    const [a, b] = segments.map(s => s.rowCount).sort((x, y) => x - y)
    if (b !== undefined) t.ok(a! + b > COMPACTION_LIMITS.rowsMax, 'no two fit into one')
    if (segments.some(s => s.deletedRows > 0)) t.fail('deleted rows are left')
  }
})

for (const flushRows of [1024, 65_536]) {
  t.test(`a trickle of ${flushRows}-row flushes is rewritten log4 times at most`, async t => {
    let segments: SegmentStat[] = []
    let id = 0
    let flushed = 0
    let written = 0
    let most = 0
    for (let i = 0; i < (4 * COMPACTION_LIMITS.rowsMax) / flushRows; i++) {
      segments.push(stat(id++, flushRows))
      flushed += flushRows
      written += flushRows
      for (;;) {
        const choice = pickCompaction(segments)
        if (choice.kind === 'none') break
        segments = applied(segments, choice, id)
        written += segments.at(-1)!.rowCount
        id++
      }
      most = Math.max(most, segments.length)
    }
    const bound = 1 + Math.log(COMPACTION_LIMITS.rowsMax / flushRows) / Math.log(4)
    t.ok(
      written / flushed <= bound,
      `each row written ${(written / flushed).toFixed(2)} times, at most ${bound}`,
    )
    t.ok(most <= 4 * bound + 16, `never more than ${most} segments`)
  })
}

t.test('without anything droppable, background mode comes to rest', async t => {
  // Deletes that must still be kept are not counted by the caller, so the same segment is not chosen again and again.
  const random = rng(seed)
  let segments = Array.from({ length: 200 }, (_, id) => stat(id, 1 + random.int(100_000)))
  let steps = 0
  for (; steps < 500; steps++) {
    const choice = pickCompaction(segments)
    if (choice.kind === 'none') break
    segments = applied(segments, choice, 1000 + steps)
  }
  t.ok(steps < 100, `${steps} steps`)
})
