/**
 * Bytes without ceremony: views, big-endian ids in keys, little-endian words in payloads, CRC-32.
 *
 * Keys are big-endian so that byte order is number order; payloads are little-endian because every machine we run on
 * is, which makes a typed array's memory its stored form. A big-endian machine is refused when this file loads.
 * Numbers above 32 bits are plain numbers below 2^53 here: exact, and no BigInt.
 */
import { crc32 as zlibCrc32 } from 'node:zlib'
import { assert } from './assert.js'

const TWO_32 = 0x1_0000_0000

assert(
  new Uint8Array(Uint32Array.of(1).buffer)[0] === 1,
  'stored columns are little-endian; so is this machine',
)

/** The same memory as bytes. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

/** CRC-32 (the polynomial of zlib and gzip) of `bytes`, continuing from `seed`. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed)
}

/** Order of two byte strings as LevelDB sees it: negative, 0, positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** Lower-case hex, for messages and tests. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

export function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value
  target[at + 1] = value >>> 8
}

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

/** Little-endian; also right for negative i32 values, whose low 32 bits are the same. */
export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value
  target[at + 1] = value >>> 8
  target[at + 2] = value >>> 16
  target[at + 3] = value >>> 24
}

export function readU32(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) >>> 0
}

export function readI32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

export function writeU32BE(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

export function readU32BE(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** Eight bytes, big-endian; `value` is a whole number from 0 to 2^53 − 1. */
export function writeU64BE(target: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, `an id is a whole number below 2^53, not ${value}`)
  const high = Math.floor(value / TWO_32)
  writeU32BE(target, at, high)
  writeU32BE(target, at + 4, value - high * TWO_32)
}

/** Counterpart of writeU64BE. A stored value of 2^53 or more comes back rounded: check with Number.isSafeInteger. */
export function readU64BE(bytes: Uint8Array, at: number): number {
  return readU32BE(bytes, at) * TWO_32 + readU32BE(bytes, at + 4)
}

/** Bytes of a column element array from element `from` to `to` (exclusive), without a copy. */
export function elementBytes(
  array: ArrayBufferView & { readonly BYTES_PER_ELEMENT: number },
  from: number,
  to: number,
): Uint8Array {
  const size = array.BYTES_PER_ELEMENT
  return new Uint8Array(array.buffer, array.byteOffset + from * size, (to - from) * size)
}

const CRC_TABLE = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  CRC_TABLE[byte] = value
}

/** CRC-32 of the few bytes [from, to): faster than a call out of JavaScript, and without a view. */
export function shortCrc32(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff
  for (let i = from; i < to; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
