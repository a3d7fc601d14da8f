import t from 'tap'
import { GroupCommit } from '../../../lib/log/group-commit.js'
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

/** A commit that waits until the test lets it go, and notes its groups. */
function gatedCommit(
  limits: { groupBytesMax?: number; queueBytesMax?: number; queueCountMax?: number } = {},
) {
  const groups: number[][] = []
  const gates: { open: () => void; fail: (error: Error) => void }[] = []
  const commit = new GroupCommit<Item>({
    commit: group => {
      groups.push(group.map(item => item.id))
      return new Promise((resolve, reject) => gates.push({ open: resolve, fail: reject }))
    },
    bytesOf: item => item.bytes,
    groupBytesMax: limits.groupBytesMax ?? 1_000,
    queueBytesMax: limits.queueBytesMax ?? 10_000,
    queueCountMax: limits.queueCountMax ?? 1_000,
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
  g.submit(2)
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

t.test('draining an idle queue returns at once', async t => {
  await gatedCommit().commit.drain()
  t.pass()
})

t.test('callers who come back at once share groups again and again', async t => {
  let groups = 0
  const commit = new GroupCommit<Item>({
    commit: async () => {
      groups++
      await turns(3)
    },
    bytesOf: item => item.bytes,
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
    const commit: GroupCommit<Item> = new GroupCommit<Item>({
      ...limits,
      commit: async group => {
        const bytes = group.reduce((sum, item) => sum + item.bytes, 0)
        t.ok(group.length === 1 || bytes <= limits.groupBytesMax, 'group bound')
        t.ok(commit.pendingCount <= limits.queueCountMax, 'count bound')
        t.ok(commit.pendingCount === 1 || commit.pendingBytes <= limits.queueBytesMax, 'byte bound')
        await turns(r.int(3))
        committed.push(...group.map(item => item.id))
      },
      bytesOf: item => item.bytes,
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
