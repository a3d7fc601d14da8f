/**
 * Every key we ever write, with its byte picture (the same pictures are in docs/format.md).
 *
 * The one idea: keys are big-endian, so byte order is number order and everything that is read together is one range.
 * Invariants: the first byte says the kind (KEYSPACE), 0x00 is never used; ids are u64 fields holding numbers below
 * 2^53; numbers here are on disk for ever: add at the end, never renumber.
 */
import { assert } from '../base/assert.js'
import { readU32BE, readU64BE, toHex, writeU32BE, writeU64BE } from '../base/bytes.js'
import { MilvusError } from '../base/errors.js'
import { hybridHigh, hybridLow, hybridOfTick, TICK_MAX, type Tick, tickOfHybrid } from '../base/timestamp.js'

/** First byte of every key. */
export const KEYSPACE = { meta: 0x01, manifest: 0x02, log: 0x03, column: 0x04, deleteDelta: 0x05 } as const

/** Second byte of keys in the meta keyspace. */
const META = { format: 0x01, ceiling: 0x02, catalog: 0x03 } as const

/** Third byte of catalog keys. */
export const CATALOG_KIND = {
  database: 0x01,
  collection: 0x02,
  user: 0x03,
  role: 0x04,
  privilegeGroup: 0x05,
} as const
export type CatalogKind = keyof typeof CATALOG_KIND

/** A half-open range of keys. */
export interface KeyRange {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

/** Key of the store's format version.  `| 0x01 | 0x01 |` */
export function formatKey(): Uint8Array {
  return Uint8Array.of(KEYSPACE.meta, META.format)
}

/** Key of the saved timestamp ceiling: no timestamp above it was ever handed out.  `| 0x01 | 0x02 |` */
export function ceilingKey(): Uint8Array {
  return Uint8Array.of(KEYSPACE.meta, META.ceiling)
}

/**
 * Catalog entry: a database, a collection's schema and settings, …
 *
 *     0      1      2         3                 11
 *     | 0x01 | 0x03 | kind u8 | id u64           |
 */
export function catalogKey(kind: CatalogKind, id: number): Uint8Array {
  const key = new Uint8Array(11)
  key[0] = KEYSPACE.meta
  key[1] = META.catalog
  key[2] = CATALOG_KIND[kind]
  writeU64BE(key, 3, id)
  return key
}

/** All catalog entries of one kind, by id. */
export function catalogRange(kind: CatalogKind): KeyRange {
  return prefixRange(Uint8Array.of(KEYSPACE.meta, META.catalog, CATALOG_KIND[kind]))
}

/**
 * A collection's manifest: its segments and its log checkpoint.
 *
 *     0      1                  9
 *     | 0x02 | collection u64   |
 */
export function manifestKey(collectionId: number): Uint8Array {
  return idKey(KEYSPACE.manifest, collectionId, 9)
}

/**
 * One write request.
 *
 *     0      1                  9                  17
 *     | 0x03 | collection u64   | timestamp u64    |
 */
export function logKey(collectionId: number, hybrid: bigint): Uint8Array {
  const key = idKey(KEYSPACE.log, collectionId, 17)
  writeU32BE(key, 9, Number(hybrid >> 32n))
  writeU32BE(key, 13, Number(hybrid & 0xffffffffn))
  return key
}

/** `logKey` of the timestamp a tick stands for, without BigInt. The tick must be greater than 0. */
export function logKeyOfTick(collectionId: number, tick: Tick): Uint8Array {
  const key = idKey(KEYSPACE.log, collectionId, 17)
  writeU32BE(key, 9, hybridHigh(tick))
  writeU32BE(key, 13, hybridLow(tick))
  return key
}

/**
 * A collection's log records with `fromExclusiveTick < tick ≤ toTick`.
 * @param fromExclusiveTick default: from the first record
 * @param toTick default: to the last record
 */
export function logRange(collectionId: number, fromExclusiveTick?: Tick, toTick: Tick = TICK_MAX): KeyRange {
  const all = prefixRange(idKey(KEYSPACE.log, collectionId, 9))
  return {
    gte:
      fromExclusiveTick === undefined ? all.gte : logKey(collectionId, hybridOfTick(fromExclusiveTick) + 1n),
    lt: toTick === TICK_MAX ? all.lt : logKey(collectionId, hybridOfTick(toTick) + 1n),
  }
}

/** Every log record of every collection. */
export function logsRange(): KeyRange {
  return prefixRange(Uint8Array.of(KEYSPACE.log))
}

export interface LogKeyParts {
  readonly collectionId: number
  readonly hybrid: bigint
  readonly tick: Tick
}

/** @throws MilvusError Corrupted when the bytes are no log key */
export function parseLogKey(key: Uint8Array): LogKeyParts {
  checkKey(key, KEYSPACE.log, 17, 'log')
  const hybrid = (BigInt(readU32BE(key, 9)) << 32n) | BigInt(readU32BE(key, 13))
  return { collectionId: readId(key, 1, 'log'), hybrid, tick: tickOfHybrid(hybrid) }
}

/**
 * One chunk of one stored column of a sealed segment.
 *
 *     0      1                  9           13          17
 *     | 0x04 | segment u64      | field u32 | chunk u32 |
 */
export function columnKey(segmentId: number, fieldId: number, chunk: number): Uint8Array {
  const key = idKey(KEYSPACE.column, segmentId, 17)
  writeU32BE(key, 9, fieldId)
  writeU32BE(key, 13, chunk)
  return key
}

/** Every chunk of every column of a segment. */
export function segmentRange(segmentId: number): KeyRange {
  return prefixRange(idKey(KEYSPACE.column, segmentId, 9))
}

/** The chunks of one column of a segment, in order. */
export function segmentColumnRange(segmentId: number, fieldId: number): KeyRange {
  return prefixRange(columnKey(segmentId, fieldId, 0).subarray(0, 13))
}

/** Every chunk of every segment, in order of segment ids: what the sweep for orphans walks over. */
export function columnsRange(): KeyRange {
  return prefixRange(Uint8Array.of(KEYSPACE.column))
}

export interface ColumnKeyParts {
  readonly segmentId: number
  readonly fieldId: number
  readonly chunk: number
}

/** @throws MilvusError Corrupted when the bytes are no column key */
export function parseColumnKey(key: Uint8Array): ColumnKeyParts {
  checkKey(key, KEYSPACE.column, 17, 'column')
  return { segmentId: readId(key, 1, 'column'), fieldId: readU32BE(key, 9), chunk: readU32BE(key, 13) }
}

/**
 * A batch of deletes that were flushed out of the log, numbered from 1 in the order of their flushes.
 *
 *     0      1                  9                  17
 *     | 0x05 | collection u64   | delta u64        |
 */
export function deltaKey(collectionId: number, delta: number): Uint8Array {
  const key = idKey(KEYSPACE.deleteDelta, collectionId, 17)
  writeU64BE(key, 9, delta)
  return key
}

/** A collection's delete deltas, oldest first. */
export function deltaRange(collectionId: number): KeyRange {
  return prefixRange(idKey(KEYSPACE.deleteDelta, collectionId, 9))
}

/** @throws MilvusError Corrupted when the bytes are no delete delta key */
export function parseDeltaKey(key: Uint8Array): { readonly collectionId: number; readonly delta: number } {
  checkKey(key, KEYSPACE.deleteDelta, 17, 'delete delta')
  return { collectionId: readId(key, 1, 'delete delta'), delta: readId(key, 9, 'delete delta') }
}

/** Every key that starts with `prefix`. */
export function prefixRange(prefix: Uint8Array): KeyRange {
  const lt = new Uint8Array(prefix)
  let last = lt.length - 1
  while (last >= 0 && lt[last] === 0xff) lt[last--] = 0
  assert(last >= 0, 'a prefix of only 0xff bytes has no end')
  lt[last]!++
  return { gte: prefix, lt }
}

/** A key for messages: its bytes in hex. */
export function keyText(key: Uint8Array): string {
  return `key 0x${toHex(key)}`
}

function idKey(keyspace: number, id: number, length: number): Uint8Array {
  const key = new Uint8Array(length)
  key[0] = keyspace
  writeU64BE(key, 1, id)
  return key
}

function readId(key: Uint8Array, at: number, what: string): number {
  const id = readU64BE(key, at)
  if (Number.isSafeInteger(id)) return id
  throw new MilvusError('Corrupted', `${what} ${keyText(key)} holds an id of 2^53 or more`)
}

function checkKey(key: Uint8Array, keyspace: number, length: number, what: string): void {
  if (key.length === length && key[0] === keyspace) return
  throw new MilvusError('Corrupted', `${keyText(key)} is no ${what} key`, {
    expected: `0x${toHex(Uint8Array.of(keyspace))} and ${length} bytes`,
    actual: `${key.length} bytes`,
  })
}
