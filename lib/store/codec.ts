/**
 * Frames: the envelope around every value we store. The one file that imports msgpackr.
 *
 *     0         1           2              4                   8              12
 *     | type u8 | version u8 | reserved u16 | payload bytes u32 | crc32 u32    | payload …
 *
 * Little-endian. The checksum covers bytes 0–7 and the payload, so no byte of a frame can change unnoticed (LevelDB
 * itself does not check its blocks on ordinary reads). Type and version say how to read the payload; a version above
 * ours is refused by name, never guessed at. The header's shape, and the layout of the format record, never change:
 * they are what lets an old version of this package say why it cannot open a newer store.
 *
 * msgpackr's quirks, kept in here: records (shared structures) are off, because a fresh decoder could not read them;
 * a typed array comes back as other bytes, so only plain values are let in; decoded byte strings are refused likewise.
 */
import { Packr } from 'msgpackr/pack'
import { assert } from '../base/assert.js'
import { crc32, readU32, shortCrc32, toHex, writeU32 } from '../base/bytes.js'
import { MilvusError } from '../base/errors.js'
import { formatKey, KEYSPACE, keyText } from './keys.js'
import type { Store } from './store.js'

/** Type byte of every frame. On disk for ever: add at the end, never reuse a number (5, 6 and 9 were), 0 is invalid. */
export const FRAME = {
  format: 0x01,
  ceiling: 0x02,
  catalog: 0x03,
  manifest: 0x04,
  column: 0x07,
  deleteDelta: 0x08,
  log: 0x0a,
} as const
export type FrameType = (typeof FRAME)[keyof typeof FRAME]

/** Version of the payload layouts that this code writes; it reads 1 up to this. */
export const FRAME_VERSION = 1
/** Bytes before a frame's payload. */
export const FRAME_HEADER_BYTES = 12
/** Version of the store as a whole (keyspace, frames, recovery rules). */
export const FORMAT_VERSION = 1

const PAYLOAD_BYTES_MAX = 0xffffffff

/** A frame around the concatenation of `parts`. */
export function frame(type: FrameType, parts: readonly Uint8Array[]): Uint8Array {
  let payloadBytes = 0
  for (const part of parts) payloadBytes += part.length
  const target = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes)
  let at = FRAME_HEADER_BYTES
  for (const part of parts) {
    target.set(part, at)
    at += part.length
  }
  frameInto(target, 0, type, payloadBytes)
  return target
}

/**
 * Turns bytes that are already in place into a frame: the payload is at `at + FRAME_HEADER_BYTES`, the header is
 * written before it. Returns the offset after the frame.
 */
export function frameInto(target: Uint8Array, at: number, type: FrameType, payloadBytes: number): number {
  const end = at + FRAME_HEADER_BYTES + payloadBytes
  assert(payloadBytes <= PAYLOAD_BYTES_MAX && end <= target.length, 'a frame fits its buffer')
  target[at] = type
  target[at + 1] = FRAME_VERSION
  target[at + 2] = 0
  target[at + 3] = 0
  writeU32(target, at + 4, payloadBytes)
  writeU32(target, at + 8, frameChecksum(target, at, end))
  return end
}

/** One frame found among others. */
export interface FoundFrame {
  readonly type: number
  readonly version: number
  /** A view of the bytes it was found in. */
  readonly payload: Uint8Array
  /** Offset after the frame. */
  readonly end: number
}

/**
 * Reads the frame that starts at `at`.
 * @param what names the value in messages, key included: `log record of collection 7 at key 0x…`
 * @throws MilvusError Corrupted, FormatTooNew
 */
export function unframeAt(bytes: Uint8Array, at: number, what: string): FoundFrame {
  const have = bytes.length - at
  if (have < FRAME_HEADER_BYTES) throw corrupted(what, 'is cut off', `${FRAME_HEADER_BYTES} bytes`, `${have}`)
  const payloadBytes = readU32(bytes, at + 4)
  const start = at + FRAME_HEADER_BYTES
  const end = start + payloadBytes
  if (end > bytes.length) {
    throw corrupted(what, 'is cut off', `${payloadBytes} payload bytes`, `${bytes.length - start}`)
  }
  const stored = readU32(bytes, at + 8)
  const computed = frameChecksum(bytes, at, end)
  if (stored !== computed) {
    throw corrupted(what, 'does not match its checksum', hex32(stored), hex32(computed))
  }
  const version = bytes[at + 1]!
  if (version > FRAME_VERSION) throw newerFrame(what, version)
  if (version === 0 || bytes[at] === 0 || bytes[at + 2] !== 0 || bytes[at + 3] !== 0) {
    throw corrupted(
      what,
      'has an impossible header',
      'a known frame',
      `0x${toHex(bytes.subarray(at, at + 4))}`,
    )
  }
  return { type: bytes[at]!, version, payload: bytes.subarray(start, end), end }
}

/**
 * The payload of a value that is exactly one frame of this type (a view, not a copy).
 * @throws MilvusError Corrupted, FormatTooNew
 */
export function unframe(bytes: Uint8Array, type: FrameType, what: string): Uint8Array {
  const found = unframeAt(bytes, 0, what)
  if (found.type !== type) throw corrupted(what, 'is another kind of record', `type ${type}`, `${found.type}`)
  if (found.end !== bytes.length) {
    throw corrupted(what, 'has bytes after its end', `${found.end} bytes`, `${bytes.length}`)
  }
  return found.payload
}

/** A Corrupted error in our one wording. */
export function corrupted(what: string, problem: string, expected: string, actual: string): MilvusError {
  return new MilvusError('Corrupted', `${what} ${problem}`, { expected, actual })
}

// Bigints come back as bigints and numbers as numbers: msgpackr packs every bigint as a 64-bit integer and every
// number beyond 32 bits as a double, which is exact below 2^53.
const packr = new Packr({
  useRecords: false,
  moreTypes: false,
  variableMapSize: true,
  int64AsType: 'bigint',
})

/**
 * A msgpack map (or any plain value) as bytes of its own.
 * Plain values: null, booleans, numbers, bigints of 64 bits, strings, arrays and object literals of them; undefined
 * properties are left out.
 */
export function packMap(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(plain(value, 0)))
}

/** @throws MilvusError Corrupted */
export function unpackMap(bytes: Uint8Array, what = 'a stored map'): unknown {
  try {
    return packr.unpack(bytes)
  } catch (cause) {
    throw new MilvusError('Corrupted', `${what} is not readable as msgpack`, { cause })
  }
}

const DEPTH_MAX = 64

/** The value without undefined properties; InvariantError for everything msgpackr would not give back as it was. */
function plain(value: unknown, depth: number): unknown {
  assert(depth < DEPTH_MAX, 'stored maps are shallow')
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'string':
      return value
    case 'bigint':
      assert(
        BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value,
        'bigints have 64 bits',
      )
      return value
    case 'object':
      break
    default:
      assert(false, `a ${typeof value} cannot be stored in a map`)
  }
  if (value === null) return null
  if (Array.isArray(value)) return value.map(item => plain(item, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  assert(prototype === Object.prototype || prototype === null, 'only plain objects are stored in maps')
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    assert(key !== '__proto__', 'a stored map has no key __proto__')
    if (item !== undefined) copy[key] = plain(item, depth + 1)
  }
  return copy
}

/**
 * Writes the format version into a new store, checks it in an old one.
 * @param where names the store in messages
 * @throws MilvusError FormatTooNew when the store was written by a newer version; Corrupted when it is not ours
 */
export async function checkFormat(store: Store, where = 'this directory'): Promise<void> {
  const key = formatKey()
  const bytes = await store.get(key)
  if (bytes === undefined) return await writeFormat(store, where)
  const what = `the format record of ${where} (${keyText(key)})`
  const payload = unframe(bytes, FRAME.format, what)
  if (payload.length < 4) throw corrupted(what, 'is cut off', '4 bytes', `${payload.length}`)
  const version = readU32(payload, 0)
  if (version > FORMAT_VERSION) {
    throw new MilvusError(
      'FormatTooNew',
      `${where} is in store format ${version}, this version of kestreldb reads formats up to ${FORMAT_VERSION}; ` +
        'open it with the newer kestreldb that wrote it, or upgrade this one',
      { expected: FORMAT_VERSION, actual: version },
    )
  }
  if (version === 0) throw corrupted(what, 'has no version', `1 to ${FORMAT_VERSION}`, '0')
}

async function writeFormat(store: Store, where: string): Promise<void> {
  const range = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff), limit: 1 }
  for await (const block of store.scan(range, 1)) {
    const first = block[0]
    if (first === undefined) continue
    const ours = first[0][0]! >= KEYSPACE.meta && first[0][0]! <= KEYSPACE.deleteDelta
    throw corrupted(
      where,
      ours ? 'has lost its format record' : 'is a LevelDB directory of another program; open another one',
      keyText(formatKey()),
      keyText(first[0]),
    )
  }
  const payload = new Uint8Array(4)
  writeU32(payload, 0, FORMAT_VERSION)
  await store.write([{ key: formatKey(), value: frame(FRAME.format, [payload]) }], true)
}

function frameChecksum(bytes: Uint8Array, at: number, end: number): number {
  return crc32(bytes.subarray(at + FRAME_HEADER_BYTES, end), shortCrc32(bytes, at, at + 8))
}

function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`
}

function newerFrame(what: string, version: number): MilvusError {
  return new MilvusError(
    'FormatTooNew',
    `${what} is in layout version ${version}, this version of kestreldb reads versions up to ${FRAME_VERSION}; ` +
      'open the store with the newer kestreldb that wrote it, or upgrade this one',
    { expected: FRAME_VERSION, actual: version },
  )
}
