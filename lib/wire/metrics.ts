/**
 * Figures about a running server as Prometheus reads them (text format 0.0.4).
 *
 * Names are Milvus's where Milvus has the figure (`milvus_proxy_…`, milliseconds, buckets 1 to 131072), so that its
 * dashboards work; the engine's own begin with `kestrel_`. Counting is a few additions per call; everything about
 * collections is read when somebody asks. Labels come from methods and existing collections only, so there are never
 * more lines than those.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Engine } from '../engine/engine.js'
import type { CountRows, Observe, RowKind } from './observe.js'

/** Upper bounds in milliseconds: 18 powers of two, as Milvus has them. */
const BOUNDS: readonly number[] = Array.from({ length: 18 }, (_, i) => 2 ** i)
/** There is one node; Milvus's dashboards group by it. */
const NODE = 'node_id="1"'

interface Timed {
  success: number
  fail: number
  sumMs: number
  /** Calls per bucket, not cumulative; one more for those above every bound. */
  readonly buckets: Float64Array
}

type Rows = Record<RowKind, number>

const newTimed = (): Timed => ({
  success: 0,
  fail: 0,
  sumMs: 0,
  buckets: new Float64Array(BOUNDS.length + 1),
})

function add(timed: Timed, ok: boolean, ms: number): void {
  if (ok) timed.success++
  else timed.fail++
  timed.sumMs += ms
  let bucket = 0
  while (bucket < BOUNDS.length && ms > BOUNDS[bucket]!) bucket++
  timed.buckets[bucket]!++
}

/** What only the server knows. */
export interface ServerState {
  readonly version: string
  readonly authentication: boolean
  readonly tls: boolean
  readonly connections: () => number
}

export class ServerMetrics {
  readonly #engine: Engine
  readonly #startedMs = Date.now()
  readonly #calls = new Map<string, Timed>()
  readonly #paths = new Map<string, Timed>()
  /** By collection id; those of dropped collections go when the figures are next read. */
  readonly #rows = new Map<number, Rows>()
  readonly #loop = monitorEventLoopDelay({ resolution: 20 })
  #failedLogins = 0

  constructor(engine: Engine) {
    this.#engine = engine
    this.#loop.enable()
  }

  /** Ends the measuring of the event loop. */
  close(): void {
    this.#loop.disable()
  }

  readonly observe: Observe = (method, _context, ms, error) => {
    add(entry(this.#calls, method, newTimed), error === null, ms)
  }

  readonly countRows: CountRows = (kind, { state }, count) => {
    const rows = entry(this.#rows, state.id, () => ({ insert: 0, upsert: 0, delete: 0, search: 0, query: 0 }))
    rows[kind] += count
  }

  /** @param path of a REST endpoint, below `/v2/vectordb/` */
  observePath(path: string, ok: boolean, ms: number): void {
    add(entry(this.#paths, path, newTimed), ok, ms)
  }

  countFailedLogin(): void {
    this.#failedLogins++
  }

  /** Everything, as text for Prometheus. */
  text(server: ServerState): string {
    const page = new Page()
    this.#callFigures(page)
    this.#collectionFigures(page)
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    page.family('kestrel_build_info', 'gauge', 'Version of the server.')
    page.line('kestrel_build_info', `version="${label(server.version)}"`, 1)
    page.one('kestrel_connections', 'gauge', 'Open connections.', server.connections())
    page.one('kestrel_logins_failed_total', 'counter', 'Refused logins.', this.#failedLogins)
    page.one('process_start_time_seconds', 'gauge', 'Start, in Unix seconds.', this.#startedMs / 1000)
    page.one('process_cpu_seconds_total', 'counter', 'User and system CPU time.', (user + system) / 1e6)
    page.one('process_resident_memory_bytes', 'gauge', 'Resident memory.', rss)
    page.one('nodejs_heap_size_used_bytes', 'gauge', 'Used heap.', heapUsed)
    page.one('nodejs_external_memory_bytes', 'gauge', 'Memory outside the heap.', external + arrayBuffers)
    page.family('nodejs_eventloop_lag_seconds', 'gauge', 'Delay of the event loop since the last reading.')
    for (const percentile of [50, 99]) {
      const seconds = this.#loop.percentile(percentile) / 1e9
      page.line('nodejs_eventloop_lag_seconds', `quantile="${percentile / 100}"`, seconds)
    }
    this.#loop.reset()
    return page.text()
  }

  #callFigures(page: Page): void {
    const count = 'milvus_proxy_req_count'
    page.family(count, 'counter', 'Requests by method and outcome.')
    for (const [name, { success, fail }] of this.#calls) {
      const method = `${NODE},function_name="${name}"`
      page.line(count, `${method},status="total"`, success + fail)
      page.line(count, `${method},status="success"`, success)
      page.line(count, `${method},status="fail"`, fail)
    }
    const latency = 'milvus_proxy_req_latency'
    page.family(latency, 'histogram', 'Milliseconds of requests by method.')
    for (const [name, timed] of this.#calls) page.histogram(latency, `${NODE},function_name="${name}"`, timed)
    const paths = 'milvus_proxy_restful_api_req_count'
    page.family(paths, 'counter', 'REST requests by path.')
    for (const [path, { success, fail }] of this.#paths) {
      page.line(paths, `${NODE},path="${label(path)}"`, success + fail)
    }
    const pathLatency = 'milvus_proxy_restful_api_req_latency'
    page.family(pathLatency, 'histogram', 'Milliseconds of REST requests by path.')
    for (const [path, timed] of this.#paths)
      page.histogram(pathLatency, `${NODE},path="${label(path)}"`, timed)
  }

  #collectionFigures(page: Page): void {
    const collections = [...describeCollections(this.#engine)]
    const ids = new Set(collections.map(one => one.id))
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id)
    const counters: readonly (readonly [string, RowKind, string])[] = [
      ['milvus_proxy_insert_vectors_count', 'insert', 'Rows inserted.'],
      ['milvus_proxy_upsert_vectors_count', 'upsert', 'Rows upserted.'],
      ['milvus_proxy_delete_vectors_count', 'delete', 'Rows deleted.'],
      ['milvus_proxy_search_vectors_count', 'search', 'Query vectors searched for.'],
      ['kestrel_proxy_query_count', 'query', 'Queries and gets answered.'],
    ]
    for (const [name, kind, help] of counters) {
      page.family(name, 'counter', help)
      for (const one of collections) {
        const rows = this.#rows.get(one.id)
        if (rows !== undefined) page.line(name, `${NODE},${one.labels}`, rows[kind])
      }
    }
    const gauges = [
      ['kestrel_collection_rows', 'Live rows.', 'rowCount'],
      ['kestrel_collection_growing_rows', 'Rows not flushed yet.', 'growingRows'],
      ['kestrel_collection_deleted_rows', 'Deleted rows not purged yet.', 'deletedRows'],
      ['kestrel_collection_segments', 'Sealed segments.', 'segments'],
      ['kestrel_collection_bytes', 'Bytes of sealed segments on disk.', 'byteLength'],
      ['kestrel_collection_loaded', '1 when loaded.', 'loaded'],
    ] as const
    for (const [name, help, key] of gauges) {
      page.family(name, 'gauge', help)
      for (const one of collections) page.line(name, one.labels, one[key])
    }
    const { catalog } = this.#engine
    page.one('milvus_rootcoord_database_num', 'gauge', 'Databases.', catalog.databases().length)
    page.family('milvus_rootcoord_collection_num', 'gauge', 'Collections by database.')
    for (const database of catalog.databases()) {
      const number = catalog.collections(database).length
      page.line('milvus_rootcoord_collection_num', `db_name="${label(database.name)}"`, number)
    }
  }

  /** The same in short, for a status page. */
  status(server: ServerState): object {
    let [requests, failed] = [0, 0]
    for (const { success, fail } of this.#calls.values()) {
      requests += success + fail
      failed += fail
    }
    const reasons = unhealthyReasons(this.#engine)
    const { rss, heapUsed } = process.memoryUsage()
    return {
      version: server.version,
      healthy: reasons.length === 0,
      reasons,
      uptimeSeconds: Math.round((Date.now() - this.#startedMs) / 1000),
      authentication: server.authentication,
      tls: server.tls,
      connections: server.connections(),
      requests: { total: requests, failed, failedLogins: this.#failedLogins },
      memory: { residentBytes: rss, heapUsedBytes: heapUsed },
      collections: [...describeCollections(this.#engine)].map(({ labels: _, id: __, loaded, ...one }) => ({
        ...one,
        loaded: loaded === 1,
      })),
    }
  }
}

/** Collections that take no further writes, and why. */
export function unhealthyReasons(engine: Engine): string[] {
  const reasons: string[] = []
  for (const record of engine.catalog.allCollections()) {
    const broken = engine.collectionById(record.id)?.state.broken ?? null
    if (broken !== null) reasons.push(`collection ${record.schema.name}: ${broken.message}`)
  }
  return reasons
}

function* describeCollections(engine: Engine) {
  for (const database of engine.catalog.databases()) {
    for (const record of engine.catalog.collections(database)) {
      const stats = engine.collectionById(record.id)?.stats()
      if (stats === undefined) continue
      const name = record.schema.name
      yield {
        id: record.id,
        labels: `db_name="${label(database.name)}",collection_name="${label(name)}"`,
        database: database.name,
        name,
        rowCount: stats.rowCount,
        growingRows: stats.growingRows,
        deletedRows: stats.deletedRows,
        segments: stats.segments.length,
        byteLength: stats.byteLength,
        loaded: record.load === 'none' ? 0 : 1,
      }
    }
  }
}

function entry<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}

/** A label's value, escaped as the format asks. */
function label(text: string): string {
  return text.replace(/[\\"\n]/g, one => (one === '\n' ? '\\n' : `\\${one}`))
}

/** Lines of the text format. */
class Page {
  readonly #lines: string[] = []

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  }

  line(name: string, labels: string, value: number): void {
    this.#lines.push(labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`)
  }

  one(name: string, type: 'counter' | 'gauge', help: string, value: number): void {
    this.family(name, type, help)
    this.line(name, '', value)
  }

  histogram(name: string, labels: string, { buckets, sumMs }: Timed): void {
    let total = 0
    BOUNDS.forEach((bound, i) => {
      total += buckets[i]!
      this.line(`${name}_bucket`, `${labels},le="${bound}"`, total)
    })
    total += buckets[BOUNDS.length]!
    this.line(`${name}_bucket`, `${labels},le="+Inf"`, total)
    this.line(`${name}_sum`, labels, sumMs)
    this.line(`${name}_count`, labels, total)
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`
  }
}
