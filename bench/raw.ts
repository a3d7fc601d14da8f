/**
 * The ceilings: the bare dependencies doing the same work, without a data model on top.
 *
 * Only benches import classic-level and hnswlib-node directly. The raw row is the vector's bytes, the word and the
 * bucket, one key per row; the raw graph has the same parameters as ours.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { bucketOf, GRAPH, newFolder, vectorOf } from './dataset.js'
import type { Words } from './words.js'

export type RawLevel = ClassicLevel<Buffer, Buffer>

/**
 * What is used of an hnswlib-node graph. Its own types are not imported: the package is optional, and everything must
 * compile where it could not be installed.
 */
export interface RawGraph {
  initIndex(maxElements: number, m: number, efConstruction: number, randomSeed: number): void
  setEf(ef: number): void
  addPoint(point: number[], label: number): void
  searchKnn(query: number[], k: number, filter?: (label: number) => boolean): { neighbors: number[] }
}

interface Hnswlib {
  readonly HierarchicalNSW: new (space: 'cosine', dim: number) => RawGraph
}

interface RawOp {
  readonly type: 'put'
  readonly key: Buffer
  readonly value: Buffer
}

/** A new LevelDB of its own. */
export async function openRawLevel(): Promise<RawLevel> {
  const level: RawLevel = new ClassicLevel(join(newFolder('raw'), 'level'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  await level.open()
  return level
}

/** Key of row `i`: big-endian, so that byte order is number order. */
export function rawKey(i: number): Buffer {
  const key = Buffer.allocUnsafe(8)
  key.writeBigUInt64BE(BigInt(i))
  return key
}

/** Value of row `i`: bucket, vector bytes, word. */
export function rawValue(words: Words, i: number): Buffer {
  const bucket = Buffer.allocUnsafe(4)
  bucket.writeInt32LE(bucketOf(i))
  const { buffer, byteOffset } = words.vectors
  const vector = Buffer.from(buffer, byteOffset + i * words.dim * 4, words.dim * 4)
  return Buffer.concat([bucket, vector, Buffer.from(words.words[i]!)])
}

/** Puts rows `from` … `from + count − 1` in one synced batch. */
export async function rawBatch(level: RawLevel, words: Words, from: number, count: number): Promise<void> {
  const ops: RawOp[] = []
  for (let i = from; i < from + count; i++)
    ops.push({ type: 'put', key: rawKey(i), value: rawValue(words, i) })
  await level.batch(ops, { sync: true })
}

/** The hnswlib-node module, or null when it is not installed (it is optional). */
export function hnswlib(): Hnswlib | null {
  try {
    return createRequire(import.meta.url)('hnswlib-node') as Hnswlib
  } catch (cause) {
    if (/hnswlib/.test(String(cause)) || (cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND')
      return null
    throw cause
  }
}

const graphs = new Map<number, RawGraph | null>()

/** A bare graph over the first `count` words, made once per process and count; null without hnswlib-node. */
export function rawGraph(words: Words, count: number): RawGraph | null {
  let graph = graphs.get(count)
  if (graph === undefined) {
    graph = buildRawGraph(words, count, count)
    graphs.set(count, graph)
  }
  return graph
}

/** A bare graph over the first `count` words with room for `capacity`; null without hnswlib-node. */
export function buildRawGraph(words: Words, count: number, capacity: number): RawGraph | null {
  const library = hnswlib()
  if (library === null) return null
  const graph = new library.HierarchicalNSW('cosine', words.dim)
  graph.initIndex(capacity, GRAPH.M, GRAPH.efConstruction, GRAPH.seed)
  graph.setEf(GRAPH.ef)
  for (let i = 0; i < count; i++) graph.addPoint(vectorOf(words, i), i)
  return graph
}
