/**
 * Bad input over both protocols: 20,000 seeded cases against a server in a process of its own. The process survives,
 * every request has an answer that the protocol documents, no case reaches an error of ours (each would be a warning),
 * and memory comes back.
 *
 * `SEED=…` chooses another run, `RUNS=…` its length; a failure names its case, and `CASE=…` runs that one alone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { type Rng, rng, runsOf, seedOf } from '../support/rng.js'
import { grpcCase } from './fuzz/grpc-cases.js'
import { judgeGrpc, judgeRest, judgeSocket, Tally } from './fuzz/judge.js'
import { restCase } from './fuzz/rest-cases.js'
import { type Lines, openLines } from './fuzz/send.js'
import { socketCase } from './fuzz/socket-cases.js'
import type { Said } from './fuzz/victim.js'
import { DIM, paramsOf, SCHEMA } from './fuzz/vocabulary.js'

const SEED = seedOf(20_261)
const CASES = runsOf(20_000)
const ONLY = process.env['CASE']
const IN_FLIGHT = 48
const ROUND = 1_000
const VICTIM = join(import.meta.dirname, 'fuzz', 'victim.js')
const MIB = 2 ** 20

type Memory = Extract<Said, { kind: 'memory' }>

/** The process under attack. */
class Victim {
  readonly #child: ChildProcess
  readonly warnings: string[] = []
  port = 0
  /** How it ended; empty while it runs. */
  end = ''
  #told: ((said: Said) => void) | null = null

  constructor(directory: string) {
    // A bounded heap: memory that is never given back, or asked for on a liar's word, ends the process.
    const flags = ['--expose-gc', '--max-old-space-size=400', VICTIM, directory]
    this.#child = spawn(process.execPath, flags, {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    let stderr = ''
    this.#child.stderr?.on('data', chunk => {
      stderr = (stderr + String(chunk)).slice(-4_000)
    })
    this.#child.on('exit', (code, signal) => {
      this.end = `exit ${code ?? signal}: ${stderr}`
    })
    this.#child.on('message', message => {
      const said = message as Said
      if (said.kind === 'warning') this.warnings.push(said.line)
      else this.#told?.(said)
    })
  }

  #next(): Promise<Said> {
    return new Promise((resolve, reject) => {
      this.#told = resolve
      this.#child.once('exit', () => reject(new Error(this.end)))
    })
  }

  async listening(): Promise<void> {
    const said = await this.#next()
    if (said.kind === 'port') this.port = said.port
  }

  async memory(): Promise<Memory> {
    this.#child.send('memory')
    return (await this.#next()) as Memory
  }

  async stop(): Promise<void> {
    if (this.end !== '') return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.disconnect()
    await ended
  }
}

type Post = (path: string, body?: object) => Promise<{ code: number; data: never; message?: string }>

const poster =
  (port: number): Post =>
  async (path, body = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/v2/vectordb/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    return (await response.json()) as Awaited<ReturnType<Post>>
  }

/** Rows of `books` that are right. */
function goodRows(random: Rng, from: number, count: number): object[] {
  return Array.from({ length: count }, (_, i) => ({
    id: from + i,
    vector: random.vector(DIM),
    bits: [random.int(256)],
    half: random.vector(DIM),
    terms: { 1: 0.5, 9: 1 },
    tiny: Array.from({ length: DIM }, () => random.int(256) - 128),
    title: random.letters(5),
    pages: i,
    price: i / 2,
    sold: i % 2 === 0,
    doc: { a: i },
    tags: ['x'],
  }))
}

/** The fields of a collection; `more` goes to all but the key. */
function fieldsOf(more: object): object[] {
  return SCHEMA.map(({ name, type, rest }) => ({
    fieldName: name,
    dataType: rest,
    ...(name === 'id' ? { isPrimary: true } : more),
    ...(type === 22 ? { elementDataType: 'VarChar' } : {}),
    elementTypeParams: paramsOf(type),
  }))
}

/** Removes what cases made, and makes `books` with 20 rows, its alias and a partition, and `shelf`, where no field is required. */
async function fresh(post: Post, random: Rng): Promise<void> {
  const must = async (path: string, body: object = {}): Promise<never> => {
    const answer = await post(path, body)
    if (answer.code !== 0) throw new Error(`${path}: ${answer.code} ${answer.message}`)
    return answer.data
  }
  for (const dbName of (await must('databases/list')) as string[]) {
    for (const collectionName of (await must('collections/list', { dbName })) as string[]) {
      for (const aliasName of (await must('aliases/list', { dbName, collectionName })) as string[])
        await must('aliases/drop', { dbName, aliasName })
      await must('collections/drop', { dbName, collectionName })
    }
    if (dbName !== 'default') await must('databases/drop', { dbName })
  }
  for (const userName of (await must('users/list')) as string[])
    if (userName !== 'root') await must('users/drop', { userName })
  const indexParams = SCHEMA.filter(({ type }) => type >= 100).map(({ name, type }) => ({
    fieldName: name,
    indexName: name,
    metricType: type === 100 ? 'HAMMING' : type === 104 ? 'IP' : 'L2',
  }))
  const schema = { fields: fieldsOf({}), enableDynamicField: true }
  await must('collections/create', { collectionName: 'books', schema, indexParams })
  const bare = { fields: fieldsOf({ nullable: true }), autoID: true }
  await must('collections/create', { collectionName: 'shelf', schema: bare, indexParams })
  await must('aliases/create', { collectionName: 'books', aliasName: 'second' })
  await must('partitions/create', { collectionName: 'books', partitionName: 'p1' })
  await must('entities/insert', { collectionName: 'books', data: goodRows(random, 1, 20) })
}

/** Bare connections whose end is still awaited: the server needs a ping to find those it cannot talk on. */
const open = new Set<Promise<void>>()

/** Runs case `i` and says what is wrong with its answer, or tells it later when a connection has still to end. */
async function runCase(
  lines: Lines,
  tally: Tally,
  i: number,
  later: (complaint: string) => void,
): Promise<string | null> {
  const random = rng(Math.imul(SEED, 1_000_003) + i)
  const door = random.next()
  const told = (what: string, body: Buffer): string =>
    `CASE=${i} ${what} ${body.length} bytes ${body.toString('hex', 0, 60)}`
  if (door < 0.55) {
    const one = grpcCase(random)
    const answer = await lines.grpc(one)
    const complaint = answer === 'silence' ? answer : judgeGrpc(one, answer, tally)
    return complaint === null ? null : `${told(one.path, one.body)}: ${complaint}`
  }
  if (door < 0.92) {
    const one = restCase(random)
    const answer = await lines.rest(one)
    const complaint = answer === 'silence' ? answer : judgeRest(one, answer, tally)
    return complaint === null ? null : `${told(one.path, one.body)}: ${complaint}`
  }
  const one = socketCase(random)
  const ended = lines.socket(one).then(answer => {
    const complaint = answer === 'silence' ? answer : judgeSocket(one, answer)
    if (complaint !== null) later(`${told('bytes', one.bytes)}: ${complaint}`)
  })
  if (one.statuses !== null) await ended
  else {
    open.add(ended)
    void ended.finally(() => open.delete(ended))
  }
  return null
}

/** Runs cases [from, to), many at once; stops when the victim is gone. */
async function runCases(
  victim: Victim,
  from: number,
  to: number,
  tally: Tally,
  complaints: string[],
): Promise<void> {
  const lines = openLines(victim.port)
  let next = from
  const lane = async (): Promise<void> => {
    while (next < to && victim.end === '') {
      const i = next++
      running.add(i)
      const complaint = await runCase(lines, tally, i, complaint => complaints.push(complaint))
      if (complaint !== null) complaints.push(complaint)
      if (victim.end === '') running.delete(i)
    }
  }
  const running = new Set<number>()
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  if (victim.end !== '')
    complaints.unshift(`while it ended these cases were running: ${[...running].join(' ')}`)
  lines.close()
}

t.setTimeout(280_000)

t.test(`${CASES} bad requests, SEED=${SEED}`, async t => {
  const victim = new Victim(t.testdir())
  t.teardown(() => victim.stop())
  await victim.listening()
  const post = poster(victim.port)
  const random = rng(SEED)
  const complaints: string[] = []
  const tally = new Tally()
  let warm: Memory | null = null
  if (ONLY !== undefined) {
    await fresh(post, random)
    await runCases(victim, Number(ONLY), Number(ONLY) + 1, tally, complaints)
  }
  for (let from = 0; from < CASES && ONLY === undefined && victim.end === ''; from += ROUND) {
    await fresh(post, random)
    await runCases(victim, from, Math.min(CASES, from + ROUND), tally, complaints)
    if (from === 3 * ROUND && victim.end === '') {
      await fresh(post, random)
      warm = await victim.memory()
    }
  }
  await Promise.all(open)
  t.equal(victim.end, '', 'the process survives')
  t.strictSame(complaints.slice(0, 20), [], 'every answer is a documented status')
  const slips = [...new Set(victim.warnings.map(line => line.split('\n').slice(0, 4).join(' | ')))]
  t.strictSame(slips.slice(0, 20), [], 'no request reaches an error of ours')
  if (victim.end !== '') return

  await fresh(post, random)
  const data = goodRows(random, 100, 10)
  t.match(await post('entities/insert', { collectionName: 'books', data }), {
    code: 0,
    data: { insertCount: 10 },
  })
  t.strictSame((await post('entities/query', { collectionName: 'books', outputFields: ['count(*)'] })).data, [
    { 'count(*)': 30 },
  ])
  t.equal(await (await fetch(`http://127.0.0.1:${victim.port}/healthz`)).text(), 'OK')
  const figures = await (await fetch(`http://127.0.0.1:${victim.port}/metrics`)).text()
  const connections = Number(/^kestrel_connections (\d+)/m.exec(figures)?.[1])
  t.ok(connections < 10, `${connections} connections: none is left behind`)
  t.comment([...tally.counts].map(([kind, count]) => `${kind} ${count}`).join(', '))
  if (warm === null) return
  for (const kind of ['grpc done', 'grpc failed', 'grpc refused', 'rest done', 'rest failed'])
    t.ok(tally.of(kind) > CASES / 50, `${kind}: ${tally.of(kind)}`)
  const last = await victim.memory()
  t.comment(
    `live ${mib(warm.live)} → ${mib(last.live)}, rss ${mib(warm.rss)} → ${mib(last.rss)}, peak ${mib(last.peakRss)}`,
  )
  t.ok(last.live - warm.live < 24 * MIB, `live memory went from ${mib(warm.live)} to ${mib(last.live)}`)
  t.ok(last.rss - warm.rss < 250 * MIB, `resident memory went from ${mib(warm.rss)} to ${mib(last.rss)}`)
})

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
