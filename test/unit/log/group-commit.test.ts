import t from 'tap'
import { Turn } from '../../../lib/base/turn.js'
import { GroupCommit, type GroupCommitOptions } from '../../../lib/log/group-commit.js'
import { rng, runsOf, seedOf } from '../../support/rng.js'

const seed = seedOf(1)
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await turn()
}

interface Item {
  readonly id: number
  readonly bytes: number
}

/** What a test is not about: items are ready at once, none wants to be alone, nothing is ever full. */
const PLAIN = {
  prepare: (): null => null,
  isAlone: (): boolean => false,
  isFull: (): boolean => false,
  makeRoom: async (): Promise<void> => {},
  bytesOf: (item: Item): number => item.bytes,
}

/** Writes that wait until the test lets them go; notes the groups. */
function gatedCommit(limits: Partial<GroupCommitOptions<Item>> = {}) {
  const groups: number[][] = []
  const gates: { open: () => void; fail: (error: Error) => void }[] = []
  const commit = new GroupCommit<Item>({
    ...PLAIN,
    write: group => {
      groups.push(group.map(item => item.id))
      return new Promise((resolve, reject) => gates.push({ open: resolve, fail: reject }))
    },
    groupBytesMax: 1_000,
    queueBytesMax: 10_000,
    queueCountMax: 1_000,
    ...limits,
  })
  const answered: number[] = []
  const failed: [number, string][] = []
  const submit = (id: number, bytes = 1): void => {
    commit.submit({ id, bytes }).then(
      () => answered.push(id),
      (error: Error) => failed.push([id, error.message]),
    )
  }
  const openNext = async (): Promise<void> => {
    await turns(2)
    gates.shift()?.open()
    await turns(3)
  }
  return { commit, groups, gates, answered, failed, submit, openNext }
}

t.test('callers of one turn share a group, and so do those who come during a commit', async t => {
  const g = gatedCommit()
  for (const id of [1, 2, 3]) g.submit(id)
  await turns(2)
  t.strictSame(g.groups, [[1, 2, 3]])
  for (const id of [4, 5]) g.submit(id)
  await turns(3)
  t.equal(g.groups.length, 1, 'one commit at a time')
  t.equal(g.commit.pendingCount, 5)
  await g.openNext()
  t.strictSame(g.answered, [1, 2, 3], 'answered after the commit, not before')
  t.strictSame(g.groups, [
    [1, 2, 3],
    [4, 5],
  ])
  await g.openNext()
  await g.commit.drain()
  t.strictSame(g.answered, [1, 2, 3, 4, 5])
  t.strictSame([g.commit.pendingCount, g.commit.pendingBytes], [0, 0])
})

t.test('a group ends at its bytes, and one item may be larger than a group', async t => {
  const g = gatedCommit({ groupBytesMax: 100 })
  for (const [id, bytes] of [
    [1, 60],
    [2, 40],
    [3, 1],
    [4, 500],
    [5, 100],
  ] as const)
    g.submit(id, bytes)
  for (let i = 0; i < 4; i++) await g.openNext()
  t.strictSame(g.groups, [[1, 2], [3], [4], [5]])
  await g.commit.drain()
})

t.test('above the bounds submitters wait in line, first come first served', async t => {
  const g = gatedCommit({ queueCountMax: 2, queueBytesMax: 100 })
  for (const id of [1, 2, 3, 4, 5]) g.submit(id, 10)
  t.equal(g.commit.pendingCount, 2)
  t.equal(g.commit.lineCount, 3)
  await g.openNext()
  t.strictSame(g.groups, [
    [1, 2],
    [3, 4],
  ])
  g.submit(6, 95)
  g.submit(7, 1)
  await g.openNext()
  t.strictSame(g.groups.at(-1), [5], '6 does not fit beside 5, and 7 does not overtake it')
  t.equal(g.commit.lineCount, 2)
  await g.openNext()
  t.strictSame(g.groups.at(-1), [6, 7])
  await g.openNext()
  t.strictSame(g.answered, [1, 2, 3, 4, 5, 6, 7])
  g.submit(8, 5_000)
  await g.openNext()
  t.strictSame(g.answered.at(-1), 8, 'an item above the bound is let in alone')
})

t.test('a failed commit is final: its items, those waiting and all later ones fail alike', async t => {
  const g = gatedCommit({ queueCountMax: 3 })
  g.submit(1)
  await turns(2)
  for (const id of [2, 3, 4]) g.submit(id)
  g.gates.shift()!.fail(new Error('sync failed'))
  await g.commit.drain()
  g.submit(5)
  await turns(2)
  t.strictSame(g.answered, [])
  t.strictSame(
    g.failed,
    [1, 2, 3, 4, 5].map(id => [id, 'sync failed']),
  )
  t.equal(g.groups.length, 1, 'and nothing more is tried')
  t.strictSame([g.commit.pendingCount, g.commit.pendingBytes, g.commit.lineCount], [0, 0, 0])
})

t.test('closing lets the running commit end and fails the rest', async t => {
  const g = gatedCommit()
  g.submit(1)
  await turns(2)
  g.submit(2) // not prepared yet: that happens at the end of this turn
  const closed = g.commit.close(new Error('closed'))
  await turns(1)
  t.strictSame(g.failed, [[2, 'closed']])
  await g.openNext()
  await closed
  g.submit(3)
  await turns(2)
  t.strictSame(g.answered, [1])
  t.strictSame(g.failed, [
    [2, 'closed'],
    [3, 'closed'],
  ])
  await g.commit.close(new Error('again'))
})

t.test('items are prepared while a write is under way, and written after it', async t => {
  const prepared: number[] = []
  const g = gatedCommit({
    prepare: item => {
      prepared.push(item.id)
      return null
    },
  })
  g.submit(1)
  await turns(2)
  for (const id of [2, 3]) g.submit(id)
  await turns(2)
  t.strictSame([prepared, g.groups], [[1, 2, 3], [[1]]])
  await g.openNext()
  t.strictSame(g.groups, [[1], [2, 3]])
  await g.openNext()
  await g.commit.drain()
})

t.test('many callers are split into halves, so that one is prepared while the other is written', async t => {
  const g = gatedCommit()
  for (let id = 0; id < 64; id++) g.submit(id)
  await turns(2)
  t.equal(g.groups[0]!.length, 32)
  await g.openNext()
  t.equal(g.groups[1]!.length, 32, 'the other half does not wait for those just answered')
  await g.openNext()
  await g.commit.drain()
  const few = gatedCommit()
  for (let id = 0; id < 24; id++) few.submit(id)
  await turns(2)
  t.equal(few.groups[0]!.length, 24, 'few callers share one sync')
  await few.openNext()
  await few.commit.drain()
})

t.test(
  'an item that wants to be alone sees everything before it written, and nothing after it prepared',
  async t => {
    const events: string[] = []
    const g = gatedCommit({
      isAlone: item => item.id === 3,
      prepare: item => {
        events.push(`prepare ${item.id} after ${g.answered.length} answers`)
        return item.id === 3 ? turns(2) : null
      },
    })
    for (const id of [1, 2, 3, 4]) g.submit(id)
    for (let i = 0; i < 3; i++) await g.openNext()
    await g.commit.drain()
    t.strictSame(events, [
      'prepare 1 after 0 answers',
      'prepare 2 after 0 answers',
      'prepare 3 after 2 answers',
      'prepare 4 after 2 answers',
    ])
    t.strictSame(g.answered, [1, 2, 3, 4])
  },
)

t.test('room is made while nothing is prepared or written', async t => {
  let full = false
  const made: number[] = []
  const g = gatedCommit({
    prepare: item => {
      if (item.id === 2) full = true
      return null
    },
    isFull: () => full,
    makeRoom: async () => {
      full = false
      made.push(g.answered.length)
      await turns(2)
    },
  })
  for (const id of [1, 2, 3]) g.submit(id)
  await g.openNext()
  await turns(3)
  t.strictSame([g.groups, made], [[[1, 2], [3]], [2]])
  await g.openNext()
  await g.commit.drain()
})

t.test('an error while preparing is final for everybody who is not being written', async t => {
  for (const later of [false, true]) {
    const g = gatedCommit({
      prepare: item => {
        if (item.id !== 3) return null
        if (!later) throw new Error('broken')
        return turns(1).then(() => {
          throw new Error('broken')
        })
      },
    })
    g.submit(1)
    await turns(2)
    for (const id of [2, 3, 4]) g.submit(id)
    await turns(4)
    t.strictSame(g.failed.map(([id]) => id).sort(), [2, 3, 4])
    g.gates.shift()!.open()
    await g.commit.drain()
    t.strictSame([g.answered, g.groups], [[1], [[1]]])
    t.strictSame([g.commit.pendingCount, g.commit.pendingBytes], [0, 0])
  }
})

t.test('a write that fails while an item is being prepared takes that one along too', async t => {
  let ready = (): void => {}
  const g = gatedCommit({
    prepare: item => (item.id === 2 ? new Promise<void>(resolve => (ready = resolve)) : null),
  })
  g.submit(1)
  await turns(2)
  g.submit(2)
  await turns(2)
  g.gates.shift()!.fail(new Error('sync failed'))
  await turns(2)
  ready()
  await g.commit.drain()
  t.strictSame(g.failed.sort(), [
    [1, 'sync failed'],
    [2, 'sync failed'],
  ])
  t.equal(g.groups.length, 1)
})

t.test('draining an idle queue returns at once', async t => {
  await gatedCommit().commit.drain()
  t.pass()
})

t.test('callers who come back at once share groups again and again', async t => {
  let groups = 0
  const commit = new GroupCommit<Item>({
    ...PLAIN,
    write: async () => {
      groups++
      await turns(3)
    },
    groupBytesMax: 1_000,
    queueBytesMax: 10_000,
    queueCountMax: 100,
  })
  const callers = Array.from({ length: 20 }, async (_, id) => {
    for (let i = 0; i < 10; i++) await commit.submit({ id, bytes: 1 })
  })
  await Promise.all(callers)
  t.ok(groups <= 20, `${groups} groups for 200 items of 20 callers`)
})

t.test(`order, bounds and answers hold under random load (SEED=${seed})`, async t => {
  const r = rng(seed)
  for (let run = 0; run < runsOf(5); run++) {
    const limits = {
      groupBytesMax: r.between(1, 50),
      queueBytesMax: r.between(1, 100),
      queueCountMax: r.between(1, 10),
    }
    const committed: number[] = []
    const prepared: number[] = []
    const commit: GroupCommit<Item> = new GroupCommit<Item>({
      ...PLAIN,
      ...limits,
      prepare: item => {
        prepared.push(item.id)
        return r.chance(0.2) ? turns(r.int(3)) : null
      },
      isAlone: item => item.id % 50 === 7,
      write: async group => {
        const bytes = group.reduce((sum, item) => sum + item.bytes, 0)
        t.ok(group.length === 1 || bytes <= limits.groupBytesMax, 'group bound')
        t.ok(commit.pendingCount <= limits.queueCountMax, 'count bound')
        t.ok(commit.pendingCount === 1 || commit.pendingBytes <= limits.queueBytesMax, 'byte bound')
        const before = committed.length
        await turns(r.int(3))
        committed.push(...group.map(item => item.id))
        t.ok(
          group.every(item => item.id % 50 !== 7 || prepared.indexOf(item.id) >= before),
          'alone',
        )
      },
    })
    const answered: number[] = []
    for (let id = 0; id < 200; id++) {
      void commit.submit({ id, bytes: r.int(40) }).then(() => answered.push(id))
      if (r.chance(0.3)) await turn()
    }
    await commit.drain()
    const all = Array.from({ length: 200 }, (_, id) => id)
    t.strictSame(committed, all)
    t.strictSame(answered, all)
  }
})

t.test(
  'taking in, making ready and writing a large request are in rounds of the event loop of their own',
  async t => {
    const order: string[] = []
    /** Work that uses up the round; what comes after it in the same round is seen in the order. */
    const work = (what: string): void => {
      order.push(what)
      setImmediate(() => order.push('round'))
      const clock = new Turn()
      while (!clock.due());
    }
    const commit = new GroupCommit<Item>({
      ...PLAIN,
      prepare: item => {
        work(`ready ${item.id}`)
        return null
      },
      write: async group => void order.push(`write ${group.map(item => item.id)}`),
      groupBytesMax: 1_000,
      queueBytesMax: 10_000,
      queueCountMax: 1_000,
    })
    work('taken in')
    await commit.submit({ id: 1, bytes: 1_000_000 })
    t.strictSame(order, ['taken in', 'round', 'ready 1', 'round', 'write 1'])
    await turns(3)
    order.length = 0
    work('taken in')
    await commit.submit({ id: 2, bytes: 10 })
    t.strictSame(order, ['taken in', 'ready 2', 'write 2'], 'a small one is on its way at once')
  },
)
