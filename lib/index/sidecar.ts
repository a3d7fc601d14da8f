/**
 * Sidecar files: a built graph on disk, next to the store, outside its atomicity.
 *
 * Two files of one name. The library writes whole files by path, so the graph is a file of its own; ours says what the
 * graph is, which row each label stands for, and what the graph's bytes must add up to:
 *
 *   <name>.graph   the library's bytes
 *   <name>.map     little-endian
 *
 *     offset  size  field
 *          0     8  magic, ASCII "KSTRLGRF"
 *          8     4  u32 format version, 1
 *         12     4  u32 metric: 1 L2, 2 IP, 3 COSINE
 *         16     8  u64 segment id
 *         24     4  u32 field id
 *         28     4  u32 index id
 *         32     4  u32 dim
 *         36     4  u32 M
 *         40     4  u32 efConstruction
 *         44     4  u32 pointCount, n ≥ 1
 *         48     8  u64 byte length of the graph file
 *         56     4  u32 CRC-32 of the graph file
 *         60     4  u32 CRC-32 of bytes [0, 60) followed by bytes [64, 64 + 4n)
 *         64    4n  i32 per label: row in the segment, or −1 for a point that is no row (any more)
 *
 * Promise: `openSidecar` gives the graph these rows were built into, or null; it never throws for what it finds on
 * disk. Null means "build again": an index is an accelerator, never the truth.
 *
 *   killed while writing  -> *.tmp files, or a graph whose map is missing or describes other bytes: null
 *   killed while removing -> a graph without a map: null
 *
 * Both files are written under temporary names, synced and renamed, the map last.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { assert } from '../base/assert.js'
import { bytesOf, elementBytes } from '../base/bytes.js'
import { MilvusError } from '../base/errors.js'
import { type HnswBuilder, type HnswIndex, hnswAvailable, loadHnsw } from './hnsw-index.js'
import type { HnswParams } from './vector-index.js'

const MAGIC = 'KSTRLGRF'
const FORMAT_VERSION = 1
const HEADER_BYTES = 64
const CRC_OFFSET = 60
/** Bytes summed between two turns of the event loop: about 0.6 ms at 1.6 GB/s. */
const CHUNK_BYTES = 1 << 20
const METRIC_CODES = { L2: 1, IP: 2, COSINE: 3 } as const satisfies Record<HnswParams['metric'], number>
/** Endings of all files of a sidecar: a graph's two, or a scalar index's one (scalar-order.ts). */
const SUFFIXES = ['.map', '.graph', '.order', '.map.tmp', '.graph.tmp', '.order.tmp'] as const

/** What a graph was built for. */
export interface SidecarIdentity {
  readonly segmentId: number
  readonly fieldId: number
  /** Id of the index definition. */
  readonly indexId: number
  readonly params: HnswParams
}

/** What an opened file must match: M and efConstruction may differ, they are the file's own. */
export interface SidecarExpected extends Omit<SidecarIdentity, 'params'> {
  readonly params: Pick<HnswParams, 'metric' | 'dim'>
}

/** The decoded map file. */
export interface SidecarMap extends SidecarIdentity {
  readonly pointCount: number
  readonly graphByteLength: number
  readonly graphCrc: number
  /** Row of each label, −1 = no row. */
  readonly rowOfLabel: Int32Array
}

/**
 * Writes a graph and its map durably; an older sidecar of that name is replaced.
 * @param rowOfLabel one entry per point of the builder
 * @returns bytes of both files
 * @throws MilvusError IoFailed; nothing of that name is then trusted
 */
export async function writeSidecar(
  dir: string,
  name: string,
  identity: SidecarIdentity,
  rowOfLabel: Int32Array,
  builder: HnswBuilder,
): Promise<{ readonly byteLength: number }> {
  assert(rowOfLabel.length === builder.size, 'every point has an entry in the map')
  assert(builder.params.metric === identity.params.metric, 'the graph was built for this metric')
  const graphTemp = join(dir, `${name}.graph.tmp`)
  const mapTemp = join(dir, `${name}.map.tmp`)
  try {
    await mkdir(dir, { recursive: true })
    await builder.save(graphTemp)
    const graph = await sumAndSync(graphTemp)
    const map = encodeSidecarMap({
      ...identity,
      pointCount: builder.size,
      graphByteLength: graph.byteLength,
      graphCrc: graph.crc,
      rowOfLabel,
    })
    await rename(graphTemp, join(dir, `${name}.graph`))
    await writeSynced(mapTemp, map)
    await rename(mapTemp, join(dir, `${name}.map`))
    await syncDirectory(dir)
    return { byteLength: graph.byteLength + map.byteLength }
  } catch (cause) {
    if (cause instanceof MilvusError) throw cause
    throw new MilvusError('IoFailed', `cannot write the index file ${name}`, { cause })
  }
}

/** The map of a sidecar, its own checksum verified; null when missing or corrupt. Does not look at the graph. */
export async function readSidecarMap(dir: string, name: string): Promise<SidecarMap | null> {
  try {
    return decodeSidecarMap(await readFile(join(dir, `${name}.map`)))
  } catch {
    return null // Missing or unreadable are the same to the caller: build again.
  }
}

/** True when the graph file has the length and checksum the map tells. Reads the whole file, in small steps. */
export async function verifyGraph(dir: string, name: string, map: SidecarMap): Promise<boolean> {
  let file: FileHandle | undefined
  try {
    file = await open(join(dir, `${name}.graph`), 'r')
    if ((await file.stat()).size !== map.graphByteLength) return false
    const graph = await sum(file)
    return graph.crc === map.graphCrc && graph.byteLength === map.graphByteLength
  } catch {
    return false // Missing or unreadable: not the graph the map tells of.
  } finally {
    await file?.close()
  }
}

/**
 * Opens a sidecar for searching.
 * @returns null when it is missing, belongs to something else, is corrupt in any byte, or the graph library is not
 *   available; the caller then builds again or searches exactly
 */
export async function openSidecar(
  dir: string,
  name: string,
  expected: SidecarExpected,
): Promise<{ readonly index: HnswIndex; readonly rowOfLabel: Int32Array } | null> {
  if (!hnswAvailable()) return null
  const map = await readSidecarMap(dir, name)
  if (map === null || !matches(map, expected) || !(await verifyGraph(dir, name, map))) return null
  try {
    const index = await loadHnsw(join(dir, `${name}.graph`), map.params, map.pointCount)
    return { index, rowOfLabel: map.rowOfLabel }
  } catch (cause) {
    if (cause instanceof MilvusError) return null // The checksum held but the library refuses: build again.
    throw cause
  }
}

/** True when the map describes a graph for this segment, field and index definition. */
export function matches(map: SidecarMap, expected: SidecarExpected): boolean {
  return (
    map.segmentId === expected.segmentId &&
    map.fieldId === expected.fieldId &&
    map.indexId === expected.indexId &&
    map.params.metric === expected.params.metric &&
    map.params.dim === expected.params.dim
  )
}

/** Removes a sidecar and what is left of an unfinished one. Missing files are fine. */
export async function removeSidecar(dir: string, name: string): Promise<void> {
  for (const suffix of SUFFIXES) await rm(join(dir, name + suffix), { force: true })
}

/** Names of every sidecar in a directory, unfinished ones included, ascending; a missing directory has none. */
export async function listSidecars(dir: string): Promise<string[]> {
  let files: string[]
  try {
    files = await readdir(dir)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new MilvusError('IoFailed', `cannot list the index files in ${dir}`, { cause })
  }
  const names = new Set<string>()
  for (const file of files) {
    const suffix = SUFFIXES.find(s => file.endsWith(s))
    if (suffix !== undefined) names.add(file.slice(0, -suffix.length))
  }
  return [...names].sort()
}

/** Bytes of the map file, see the table at the top. */
export function encodeSidecarMap(map: SidecarMap): Buffer {
  const { rowOfLabel, pointCount } = map
  assert(pointCount >= 1 && rowOfLabel.length === pointCount, 'a map has one entry per point')
  const bytes = Buffer.alloc(HEADER_BYTES + 4 * pointCount)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt32LE(FORMAT_VERSION, 8)
  bytes.writeUInt32LE(METRIC_CODES[map.params.metric], 12)
  bytes.writeBigUInt64LE(BigInt(map.segmentId), 16)
  bytes.writeUInt32LE(map.fieldId, 24)
  bytes.writeUInt32LE(map.indexId, 28)
  bytes.writeUInt32LE(map.params.dim, 32)
  bytes.writeUInt32LE(map.params.m, 36)
  bytes.writeUInt32LE(map.params.efConstruction, 40)
  bytes.writeUInt32LE(pointCount, 44)
  bytes.writeBigUInt64LE(BigInt(map.graphByteLength), 48)
  bytes.writeUInt32LE(map.graphCrc, 56)
  bytes.set(elementBytes(rowOfLabel, 0, pointCount), HEADER_BYTES)
  bytes.writeUInt32LE(mapCrc(bytes), CRC_OFFSET)
  return bytes
}

/** The map, or null when the bytes are not exactly one written by encodeSidecarMap. */
export function decodeSidecarMap(bytes: Buffer): SidecarMap | null {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return null
  if (bytes.readUInt32LE(8) !== FORMAT_VERSION) return null
  const pointCount = bytes.readUInt32LE(44)
  if (pointCount < 1 || bytes.length !== HEADER_BYTES + 4 * pointCount) return null
  if (bytes.readUInt32LE(CRC_OFFSET) !== mapCrc(bytes)) return null
  const metric = metricOf(bytes.readUInt32LE(12))
  if (metric === null) return null
  const rowOfLabel = new Int32Array(pointCount)
  bytesOf(rowOfLabel).set(bytes.subarray(HEADER_BYTES, HEADER_BYTES + 4 * pointCount))
  return {
    segmentId: Number(bytes.readBigUInt64LE(16)),
    fieldId: bytes.readUInt32LE(24),
    indexId: bytes.readUInt32LE(28),
    params: {
      metric,
      dim: bytes.readUInt32LE(32),
      m: bytes.readUInt32LE(36),
      efConstruction: bytes.readUInt32LE(40),
    },
    pointCount,
    graphByteLength: Number(bytes.readBigUInt64LE(48)),
    graphCrc: bytes.readUInt32LE(56),
    rowOfLabel,
  }
}

function mapCrc(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, CRC_OFFSET)))
}

function metricOf(code: number): HnswParams['metric'] | null {
  if (code === METRIC_CODES.L2) return 'L2'
  if (code === METRIC_CODES.IP) return 'IP'
  if (code === METRIC_CODES.COSINE) return 'COSINE'
  return null
}

interface Sum {
  readonly byteLength: number
  readonly crc: number
}

/** Length and CRC-32 of a file, chunk by chunk. */
async function sum(file: FileHandle): Promise<Sum> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let crc = 0
  let byteLength = 0
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, byteLength)
    if (bytesRead === 0) return { byteLength, crc }
    crc = crc32(chunk.subarray(0, bytesRead), crc)
    byteLength += bytesRead
  }
}

/** Sums a file as it is and makes it durable. */
async function sumAndSync(path: string): Promise<Sum> {
  const file = await open(path, 'r+')
  try {
    const result = await sum(file)
    await file.sync()
    return result
  } finally {
    await file.close()
  }
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes renames in a directory durable. Windows cannot open directories, and does not need it. */
export async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
