/** How many chunks are on their way at once, and that nobody waits for ever. */
import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { fetchValue, roomForColumn } from '../../../lib/segment/chunk-fetch.js'
import type { Store } from '../../../lib/store/store.js'

/** A store that answers when it is told to. */
function slowStore(): { readonly store: Store; readonly asked: ((value: Uint8Array | Error) => void)[] } {
  const asked: ((value: Uint8Array | Error) => void)[] = []
  const get = (): Promise<Uint8Array | undefined> =>
    new Promise((resolve, reject) => {
      asked.push(value => (value instanceof Error ? reject(value) : resolve(value)))
    })
  return { store: { get } as unknown as Store, asked }
}

const rounds = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
}

t.test('four values are on their way at once, whoever asks; each gets its own', async t => {
  const { store, asked } = slowStore()
  const fetched = Array.from({ length: 6 }, (_, i) => fetchValue(store, Uint8Array.of(i)))
  for (let answered = 0; answered < 6; answered++) {
    await rounds()
    t.equal(asked.length, Math.min(6, answered + 4))
    asked[answered]!(Uint8Array.of(answered * 10))
  }
  t.strictSame(
    (await Promise.all(fetched)).map(value => value![0]),
    [0, 10, 20, 30, 40, 50],
  )
})

t.test('a failure is the caller’s, and makes room like an answer', async t => {
  const { store, asked } = slowStore()
  const fetched = Array.from({ length: 6 }, () => fetchValue(store, Uint8Array.of(1)))
  const failed = t.rejects(fetched[0]!, /no such luck/)
  await rounds()
  asked[0]!(new Error('no such luck'))
  await failed
  await rounds()
  t.equal(asked.length, 5)
  for (const answer of asked.slice(1)) answer(Uint8Array.of(2))
  await rounds()
  asked[5]!(Uint8Array.of(2))
  t.strictSame(
    (await Promise.all(fetched.slice(1))).map(value => value![0]),
    [2, 2, 2, 2, 2],
  )
  const again = fetchValue(store, Uint8Array.of(3))
  await rounds()
  asked[6]!(Uint8Array.of(4))
  t.strictSame(await again, Uint8Array.of(4), 'and nobody is left behind')
})

t.test('memory for a column, and the use of a chunk, wait for a round that is not used up', async t => {
  const useUp = (): void => {
    const clock = new Turn()
    while (!clock.due());
  }
  const order: string[] = []
  const inOrder = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    useUp()
    setImmediate(() => order.push('round'))
    await work()
    order.push(what)
  }
  await inOrder('room', () => roomForColumn(false))
  await rounds()
  const store = { get: async () => Uint8Array.of(1) } as unknown as Store
  await inOrder('chunk', () => fetchValue(store, Uint8Array.of(1)))
  t.strictSame(order, ['round', 'room', 'round', 'chunk'])
})
