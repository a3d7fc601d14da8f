import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'

t.test('a turn is due when its slice is used up, and not before', async t => {
  const turn = new Turn(0)
  t.equal(turn.due(), false, 'the first look only starts the clock')
  t.equal(turn.due(), true, 'a slice of 0 ms is used up at once')
  const long = new Turn(60_000)
  t.equal(long.due(), false)
  t.equal(long.due(), false)
})

t.test('next() lets timers and other callbacks run before it goes on', async t => {
  const turn = new Turn(0)
  turn.due()
  const seen: string[] = []
  setImmediate(() => seen.push('immediate'))
  await turn.next()
  seen.push('after')
  t.strictSame(seen, ['immediate', 'after'])
})
