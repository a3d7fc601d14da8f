/**
 * The benches cannot rot: every workload runs at smoke size and did what it says. Timings are not judged.
 */
import t from 'tap'
import { removeFolders } from '../bench/dataset.js'
import { checkValue, ratio, render } from '../bench/harness.js'
import { loadWords } from '../bench/words.js'
import { WORKLOADS } from '../bench/workloads/index.js'

delete process.env['BENCH']
t.teardown(removeFolders)

t.test('the word vectors are read as the file has them', async t => {
  const { words, vectors, dim } = await loadWords(1_000)
  t.equal(words.length, 1_000)
  t.strictSame(words.slice(0, 8), ['the', ',', '.', 'of', 'to', 'and', 'in', '"'])
  t.equal(vectors[0], Math.fround(-0.038194))
  t.equal(vectors[dim - 1], Math.fround(0.27062))
  const king = words.indexOf('king')
  t.equal(vectors[king * dim], Math.fround(-0.32307), 'the vector of king')
})

t.test('names of workloads are unique', async t => {
  t.equal(new Set(WORKLOADS.map(({ name }) => name)).size, WORKLOADS.length)
})

for (const workload of WORKLOADS) {
  t.test(`${workload.name} does what it says`, async t => {
    const result = await workload.run()
    t.ok(result.checks.length > 0, 'it checks something')
    for (const { what, actual, expected } of result.checks) t.equal(actual, expected, what)
    for (const line of result.comparisons) {
      t.ok(line.ours > 0, `${line.what} has a figure`)
      t.ok(line.ceiling === null || ratio(line) > 0, `${line.what} has a ceiling`)
    }
    t.match(render(workload, result), `check=${checkValue(result)}`)
  })
}
