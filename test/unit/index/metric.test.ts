import t from 'tap'
import type { MetricType } from '../../../lib/index/index-spec.js'
import {
  defaultMetric,
  isDistance,
  rangeBounds,
  roundScore,
  signedScore,
  userScore,
  withinRange,
} from '../../../lib/index/metric.js'
import { DataType } from '../../../lib/schema/data-type.js'

t.test('distances are better small, similarities large', async t => {
  const distances: MetricType[] = ['L2', 'HAMMING', 'JACCARD', 'SUBSTRUCTURE', 'SUPERSTRUCTURE']
  const similarities: MetricType[] = ['IP', 'COSINE', 'BM25', 'MHJACCARD']
  for (const metric of distances) t.equal(isDistance(metric), true, metric)
  for (const metric of similarities) t.equal(isDistance(metric), false, metric)
})

t.test('each vector type has its default metric', async t => {
  for (const type of [
    DataType.FloatVector,
    DataType.Float16Vector,
    DataType.BFloat16Vector,
    DataType.Int8Vector,
  ]) {
    t.equal(defaultMetric(type), 'COSINE')
  }
  t.equal(defaultMetric(DataType.SparseFloatVector), 'IP')
  t.equal(defaultMetric(DataType.BinaryVector), 'HAMMING')
  t.throws(() => defaultMetric(DataType.Int64), /invariant broken/)
})

t.test('signed scores turn similarities round and never make a minus zero', async t => {
  t.equal(signedScore('L2', 3), 3)
  t.equal(signedScore('IP', 3), -3)
  t.equal(userScore('IP', signedScore('IP', 0.25)), 0.25)
  t.ok(Object.is(userScore('COSINE', signedScore('COSINE', 0)), 0))
  t.ok(Object.is(userScore('COSINE', -0), 0))
})

t.test('rounding is floor of the score plus one half', async t => {
  t.equal(roundScore(0.123456789, -1), 0.123456789)
  t.equal(roundScore(0.125, 2), 0.13)
  t.equal(roundScore(-0.125, 2), -0.12)
  t.equal(roundScore(1.5, 0), 2)
  t.equal(roundScore(0.1234565, 6), 0.123457)
})

t.test('a range keeps its near bound and drops its far one', async t => {
  // metric, radius, range_filter, scores inside, scores outside
  const cases: [MetricType, number | undefined, number | undefined, number[], number[]][] = [
    ['L2', 2, 1, [1, 1.5, 1.999], [0.999, 2, 3]],
    ['L2', 2, undefined, [0, 1.999], [2]],
    ['HAMMING', 3, 1, [1, 2], [0, 3]],
    ['JACCARD', 0.5, 0, [0, 0.25], [0.5, 1]],
    ['IP', 1, 2, [1.001, 2], [1, 2.001]],
    ['COSINE', -0.5, 0.5, [-0.499, 0, 0.5], [-0.5, 0.501]],
    ['BM25', 0, undefined, [0.001, 99], [0, -1]],
  ]
  for (const [metric, radius, rangeFilter, inside, outside] of cases) {
    for (const score of inside)
      t.ok(withinRange(metric, score, radius, rangeFilter), `${metric} ${score} is inside`)
    for (const score of outside)
      t.notOk(withinRange(metric, score, radius, rangeFilter), `${metric} ${score} is outside`)
  }
  t.same(rangeBounds('L2', undefined, undefined), { low: -Infinity, high: Infinity })
  t.ok(withinRange('L2', Math.fround(0.1), 0.2, 0.1), 'bounds are float32, as scores are')
  t.notOk(withinRange('L2', Math.fround(0.7), 0.7, undefined), 'a score equal to the radius is outside')
  t.notOk(withinRange('COSINE', Math.fround(0.1), 0.1, undefined))
})
