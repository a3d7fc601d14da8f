/**
 * The one scalar index there is: row numbers in the order of their values.
 *
 * Equality, membership, ranges and prefixes are each a stretch of that order, found by halving; the rows of a stretch
 * are the answer. The values themselves are not kept: a probe reads them from the column, which the filter has loaded
 * anyway, so that an index costs 4 bytes a row (8 where a value stands somewhere inside a row: array elements, values
 * below a JSON path). Integers, doubles, texts and booleans have orders of their own; nulls, missing paths and NaN are
 * in none.
 *
 * On disk it is one sidecar file, `<name>.order`, little-endian:
 *
 *     offset  size  field
 *          0     8  magic, ASCII "KSTRLORD"
 *          8     4  u32 format version, 1
 *         12     4  u32 bits: 1 ints, 2 doubles, 4 texts, 8 bools kept; 16 elements of arrays; 32 rows of arrays kept
 *         16     8  u64 segment id
 *         24     4  u32 field id
 *         28     4  u32 index id
 *         32     4  u32 rows of the segment
 *         36    16  u32 entries of ints, doubles, texts, bools
 *         52     4  u32 rows of arrays
 *         56     4  u32 1 when entries have offsets, else 0
 *         60     4  u32 CRC-32 of bytes [0, 60) followed by all bytes from 64 on
 *         64        per class kept, in that order: i32 row of each entry, then (with offsets) u32 offset of its value
 *                   from the beginning of the row's bytes; last the rows of arrays, i32 each, ascending
 *
 * Promise: `openOrder` gives what was written for exactly this segment, field and definition, or null; it never throws
 * for what it finds on disk. Equal values stand by rising row.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { assert } from '../base/assert.js'
import { MilvusError } from '../base/errors.js'
import { Turn } from '../base/turn.js'
import { VALUE_CLASSES, type ValueClass } from './scalar-kind.js'
import { syncDirectory } from './sidecar.js'

const MAGIC = 'KSTRLORD'
const FORMAT_VERSION = 1
const HEADER_BYTES = 64
const CRC_OFFSET = 60
const ELEMENTS_BIT = 16
const ARRAYS_BIT = 32
/** Bytes summed between two looks at the clock: about 0.6 ms. */
const CHUNK_BYTES = 1 << 20

/** Values of one class, by rising value. */
export interface Postings {
  /** Row of each entry. */
  readonly rows: Int32Array
  /** Where each entry's value begins, counted from its row's first byte; null = the row is the value. */
  readonly offsets: Uint32Array | null
}

/** Whose index it is. */
export interface OrderIdentity {
  readonly segmentId: number
  readonly fieldId: number
  /** Id of the index definition. */
  readonly indexId: number
  /** Rows of the segment. */
  readonly rowCount: number
}

export interface ScalarOrder {
  /** 'element': entries are elements of arrays, and a row may have many. */
  readonly form: 'value' | 'element'
  /** Null = values of this class are not kept. */
  readonly postings: Readonly<Record<ValueClass, Postings | null>>
  /** Rows that hold an array, ascending, where not every valid row does (JSON); else null. */
  readonly arrays: Int32Array | null
}

/** An index ready for use on a field of a segment. */
export interface OpenOrder {
  readonly indexId: number
  /** Keys below a JSON field, null for other fields. */
  readonly path: readonly string[] | null
  readonly order: ScalarOrder
  /** How often a filter took rows from it. */
  uses: number
}

/** Row numbers 0, 1, 2 …: shared by all segments, as long as the longest that asked. */
let numbers = new Int32Array(0)
/** Numbers written between two looks at the clock. */
const NUMBERS_SLICE = 16_384
/** The last call of `prepareNumbers`: they do not overtake each other, so no two make the same numbers. */
let preparing: Promise<void> = Promise.resolve()

/** Makes the numbers of `rowCount` rows with turns of the event loop in between: `risingOrder` would in one step. */
export function prepareNumbers(rowCount: number, turn: Turn): Promise<void> {
  preparing = preparing.then(async () => {
    if (numbers.length >= rowCount) return
    const longer = new Int32Array(rowCount)
    for (let row = 0; row < rowCount; row++) {
      if (row % NUMBERS_SLICE === 0 && turn.due()) await turn.next()
      longer[row] = row
    }
    numbers = longer
  })
  return preparing
}

/** The order of a column whose values rise with the rows, as primary keys do: costs nothing and is never written. */
export function risingOrder(of: ValueClass, rowCount: number): ScalarOrder {
  if (numbers.length < rowCount) numbers = Int32Array.from({ length: rowCount }, (_, row) => row)
  const postings: Record<ValueClass, Postings | null> = { int: null, double: null, text: null, bool: null }
  postings[of] = { rows: numbers.subarray(0, rowCount), offsets: null }
  return { form: 'value', postings, arrays: null }
}

/** Entries of all classes together. */
export function entryCount({ postings }: ScalarOrder): number {
  return VALUE_CLASSES.reduce((sum, of) => sum + (postings[of]?.rows.length ?? 0), 0)
}

/**
 * Writes an index durably; an older file of that name is replaced.
 * @throws MilvusError IoFailed; nothing of that name is then trusted
 */
export async function writeOrder(
  dir: string,
  name: string,
  identity: OrderIdentity,
  order: ScalarOrder,
): Promise<{ readonly byteLength: number }> {
  const bytes = encodeOrder(identity, order)
  const temp = join(dir, `${name}.order.tmp`)
  try {
    await mkdir(dir, { recursive: true })
    const file = await open(temp, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temp, join(dir, `${name}.order`))
    await syncDirectory(dir)
    return { byteLength: bytes.byteLength }
  } catch (cause) {
    throw new MilvusError('IoFailed', `cannot write the index file ${name}`, { cause })
  }
}

/** Opens an index; null when it is missing, of something else, or damaged in any byte. Works in small steps. */
export async function openOrder(
  dir: string,
  name: string,
  identity: OrderIdentity,
): Promise<ScalarOrder | null> {
  let bytes: Buffer
  try {
    bytes = await readFile(join(dir, `${name}.order`))
  } catch {
    return null // Missing or unreadable are the same to the caller: build again.
  }
  if (bytes.length < HEADER_BYTES) return null
  const turn = new Turn()
  let crc = crc32(bytes.subarray(0, CRC_OFFSET))
  for (let at = HEADER_BYTES; at < bytes.length; at += CHUNK_BYTES) {
    if (turn.due()) await turn.next()
    crc = crc32(bytes.subarray(at, at + CHUNK_BYTES), crc)
  }
  return bytes.readUInt32LE(CRC_OFFSET) === crc ? decodeOrder(bytes, identity) : null
}

/** Bytes of the file, see the table at the top. */
export function encodeOrder(identity: OrderIdentity, order: ScalarOrder): Buffer {
  const { postings, arrays } = order
  const kept = VALUE_CLASSES.map(of => postings[of])
  const withOffsets = kept.some(p => p !== null && p.offsets !== null)
  assert(
    kept.every(p => p === null || (p.offsets !== null) === withOffsets),
    'all classes have offsets or none',
  )
  const words = entryCount(order) * (withOffsets ? 2 : 1) + (arrays?.length ?? 0)
  const bytes = Buffer.alloc(HEADER_BYTES + 4 * words)
  let bits = order.form === 'element' ? ELEMENTS_BIT : 0
  if (arrays !== null) bits |= ARRAYS_BIT
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt32LE(FORMAT_VERSION, 8)
  bytes.writeBigUInt64LE(BigInt(identity.segmentId), 16)
  bytes.writeUInt32LE(identity.fieldId, 24)
  bytes.writeUInt32LE(identity.indexId, 28)
  bytes.writeUInt32LE(identity.rowCount, 32)
  bytes.writeUInt32LE(arrays?.length ?? 0, 52)
  bytes.writeUInt32LE(withOffsets ? 1 : 0, 56)
  let at = HEADER_BYTES
  kept.forEach((part, i) => {
    if (part === null) return
    bits |= 1 << i
    bytes.writeUInt32LE(part.rows.length, 36 + 4 * i)
    at = append(bytes, at, part.rows)
    if (part.offsets !== null) at = append(bytes, at, part.offsets)
  })
  if (arrays !== null) at = append(bytes, at, arrays)
  bytes.writeUInt32LE(bits, 12)
  assert(at === bytes.length, 'every word has a place')
  bytes.writeUInt32LE(crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, CRC_OFFSET))), CRC_OFFSET)
  return bytes
}

/** Every platform Node runs on is little-endian: the words are copied as they are. */
function append(bytes: Buffer, at: number, words: Int32Array | Uint32Array): number {
  bytes.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), at)
  return at + words.byteLength
}

/** The index in bytes whose checksum held; null when they are not one of this identity. */
export function decodeOrder(bytes: Buffer, identity: OrderIdentity): ScalarOrder | null {
  if (bytes.toString('latin1', 0, 8) !== MAGIC || bytes.readUInt32LE(8) !== FORMAT_VERSION) return null
  const same =
    Number(bytes.readBigUInt64LE(16)) === identity.segmentId &&
    bytes.readUInt32LE(24) === identity.fieldId &&
    bytes.readUInt32LE(28) === identity.indexId &&
    bytes.readUInt32LE(32) === identity.rowCount
  if (!same) return null
  const bits = bytes.readUInt32LE(12)
  const withOffsets = bytes.readUInt32LE(56) === 1
  const counts = VALUE_CLASSES.map((_, i) => bytes.readUInt32LE(36 + 4 * i))
  const arrayCount = bytes.readUInt32LE(52)
  const words = counts.reduce((sum, count) => sum + count, 0) * (withOffsets ? 2 : 1) + arrayCount
  if (bytes.length !== HEADER_BYTES + 4 * words) return null
  const body = wordsAt(bytes, HEADER_BYTES, words)
  let at = 0
  const postings: Record<ValueClass, Postings | null> = { int: null, double: null, text: null, bool: null }
  VALUE_CLASSES.forEach((of, i) => {
    if ((bits & (1 << i)) === 0) return
    const count = counts[i]!
    const rows = body.subarray(at, at + count)
    at += count
    let offsets: Uint32Array | null = null
    if (withOffsets) {
      offsets = new Uint32Array(body.buffer, body.byteOffset + 4 * at, count)
      at += count
    }
    postings[of] = { rows, offsets }
  })
  const arrays = (bits & ARRAYS_BIT) === 0 ? null : body.subarray(at, at + arrayCount)
  return { form: (bits & ELEMENTS_BIT) === 0 ? 'value' : 'element', postings, arrays }
}

/** The words from byte `at` on: where they are when they are aligned, as in a file that was read whole, else a copy. */
function wordsAt(bytes: Buffer, at: number, count: number): Int32Array {
  if ((bytes.byteOffset + at) % 4 === 0) return new Int32Array(bytes.buffer, bytes.byteOffset + at, count)
  const copy = new Int32Array(count)
  new Uint8Array(copy.buffer).set(bytes.subarray(at))
  return copy
}
