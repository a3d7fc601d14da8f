/**
 * A scan with codes gives the hits of a scan without: same rows, same scores, bit for bit, whatever the numbers.
 */
import t from 'tap'
import { TopK } from '../../../lib/base/top-k.js'
import { scanAll, scanRows } from '../../../lib/index/flat-index.js'
import { prepareQuery } from '../../../lib/index/query-vector.js'
import { VectorCodes, worthCoding } from '../../../lib/index/vector-codes.js'
import type { FixedColumn } from '../../../lib/schema/column.js'
import { DataType } from '../../../lib/schema/data-type.js'
import { type Rng, rng } from '../../support/rng.js'
import { fakeClock } from '../../support/rounds.js'
import { fieldOf } from './fixtures-vectors.js'

const seed = Number(process.env['SEED'] ?? 29)
const METRICS = ['L2', 'IP', 'COSINE'] as const
const ROWS = 700

type Kind = 'plain' | 'hard' | 'close' | 'huge' | 'tiny' | 'faint'
const HARD = [0, -0, 1e38, -3e38, 1e-40, 1.5e-45, 1, -1, Math.fround(1 / 3)]

/** Numbers of one kind; `close` ones differ by less than codes can tell, products of `faint` ones round to nothing. */
function element(random: Rng, kind: Kind, j: number): number {
  if (kind === 'hard') return random.chance(0.3) ? random.pick(HARD) : random.gauss()
  if (kind === 'close') return Math.sin(j) + random.gauss() * 1e-4
  if (kind === 'huge') return random.gauss() * 1e18
  if (kind === 'tiny') return random.gauss() * 1e-39
  if (kind === 'faint') return random.gauss() * 1e-30
  return random.gauss()
}

function columnOf(values: Float32Array, dim: number): FixedColumn {
  return { layout: 'fixed', kind: 'f32', width: dim, values, validity: null } as FixedColumn
}

t.test(`same hits with codes and without, every metric and kind of number (SEED=${seed})`, async t => {
  const random = rng(seed)
  let sifted = 0
  for (const dim of [16, 17, 31, 32, 100, 333]) {
    for (const kind of ['plain', 'hard', 'close', 'huge', 'tiny', 'faint'] as const) {
      const values = Float32Array.from({ length: ROWS * dim }, (_, i) => element(random, kind, i % dim))
      // Equal rows, a zero vector, one that is no number, one that is infinite.
      values.copyWithin(50 * dim, 40 * dim, 45 * dim)
      values.fill(0, 7 * dim, 8 * dim)
      if (kind === 'hard') values.fill(Number.NaN, 8 * dim, 9 * dim)
      if (kind === 'hard') values.fill(Number.POSITIVE_INFINITY, 9 * dim, 10 * dim)
      const column = columnOf(values, dim)
      const codes = await VectorCodes.build(values, ROWS, dim)
      if (codes === null) throw new Error('codes can be made here')
      const scattered = Int32Array.from({ length: ROWS }, (_, i) => (i * 37) % ROWS)
      for (const metric of METRICS) {
        for (const k of [1, 10, 300]) {
          const given = Float32Array.from({ length: dim }, (_, j) => {
            const value = element(random, kind, j)
            return Number.isFinite(value) ? value : 1
          })
          const query = prepareQuery(fieldOf(DataType.FloatVector, dim), metric, given)
          const bounds: [number, number][] = [[Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]]
          const first = new TopK(k)
          scanAll(query, column, null, 0, ROWS, first)
          const { scores } = first.drain()
          bounds.push([scores[Math.floor(scores.length / 3)]!, scores.at(-1)!])
          for (const [low, high] of bounds) {
            const [plain, coded, listed] = [0, 1, 2].map(() => new TopK(k, low, high))
            scanAll(query, column, null, 0, ROWS, plain!)
            scanAll(query, column, null, 0, ROWS, coded!, codes)
            scanRows(query, column, scattered, 0, ROWS, listed!, codes)
            const expected = plain!.drain()
            const name = `dim ${dim}, ${kind}, ${metric}, k ${k}, from ${low}`
            t.strictSame(coded!.drain(), expected, name)
            t.strictSame(listed!.drain(), expected, `${name}, scattered`)
          }
          if (kind === 'plain' && k === 1 && codes.begin(query as Parameters<VectorCodes['begin']>[0])) {
            const rows = Int32Array.from({ length: 500 }, (_, i) => i)
            sifted += 500 - codes.sift(rows, 0, 500, scores[0]!, rows.slice())
          }
        }
      }
    }
  }
  t.ok(sifted > 6 * 3 * 400, `${sifted} of ${6 * 3 * 500} rows need not be scored for the best one`)
})

t.test('the row at the threshold is not left out, and hardly any behind it stays', async t => {
  const random = rng(seed + 1)
  const dim = 64
  const rows = 500
  const values = Float32Array.from({ length: rows * dim }, () => random.gauss())
  const codes = await VectorCodes.build(values, rows, dim)
  if (codes === null) throw new Error('codes can be made here')
  for (const metric of METRICS) {
    const query = prepareQuery(fieldOf(DataType.FloatVector, dim), metric, values.slice(0, dim))
    if (query.kind !== 'dense') throw new Error('a dense query')
    const all = new TopK(rows)
    scanAll(query, columnOf(values, dim), null, 0, rows, all)
    const ranked = all.drain()
    t.ok(codes.begin(query))
    const every = Int32Array.from({ length: rows }, (_, i) => i)
    const kept = new Int32Array(rows)
    for (const place of [0, 1, 10, 100, 499]) {
      const count = codes.sift(every, 0, rows, ranked.scores[place]!, kept)
      const stay = new Set(kept.subarray(0, count))
      const better = ranked.rows.subarray(0, place + 1)
      t.ok(
        better.every(row => stay.has(row)),
        `${metric}: the best ${place + 1} stay`,
      )
      t.ok(count <= place + 1 + 40, `${metric}: ${count} stay for the best ${place + 1}`)
    }
  }
})

t.test('what is small has no codes, and building stops when nobody wants them', async t => {
  t.notOk(worthCoding(4095, 100))
  t.notOk(worthCoding(100_000, 8))
  t.ok(worthCoding(4096, 16))
  let asked = 0
  const codes = await VectorCodes.build(new Float32Array(60_000 * 16), 60_000, 16, () => asked++ === 0)
  t.equal(codes, null)
  t.equal(asked, 2, 'it is made in slices, and asks before each')
})

t.test('codes of several columns are made one after the other', async t => {
  fakeClock(t).leapMs = 10
  let now = 0
  const asked: number[] = []
  const wanted = (column: number) => (): boolean => {
    asked.push(column)
    return true
  }
  const made = [0, 1, 2].map(async column => {
    const codes = await VectorCodes.build(new Float32Array(60_000 * 16), 60_000, 16, wanted(column))
    t.not(codes, null)
    t.equal(column, now++)
  })
  await Promise.all(made)
  t.ok(asked.length > 6, 'each in slices')
  t.strictSame(asked, asked.toSorted(), 'none between the slices of another')
})

t.test('a column whose codes cannot be made does not keep others from theirs', async t => {
  const broken = VectorCodes.build(new Float32Array(16), 1, 16, () => {
    throw new Error('nobody knows')
  })
  const sound = VectorCodes.build(new Float32Array(16), 1, 16)
  await t.rejects(broken, { message: 'nobody knows' })
  t.not(await sound, null)
})
