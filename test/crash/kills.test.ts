/**
 * A writer is killed again and again, at random moments and at every named point; after each kill the database is
 * opened and compared with the script.
 *
 * Promise: the state is exactly the state after some step K, no earlier than the last acknowledged one and no later
 * than the last one issued. So no acknowledged row is lost, no request is half applied, no deleted row comes back.
 * KILLS=… SEED=… asks for more.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { open } from '../../lib/index.js'
import { GROUP_ROWS, GROUPS, OPTIONS, ScriptState } from '../support/crash-script.js'
import { type Rng, rng } from '../support/rng.js'

t.setTimeout(900_000)
const SEED = Number(process.env['SEED'] ?? 4711)
const KILLS = Number(process.env['KILLS'] ?? 108)
const WRITER = fileURLToPath(new URL('../support/crash-writer.js', import.meta.url))
/** Requests that can be issued but not acknowledged. */
const IN_FLIGHT = 64

const POINTS = [
  'write:before-sync',
  'write:after-sync',
  'flush:before-write',
  'flush:mid-write',
  'flush:before-manifest',
  'flush:after-manifest',
  'compact:mid-write',
  'compact:before-manifest',
  'compact:after-manifest',
  'index:before-write',
  'index:after-graph',
  'index:before-manifest',
] as const

interface Death {
  readonly acknowledged: number
  readonly finished: boolean
  readonly signal: string | null
  /** True when it died by itself, at its point, before the timer struck. */
  readonly atPoint: boolean
  readonly errors: string
}

/** Runs the writer until it dies (at `point`, or killed `afterMs` after it opened) or ends. */
function runWriter(
  directory: string,
  from: number,
  point: { name: string; afterHits: number } | null,
  afterMs: number,
): Promise<Death> {
  // A point is waited for: at the end the writer compacts, so each one is reached. Only a hung writer meets the timer.
  const task = { directory, seed: SEED, from, count: point === null ? 3000 : 600, crashPoint: point }
  // The test runner puts its own hooks into the environment of every child, which they make twice as slow to start.
  const plain = process.platform === 'win32' ? [] : ['env', '-u', 'NODE_OPTIONS']
  const [command, ...args] = [...plain, process.execPath, WRITER, JSON.stringify(task)]
  const child: ChildProcess = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  let timer: NodeJS.Timeout | undefined
  let struck = false
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    if (timer === undefined && out.includes('open\n'))
      timer = setTimeout(() => {
        struck = true
        child.kill('SIGKILL')
      }, afterMs)
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (_code, signal) => {
      clearTimeout(timer)
      const lines = out.split('\n').slice(0, -1)
      const numbers = lines.filter(line => /^\d+$/.test(line)).map(Number)
      resolve({
        acknowledged: numbers.at(-1) ?? from - 1,
        finished: lines.includes('done'),
        signal,
        atPoint: point !== null && signal === 'SIGKILL' && !struck,
        errors,
      })
    })
  })
}

/** The stored groups as the script describes them; a group whose rows disagree is reported as such. */
async function storedGroups(directory: string): Promise<string[]> {
  const db = await open(directory, { ...OPTIONS, autoCompaction: false })
  try {
    const names = await db.listCollections()
    if (names.length === 0) return new Array<string>(GROUPS).fill('null')
    const rows = await db
      .collection('crash')
      .query({ filter: 'id >= 0', outputFields: ['written', 'merged', 'text'], limit: 16_384 })
    const groups: string[][] = Array.from({ length: GROUPS }, () => [])
    for (const row of rows) {
      const { id, written, merged, text } = row as {
        id: number
        written: number
        merged: number
        text: string | null
      }
      const textFits = text === (written === 0 ? null : `written ${written}`)
      groups[Math.floor(id / GROUP_ROWS)]!.push(
        textFits ? `${written}/${merged}` : `torn: ${written}/${merged}/${text}`,
      )
    }
    return groups.map(states => {
      if (states.length === 0) return 'null'
      return states.length === GROUP_ROWS && states.every(s => s === states[0])
        ? states[0]!
        : `torn: ${states.join(' ')}`
    })
  } finally {
    await db.close()
  }
}

function describe(state: ScriptState): string[] {
  return state.groups.map(group => (group === null ? 'null' : `${group.written}/${group.merged}`))
}

/** The step K ≥ acknowledged whose state is the stored one, or −1. */
function matchingStep(model: ScriptState, acknowledged: number, stored: readonly string[]): number {
  while (model.step < acknowledged) model.advance()
  const wanted = stored.join()
  for (let ahead = 0; ahead <= IN_FLIGHT; ahead++) {
    if (describe(model).join() === wanted) return model.step
    model.advance()
  }
  return -1
}

function chooseDeath(
  random: Rng,
  kill: number,
): { point: { name: string; afterHits: number } | null; afterMs: number } {
  const point = kill % 2 === 0 ? POINTS[(kill / 2) % POINTS.length]! : null
  const often = point?.startsWith('write') === true
  return {
    point: point === null ? null : { name: point, afterHits: often ? 1 + random.int(40) : 1 },
    afterMs: point === null ? random.between(5, 250) : 30_000,
  }
}

t.test(
  `acknowledged means present, through ${KILLS} kills (SEED=${SEED})`,
  { timeout: 900_000 },
  async test => {
    const random = rng(SEED)
    const directory = await mkdtemp(join(tmpdir(), 'kestrel-crash-'))
    let step = 0
    const reached = new Map<string, number>()
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const { point, afterMs } = chooseDeath(random, kill)
        const death = await runWriter(directory, step + 1, point, afterMs)
        const label = `kill ${kill} at ${point?.name ?? `${afterMs} ms`}`
        if (death.signal !== 'SIGKILL' && !death.finished) {
          test.fail(`${label}: the writer ended by itself: ${death.errors}`)
          return
        }
        const stored = await storedGroups(directory)
        const model = new ScriptState(SEED)
        const found = matchingStep(model, death.acknowledged, stored)
        if (found < 0) {
          test.same(
            stored,
            describe(replay(death.acknowledged)),
            `${label}: state after step ${death.acknowledged} or a little later`,
          )
          return
        }
        if (death.atPoint && point !== null) reached.set(point.name, (reached.get(point.name) ?? 0) + 1)
        step = found
      }
      test.ok(step > KILLS, `${step} steps written over ${KILLS} kills`)
      // Whether a run of the writer compacts or builds a graph depends on timing; over all runs each kind of point is met.
      for (const kind of ['write', 'flush', 'compact', 'index']) {
        const deaths = POINTS.filter(name => name.startsWith(kind)).map(name => reached.get(name) ?? 0)
        test.ok(
          deaths.some(count => count > 0),
          `died ${deaths.join(' + ')} times at points of kind ${kind}`,
        )
      }
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
)

function replay(step: number): ScriptState {
  const state = new ScriptState(SEED)
  while (state.step < step) state.advance()
  return state
}
