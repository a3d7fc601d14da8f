/**
 * Turns of the event loop: one slice for everybody in a round, first come first served, nobody starves. The clock is
 * set by the tests, so that nothing depends on how fast they run.
 */
import t from 'tap'
import { countFromHere, LoopGuard, Turn } from '../../../lib/base/turn.js'
import { fakeClock, rounds } from '../../support/rounds.js'

t.test('a turn is due when the slice of the round is used up, and not before', async t => {
  const clock = fakeClock(t)
  await rounds(3)
  const turn = new Turn()
  t.equal(turn.due(), false, 'the first look starts the clock')
  clock.ms += 1.5
  t.equal(turn.due(), false)
  clock.ms += 0.5
  t.equal(turn.due(), true, 'after 2 ms')
  t.equal(new Turn(60).due(), false, 'unless more was asked for')
  t.equal(new Turn().due(), true, 'the slice belongs to the round: other work finds it used up, too')
  await rounds(3)
  t.equal(turn.due(), false, 'a later round has a slice of its own')
})

t.test('work that does not look at the clock counts when it says that it begins', async t => {
  const clock = fakeClock(t)
  await rounds(3)
  clock.ms += 5
  t.equal(new Turn().due(), false, 'nobody knows of what was before')
  await rounds(3)
  countFromHere()
  clock.ms += 5
  countFromHere()
  t.equal(new Turn().due(), true)
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

t.test('a round that other work has used up is left to the event loop', async t => {
  const clock = fakeClock(t)
  await rounds(3)
  const turn = new Turn()
  turn.due()
  clock.ms += 5
  let passed = 0
  const count = (): void => {
    passed++
    immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  await turn.next()
  clearImmediate(immediate)
  t.ok(passed >= 2, `${passed} rounds`)
})

t.test('those who wait go on in order, as many in a round as its slice has room for', async t => {
  const clock = fakeClock(t)
  await rounds(3)
  const seen: string[] = []
  const work = async (name: string): Promise<void> => {
    const turn = new Turn()
    for (let step = 1; step <= 2; step++) {
      await turn.next()
      seen.push(`${name}${step}`)
      clock.ms += 1.25
    }
  }
  let done = false
  const mark = (): void => {
    if (seen.at(-1) !== '|') seen.push('|')
    if (!done) setImmediate(mark)
  }
  const all = Promise.all(['a', 'b', 'c'].map(work))
  setImmediate(mark)
  await all
  done = true
  const text = seen.join('').replace(/^\||\|$/g, '')
  t.equal(text, 'a1b1|c1a2|b2c2')
})

t.test('work that keeps coming does not starve those who wait', async t => {
  const clock = fakeClock(t)
  await rounds(3)
  let waited = 0
  let done = false
  const busy = (): void => {
    waited++
    new Turn().due()
    clock.ms += 10
    if (!done && waited < 100) setImmediate(busy)
  }
  busy()
  await new Turn().next()
  done = true
  t.ok(waited < 50, `went on after ${waited} pieces of other work`)
})

t.test('a clock that leaps between two looks does not keep anybody waiting', async t => {
  const clock = fakeClock(t)
  clock.leapMs = 100
  await new Turn().next()
  await Promise.all([new Turn().next(), new Turn().next()])
  t.pass('went on')
})

t.test('many short reads in one round are asked to wait, in the next one they are not', async t => {
  const clock = fakeClock(t)
  await rounds(3)
  const guard = new LoopGuard()
  t.equal(guard.breathe(), undefined)
  clock.ms += 4
  const waiting = guard.breathe()
  t.ok(waiting instanceof Promise)
  await waiting
  await rounds(3)
  t.equal(guard.breathe(), undefined)
})
