/** The table of seen keys against a Set: numbers whose hashes collide, both signs, bigints, texts, and all of them mixed. */
import t from 'tap'
import { SeenKeys } from '../../../lib/query/seen-keys.js'
import type { PkKey } from '../../../lib/segment/segment.js'
import { rng, seedOf } from '../../support/rng.js'

const seed = seedOf(17)

const kinds: Record<string, (random: ReturnType<typeof rng>) => PkKey> = {
  'small numbers': random => random.int(300) - 150,
  'numbers that differ in their high half only': random => (random.int(300) - 150) * 2 ** 32 + 7,
  'steps of a power of two': random => random.int(300) * 65_536,
  'the ends of the safe integers': random =>
    (random.chance() ? 1 : -1) * (Number.MAX_SAFE_INTEGER - random.int(200)),
  bigints: random => 2n ** 60n + BigInt(random.int(300)),
  texts: random => random.letters(1 + random.int(2)),
  mixed: random =>
    random.pick([random.int(50), 2n ** 60n + BigInt(random.int(50)), random.letters(1), -random.int(50) - 1]),
}

for (const [what, make] of Object.entries(kinds)) {
  t.test(`${what}: a key is new once (SEED=${seed})`, async t => {
    const random = rng(seed)
    for (const most of [1, 2, 33, 1_000]) {
      const seen = new SeenKeys(most)
      const expected = new Set<PkKey>()
      const list: PkKey[] = []
      for (let i = 0; i < 3 * most && list.length < most; i++) {
        const key = make(random)
        const isNew = !expected.has(key)
        expected.add(key)
        if (seen.add(key, list, list.length) !== isNew) {
          t.fail(`${String(key)} of ${most}`)
          return
        }
        if (isNew) list.push(key)
      }
      t.same(new Set(list), expected)
    }
  })
}

t.test('more keys than were said are our own mistake, not an endless search', async t => {
  const seen = new SeenKeys(1)
  t.ok(seen.add(1, [], 0))
  t.throws(() => seen.add(2, [1], 1), /the list is no longer than was said/)
})
