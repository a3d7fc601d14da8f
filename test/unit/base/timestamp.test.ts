/** Ticks and hybrid timestamps: exact both ways, ordered alike, and never backwards. */
import t from 'tap'
import {
  hybridHigh,
  hybridLow,
  hybridOfTick,
  TICK_EPOCH_MS,
  TimestampOracle,
  tickOfHybrid,
  tickOfWallMs,
  wallMsOfTick,
} from '../../../lib/base/timestamp.js'
import { logKey, logKeyOfTick } from '../../../lib/store/keys.js'
import { rng } from '../../support/rng.js'

t.test('a tick becomes a hybrid timestamp and comes back exactly, also in two words', async t => {
  const random = rng(7)
  let wrong = 0
  for (let i = 0; i < 20_000; i++) {
    const tick = tickOfWallMs(TICK_EPOCH_MS + Math.floor(random.next() * 2.1e12)) + random.int(4096)
    const hybrid = hybridOfTick(tick)
    if (tickOfHybrid(hybrid) !== tick) wrong++
    if ((BigInt(hybridHigh(tick)) << 32n) + BigInt(hybridLow(tick)) !== hybrid) wrong++
    if (Buffer.compare(logKey(3, hybrid), logKeyOfTick(3, tick)) !== 0) wrong++
  }
  t.equal(wrong, 0)
})

t.test('the order of ticks is the order of hybrid timestamps', async t => {
  const ticks = [
    1,
    4095,
    4096,
    4097,
    tickOfWallMs(Date.UTC(2026, 0, 1)),
    tickOfWallMs(Date.UTC(2080, 0, 1)) + 4095,
  ]
  for (let i = 1; i < ticks.length; i++)
    t.ok(hybridOfTick(ticks[i - 1]!) < hybridOfTick(ticks[i]!), `${ticks[i]}`)
})

t.test('a foreign timestamp rounds down to a tick, so ours before it stay before it', async t => {
  const ms = BigInt(Date.UTC(2026, 5, 1))
  const foreign = (ms << 18n) | 200_000n
  const tick = tickOfHybrid(foreign)
  t.equal(wallMsOfTick(tick), Number(ms))
  t.ok(hybridOfTick(tick) <= foreign)
  t.ok(hybridOfTick(tick + 1) > foreign)
  t.equal(tickOfHybrid(1n), 0, 'before 2020')
})

t.test(
  'the oracle moves forward when the clock stands still, jumps back, or starts below the floor',
  async t => {
    let now = Date.UTC(2026, 0, 1)
    const oracle = new TimestampOracle(() => now, tickOfWallMs(now + 5_000))
    let last = oracle.last
    for (let i = 0; i < 10_000; i++) {
      if (i === 3_000) now -= 60_000
      if (i === 6_000) now += 120_000
      const tick = oracle.next()
      if (tick <= last) t.fail(`${tick} after ${last}`)
      last = tick
    }
    t.equal(wallMsOfTick(last), Date.UTC(2026, 0, 1) + 60_000)
    oracle.raise(last + 77)
    t.equal(oracle.next(), last + 78)
  },
)
