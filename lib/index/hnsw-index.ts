/**
 * The graph index, and the one file that knows hnswlib-node.
 *
 * What is peculiar about the dependency (3.0.0, from its source):
 *  - It is optional here: it compiles at install. It is loaded on first use, and its absence is an answer
 *    (`hnswAvailable()` is false), not a failure; searches are then exact.
 *  - Points and queries are plain arrays; typed arrays are refused. One array per builder is reused.
 *  - Space 'cosine' normalises inside; we normalise ourselves and use 'ip', so that norms are computed in float64.
 *    Its ip distance is 1 − a·b, which need not be positive.
 *  - Memory for `capacity` points is taken at once: (2·M + 1)·4 + dim·4 + 8 bytes each. A saved file remembers the
 *    capacity, so it is cut to the points before saving. A file of no points loads with room for none.
 *  - addPoint with a label that exists *updates* that point, slowly and with worse links: labels must be new.
 *  - searchKnn gives at most max(ef, k) candidates cut to k, best first, sometimes fewer; k beyond the capacity throws.
 *    Its filter callback crosses into JavaScript per visited point and is not used here.
 *  - writeIndex reports success without looking at write errors, so the length is checked here. readIndex trusts the
 *    bytes once the length fits, so files are checked against a CRC first (sidecar.ts).
 *  - readIndex and writeIndex run on libuv's pool and hold a bare pointer into the object: it must stay reachable, and
 *    nothing may be added, until they are done.
 */
import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { assert } from '../base/assert.js'
import { MilvusError } from '../base/errors.js'
import type { HnswParams, IndexHits, VectorIndex } from './vector-index.js'

/** What we use of the library's graph. Described here, so that the project builds where the library is not installed. */
interface HierarchicalNSW {
  initIndex(maxElements: number, m: number, efConstruction: number, randomSeed: number): void
  readIndex(path: string): Promise<boolean>
  writeIndex(path: string): Promise<boolean>
  resizeIndex(maxElements: number): void
  addPoint(point: number[], label: number): void
  searchKnn(query: number[], k: number): { distances: number[]; neighbors: number[] }
  setEf(ef: number): void
  getCurrentCount(): number
  getMaxElements(): number
}

type GraphClass = new (space: 'l2' | 'ip', dim: number) => HierarchicalNSW

/** undefined: not tried yet; null: not there, or switched off. */
let graphClass: GraphClass | null | undefined
let loadFailure: unknown

/** Links and levels depend on the insertion order and this seed alone, so builds repeat. */
const LEVEL_SEED = 100
const NO_HITS: IndexHits = { labels: [], distances: [] }

/** True when the library is installed, loads, and is not switched off. */
export function hnswAvailable(): boolean {
  if (graphClass === undefined) {
    try {
      graphClass = (createRequire(import.meta.url)('hnswlib-node') as { HierarchicalNSW: GraphClass })
        .HierarchicalNSW
    } catch (cause) {
      // Not installed, or not compiled for this machine: both mean "exact search only".
      loadFailure = cause
      graphClass = null
    }
  }
  return graphClass !== null
}

/** Why the library could not be loaded; undefined when it is there, switched off or not tried yet. */
export function hnswLoadFailure(): unknown {
  return loadFailure
}

/** Makes `hnswAvailable()` false in this thread from now on. For tests, and for an engine option. */
export function disableHnsw(): void {
  graphClass = null
}

/** Undoes `disableHnsw()`; the library is looked for again on next use. */
export function enableHnsw(): void {
  graphClass = undefined
  loadFailure = undefined
}

/**
 * An empty graph.
 * @param capacity points it has room for; grow() raises it
 * @throws MilvusError ServiceUnavailable when the library is not available
 */
export function buildHnsw(params: HnswParams, capacity: number): HnswBuilder {
  const graph = newGraph(params)
  graph.initIndex(Math.max(1, capacity), params.m, params.efConstruction, LEVEL_SEED)
  return new HnswBuilder(params, graph, 0)
}

/**
 * Reads a saved graph for searching, off the main thread.
 * @param pointCount points the file must hold
 * @throws MilvusError Corrupted when it cannot be read or holds another number of points
 */
export async function loadHnsw(path: string, params: HnswParams, pointCount: number): Promise<HnswIndex> {
  const graph = await readGraph(path, params)
  const found = graph.getCurrentCount()
  if (found !== pointCount) {
    throw new MilvusError('Corrupted', `graph ${path}`, { expected: pointCount, actual: found })
  }
  return new HnswIndex(params, graph)
}

/** Adds points to a graph, one after the other, and saves it. */
export class HnswBuilder {
  readonly params: HnswParams
  readonly #graph: HierarchicalNSW
  readonly #point: number[]
  #size: number
  #busy = false

  /** Use buildHnsw() or HnswBuilder.open(). */
  constructor(params: HnswParams, graph: HierarchicalNSW, size: number) {
    this.params = params
    this.#graph = graph
    this.#size = size
    this.#point = new Array<number>(params.dim).fill(0)
  }

  /**
   * Opens a saved graph to add more points to it: far cheaper than building it again.
   * Check the file first (`readSidecarMap`, `verifyGraph`): the library trusts its bytes.
   * @param maxElements room for that many points in all; fewer than the file holds means no room for more
   * @throws MilvusError Corrupted, ServiceUnavailable
   */
  static async open(path: string, params: HnswParams, maxElements: number): Promise<HnswBuilder> {
    const graph = await readGraph(path, params)
    const size = graph.getCurrentCount()
    if (maxElements > graph.getMaxElements()) graph.resizeIndex(maxElements)
    return new HnswBuilder(params, graph, size)
  }

  /** Points added so far; the next label. */
  get size(): number {
    return this.#size
  }

  get capacity(): number {
    return this.#graph.getMaxElements()
  }

  /**
   * Adds the vector `values[at..at + dim)`. Labels are dense: each is the number of points before it.
   * Takes 0.1–1 ms for 100 dimensions (efConstruction decides).
   */
  add(values: Float32Array, at: number, label: number): void {
    assert(label === this.#size, 'labels are dense and rise by one')
    assert(!this.#busy, 'no point is added while the graph is saved')
    assert(label < this.capacity, 'the graph has room; grow() first')
    const { dim, metric } = this.params
    assert(at + dim <= values.length, 'the vector is complete')
    const point = this.#point
    const scale = metric === 'COSINE' ? inverseNorm(values, at, dim) : 1
    for (let i = 0; i < dim; i++) point[i] = values[at + i]! * scale
    this.#graph.addPoint(point, label)
    this.#size++
  }

  /** Makes room for `capacity` points in all; never shrinks. */
  grow(capacity: number): void {
    assert(!this.#busy, 'the graph does not grow while it is saved')
    if (capacity > this.capacity) this.#graph.resizeIndex(capacity)
  }

  /**
   * Writes the graph to `path` off the main thread, cut to its points. Not synced to disk.
   * @throws MilvusError IoFailed
   */
  async save(path: string): Promise<void> {
    assert(this.#size > 0, 'a graph of no points is not saved')
    assert(!this.#busy, 'one save at a time')
    if (this.capacity > this.#size) this.#graph.resizeIndex(this.#size)
    this.#busy = true
    let written: number
    try {
      await this.#graph.writeIndex(path)
      written = (await stat(path)).size
    } catch (cause) {
      throw new MilvusError('IoFailed', `cannot write the graph ${path}`, { cause })
    } finally {
      this.#busy = false
    }
    const expected = graphBytesMin(this.params, this.#size)
    if (written < expected) {
      throw new MilvusError('IoFailed', `graph ${path} is cut short; is the disk full?`, {
        expected,
        actual: written,
      })
    }
  }

  /** The graph built so far, for searching; nothing may be added afterwards. */
  finish(): HnswIndex {
    assert(!this.#busy, 'the graph is not being saved')
    this.#busy = true
    return new HnswIndex(this.params, this.#graph)
  }
}

export class HnswIndex implements VectorIndex {
  readonly params: HnswParams
  readonly size: number
  readonly #graph: HierarchicalNSW

  constructor(params: HnswParams, graph: HierarchicalNSW) {
    this.params = params
    this.#graph = graph
    this.size = graph.getCurrentCount()
  }

  search(query: readonly number[], k: number, ef: number): IndexHits {
    assert(query.length === this.params.dim, 'the query has the dimensions of the graph')
    if (this.size === 0) return NO_HITS
    const wanted = Math.min(k, this.size)
    this.#graph.setEf(Math.min(Math.max(ef, wanted), Math.max(this.size, wanted)))
    // The library's types ask for a mutable array, but it only reads it.
    const hits = this.#graph.searchKnn(query as number[], wanted)
    return { labels: hits.neighbors, distances: hits.distances }
  }
}

/** Least bytes of a saved graph: header, then per point links of the ground level, vector and label, then level sizes. */
function graphBytesMin(params: HnswParams, pointCount: number): number {
  return 96 + pointCount * ((2 * params.m + 1) * 4 + params.dim * 4 + 8 + 4)
}

function newGraph(params: HnswParams): HierarchicalNSW {
  if (!hnswAvailable() || graphClass === null || graphClass === undefined) {
    throw new MilvusError(
      'ServiceUnavailable',
      'graph index: the optional package hnswlib-node is not available',
    )
  }
  return new graphClass(params.metric === 'L2' ? 'l2' : 'ip', params.dim)
}

async function readGraph(path: string, params: HnswParams): Promise<HierarchicalNSW> {
  const graph = newGraph(params)
  try {
    await graph.readIndex(path)
  } catch (cause) {
    throw new MilvusError('Corrupted', `cannot read the graph ${path}`, { cause })
  }
  return graph
}

/** 1 / length of a vector; 0 for the zero vector, which stays zero. */
function inverseNorm(values: Float32Array, at: number, dim: number): number {
  let sum = 0
  for (let i = at; i < at + dim; i++) sum += values[i]! * values[i]!
  return sum === 0 ? 0 : 1 / Math.sqrt(sum)
}
