/**
 * The server through Milvus's Node SDK, beside the embedded API doing the same on the same database in the same run.
 *
 * A client costs something whatever it talks to. So there is a third side: an echo service with the same transport and
 * message tables that answers Upsert and Search with the bytes of one real answer and never asks the engine. Embedded,
 * echo and server take turns; what a request costs beyond the two others is what the server adds: columns read, rows
 * written, the answer encoded. Client and servers share one process and one thread, so that every microsecond is in it.
 */
import { join } from 'node:path'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { open } from '../../lib/index.js'
import type { CallContext } from '../../lib/wire/calls.js'
import { engineCalls } from '../../lib/wire/engine-calls/all.js'
import { rowCalls } from '../../lib/wire/engine-calls/row-calls.js'
import { openGrpc } from '../../lib/wire/grpc.js'
import { openPort } from '../../lib/wire/port.js'
import { startServer } from '../../lib/wire/server.js'
import {
  COLLECTION,
  type Collection,
  countRows,
  createWords,
  type Database,
  insertWords,
  newFolder,
  rowsOf,
  vectorOf,
} from '../dataset.js'
import {
  type Comparison,
  concurrently,
  equal,
  inTurns,
  param,
  perSecond,
  type Workload,
  type WorkloadResult,
} from '../harness.js'
import { figure } from '../table.js'
import { loadWords, type Words } from '../words.js'

const CLIENTS = 16
const K = 10

/** A port that something answers on. */
interface Served {
  readonly address: string
  close(): Promise<void>
}

/** The call, but every answer after the first is the first again. */
function canned<Q, A>(
  run: (request: Q, context: CallContext) => Promise<A>,
): (request: Q, context: CallContext) => Promise<A> {
  let first: Promise<A> | null = null
  return (request, context) => {
    first ??= run(request, context)
    return first
  }
}

/** The transport and the message tables of the server, and canned answers to Upsert and Search. */
async function startEcho(db: Database): Promise<Served> {
  const calls = engineCalls(db.engine, rowCalls(db.engine))
  const grpc = await openGrpc({
    calls: { ...calls, Upsert: canned(calls.Upsert), Search: canned(calls.Search) },
    authenticate: null,
    receiveBytesMax: 256 << 20,
    sendBytesMax: 512 << 20,
    warn: console.error,
  })
  const port = await openPort(
    { host: '127.0.0.1', port: 0, connectionsMax: 100, firstBytesMs: 10_000 },
    { http2: grpc.inject, http1: socket => socket.destroy() },
  )
  return {
    address: `127.0.0.1:${port.port}`,
    close: async () => {
      port.stopListening()
      await grpc.stop(1_000)
      await port.drain(0)
    },
  }
}

async function startReal(db: Database): Promise<Served> {
  const server = await startServer(db.engine, { port: 0, graceMs: 1_000 })
  return { address: `127.0.0.1:${server.port}`, close: () => server.close() }
}

async function connect(address: string): Promise<MilvusClient> {
  const client = new MilvusClient({ address, timeout: 60_000 })
  await client.connectPromise
  return client
}

/** Everything a workload talks to. */
interface Sides {
  readonly collection: Collection
  readonly server: readonly MilvusClient[]
  readonly echo: readonly MilvusClient[]
}

/** Runs `work` on a new words collection with its first `rows` rows, served twice. */
async function withSides<T>(words: Words, rows: number, work: (sides: Sides) => Promise<T>): Promise<T> {
  const db = await open(join(newFolder('wire'), 'db'))
  const collection = await createWords(db)
  await insertWords(collection, words, rows, 1_000)
  const served = [await startReal(db), await startEcho(db)] as const
  const clientsOf = ({ address }: Served): Promise<MilvusClient[]> =>
    Promise.all(Array.from({ length: CLIENTS }, () => connect(address)))
  const server = await clientsOf(served[0])
  const echo = await clientsOf(served[1])
  try {
    return await work({ collection, server, echo })
  } finally {
    for (const client of [...server, ...echo]) await client.closeConnection()
    for (const one of served) await one.close()
    await db.close()
  }
}

/** Milliseconds of each side for `count` requests, asked by `inFlight` clients at once. */
async function race(
  sides: Sides,
  count: number,
  inFlight: number,
  embedded: (i: number) => Promise<unknown>,
  wired: (client: MilvusClient, i: number) => Promise<unknown>,
): Promise<Record<'embedded' | 'echo' | 'server', number>> {
  const many =
    (ask: (i: number) => Promise<unknown>) =>
    (from: number, to: number): Promise<void> =>
      concurrently(to - from, inFlight, i => ask(from + i))
  const all = {
    embedded: many(embedded),
    echo: many(i => wired(sides.echo[i % inFlight]!, i)),
    server: many(i => wired(sides.server[i % inFlight]!, i)),
  }
  // The clock starts when the code is compiled and the clients know the schema.
  for (const run of Object.values(all)) await run(0, Math.min(count, 2 * inFlight))
  return inTurns(count, Math.max(inFlight, Math.ceil(count / 10)), all)
}

/** The lines of one race: beside the embedded API, and beside the echo service. */
function lines(
  what: string,
  unit: string,
  count: number,
  perRequest: number,
  ms: Record<'embedded' | 'echo' | 'server', number>,
): Comparison[] {
  const us = (total: number): number => (total * 1_000) / count
  const over = us(ms.server - ms.embedded)
  const adds = us(ms.server - ms.embedded - ms.echo)
  const each = perRequest === 1 ? '' : `, ${figure(over / perRequest)} µs per row`
  const rate = (side: number): number => perSecond(count * perRequest, side)
  const ours = rate(ms.server)
  return [
    {
      what,
      unit,
      ours,
      ceiling: rate(ms.embedded),
      ceilingName: 'the embedded API',
      note: `${figure(over)} µs more per request${each}; client and transport alone ${figure(us(ms.echo))} µs`,
    },
    {
      what: `${what}, beside an echo`,
      unit,
      ours,
      ceiling: rate(ms.echo),
      ceilingName: 'same client, transport and tables, no engine',
      note: `server beyond client and engine: ${figure(adds)} µs per request`,
    },
  ]
}

/** The answer, which must be a success. */
async function done<T extends { readonly status: { readonly error_code: unknown; readonly reason: string } }>(
  work: Promise<T>,
): Promise<T> {
  const answer = await work
  if (answer.status.error_code !== 'Success') throw new Error(answer.status.reason)
  return answer
}

const upsert: Workload = {
  name: 'wire-upsert',
  title: 'durable upserts of 100 rows of 100 dimensions through the Node SDK, one client and 16',
  async run(): Promise<WorkloadResult> {
    const requests = param('WIRE_UPSERTS', 20, 400)
    const batch = 100
    const rows = requests * batch
    const words = await loadWords(rows)
    const batches = Array.from({ length: requests }, (_, i) => rowsOf(words, i * batch, batch))
    return withSides(words, batch, async sides => {
      const embedded = (i: number): Promise<unknown> => sides.collection.upsert(batches[i]!)
      const wired = (client: MilvusClient, i: number): Promise<unknown> => {
        const data = batches[i] as Parameters<typeof client.upsert>[0]['data'] & object[]
        return done(client.upsert({ collection_name: COLLECTION, data }))
      }
      const one = await race(sides, requests, 1, embedded, wired)
      const crowd = await race(sides, requests, CLIENTS, embedded, wired)
      return {
        params: { requests, batch, clients: CLIENTS },
        comparisons: [
          ...lines('one client', 'rows/s', requests, batch, one),
          ...lines(`${CLIENTS} clients`, 'rows/s', requests, batch, crowd),
        ],
        checks: [equal('rows after all upserts', await countRows(sides.collection), rows)],
      }
    })
  },
}

const search: Workload = {
  name: 'wire-search',
  title: 'searches for the top 10 through the Node SDK, one client and 16',
  async run(): Promise<WorkloadResult> {
    const rows = param('WIRE_ROWS', 1_000, 20_000)
    const searches = param('WIRE_SEARCHES', 100, 4_000)
    const words = await loadWords(rows)
    return withSides(words, rows, async sides => {
      await sides.collection.flush()
      const limit = K
      const queries = Array.from({ length: searches }, (_, i) => vectorOf(words, (i * 7) % rows))
      const outputFields = ['id', 'word']
      const embedded = (i: number) =>
        sides.collection.search({ data: [queries[i]!], annsField: 'vector', limit, outputFields })
      const wired = (client: MilvusClient, i: number) =>
        done(
          client.search({
            collection_name: COLLECTION,
            anns_field: 'vector',
            data: queries[i]!,
            limit,
            output_fields: outputFields,
          }),
        )
      const one = await race(sides, searches, 1, embedded, wired)
      const crowd = await race(sides, searches, CLIENTS, embedded, wired)
      const [ours] = await embedded(1)
      const { results } = await wired(sides.server[0]!, 1)
      const same = ours!.filter((hit, i) => String(hit.id) === String(results[i]?.id)).length
      return {
        params: { rows, searches, clients: CLIENTS },
        comparisons: [
          ...lines('one client', 'searches/s', searches, 1, one),
          ...lines(`${CLIENTS} clients`, 'searches/s', searches, 1, crowd),
        ],
        checks: [equal('hits that both ways agree on', same, K)],
      }
    })
  },
}

export const wireWorkloads: readonly Workload[] = [upsert, search]
