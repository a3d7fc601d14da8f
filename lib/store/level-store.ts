/**
 * A Store on LevelDB. The one file that imports classic-level, and the one place where its errors become ours.
 *
 * Quirks kept in here
 *  - `multithreading` lets a worker thread of the same process open its own handle on the same directory.
 *  - Iterators stop a block at 16 kB unless `highWaterMarkBytes` says otherwise; ours is BLOCK_BYTES_MAX, which also
 *    keeps a block of large values from filling the memory.
 *  - Keys and values come back as fresh Buffers: safe to keep, never reused.
 *  - A chained batch beats an array of operations from two puts on, a plain put beats both for one.
 *  - LevelDB tells "disk full" apart from other failures in its text only.
 *  - After a failed synced write LevelDB refuses later writes itself; only reopening tells what survived.
 */
import { dirname } from 'node:path'
import { ClassicLevel, type Iterator } from 'classic-level'
import { MilvusError } from '../base/errors.js'
import { lockedError, lockHolder } from './lock.js'
import type { ScanRange, Store, StoreOp } from './store.js'

export interface LevelStoreOptions {
  /** A worker thread's own handle on a store that is already open in this process. Default false. */
  readonly shared?: boolean
  /** Bytes of LevelDB's block cache. Default 8 MiB. Only the first handle's value counts. */
  readonly cacheBytes?: number
  /**
   * Snappy-compress what LevelDB writes. Default false: vectors do not shrink. 120,000 rows of 100-d vectors and 110
   * bytes of English take 54 MB instead of 62, written about a tenth slower and read up to a third slower.
   */
  readonly compression?: boolean
}

/** Bytes after which a scan ends a block, whatever its number of entries. */
const BLOCK_BYTES_MAX = 1024 * 1024
const BLOCK_SIZE = 1_000
const CACHE_BYTES = 8 * 1024 * 1024

type Level = ClassicLevel<Uint8Array, Uint8Array>
type LevelIterator = Iterator<Level, Uint8Array, Uint8Array>

/**
 * Opens (and creates, unless `shared`) a LevelDB directory.
 * @throws MilvusError StoreLocked, Corrupted, DiskFull, IoFailed
 */
export async function openLevelStore(directory: string, options: LevelStoreOptions = {}): Promise<Store> {
  const level: Level = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing: options.shared !== true,
    multithreading: true,
    compression: options.compression ?? false,
    cacheSize: options.cacheBytes ?? CACHE_BYTES,
  })
  try {
    await level.open()
  } catch (error) {
    throw await openError(directory, error)
  }
  return new LevelStore(directory, level)
}

class LevelStore implements Store {
  readonly #directory: string
  readonly #level: Level
  #closing: Promise<void> | undefined

  constructor(directory: string, level: Level) {
    this.#directory = directory
    this.#level = level
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.#level.get(key)
    } catch (error) {
      throw storeError(this.#directory, 'read', error)
    }
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    try {
      return await this.#level.getMany(keys as Uint8Array[])
    } catch (error) {
      throw storeError(this.#directory, 'read', error)
    }
  }

  async *scan(
    range: ScanRange,
    blockSize: number = BLOCK_SIZE,
  ): AsyncGenerator<readonly (readonly [key: Uint8Array, value: Uint8Array])[]> {
    let iterator: LevelIterator | undefined
    try {
      iterator = this.#level.iterator<Uint8Array, Uint8Array>({
        gte: range.gte,
        lt: range.lt,
        reverse: range.reverse ?? false,
        limit: range.limit ?? -1,
        highWaterMarkBytes: BLOCK_BYTES_MAX,
      })
      for (;;) {
        const block = await iterator.nextv(blockSize)
        if (block.length === 0) return
        yield block
      }
    } catch (error) {
      throw storeError(this.#directory, 'read', error)
    } finally {
      await iterator?.close()
    }
  }

  async write(ops: readonly StoreOp[], sync: boolean): Promise<void> {
    const only = ops[0]
    if (only === undefined) return
    try {
      if (ops.length > 1) return await this.#writeBatch(ops, sync)
      if (only.value === null) return await this.#level.del(only.key, { sync })
      return await this.#level.put(only.key, only.value, { sync })
    } catch (error) {
      throw storeError(this.#directory, 'write', error)
    }
  }

  async #writeBatch(ops: readonly StoreOp[], sync: boolean): Promise<void> {
    const batch = this.#level.batch()
    for (const op of ops) {
      if (op.value === null) batch.del(op.key)
      else batch.put(op.key, op.value)
    }
    await batch.write({ sync })
  }

  async clear(gte: Uint8Array, lt: Uint8Array): Promise<void> {
    try {
      await this.#level.clear({ gte, lt })
    } catch (error) {
      throw storeError(this.#directory, 'write', error)
    }
  }

  /** Waits for running operations. Closing twice is allowed. */
  async close(): Promise<void> {
    this.#closing ??= this.#level.close()
    try {
      await this.#closing
    } catch (error) {
      throw storeError(this.#directory, 'close', error)
    }
  }
}

/**
 * LevelDB's error as ours.
 * @param action what was tried: `read`, `write`, `open`, `close`
 */
export function storeError(directory: string, action: string, error: unknown): MilvusError {
  if (error instanceof MilvusError) return error
  const code = codeOf(error)
  const text = error instanceof Error ? error.message : String(error)
  if (code === 'LEVEL_CORRUPTION' || /^Corruption:/.test(text)) {
    const remedy = 'restore the directory from a backup'
    return new MilvusError('Corrupted', `${action} in ${directory} failed: ${text}; ${remedy}`, {
      cause: error,
    })
  }
  if (code.startsWith('LEVEL_') && (code.endsWith('_NOT_OPEN') || code === 'LEVEL_DATABASE_NOT_CLOSED')) {
    return new MilvusError('StoreClosed', `cannot ${action} in ${directory}, it was closed; open it again`, {
      cause: error,
    })
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || /no space left|disk quota exceeded|disk full/i.test(text)) {
    return new MilvusError(
      'DiskFull',
      `${action} in ${directory} failed: ${text}; free some space and open it again`,
      { cause: error },
    )
  }
  return new MilvusError('IoFailed', `${action} in ${directory} failed: ${text}`, { cause: error })
}

/** classic-level wraps what LevelDB said while opening. */
async function openError(directory: string, error: unknown): Promise<MilvusError> {
  const inner = codeOf(error) === 'LEVEL_DATABASE_NOT_OPEN' ? (causeOf(error) ?? error) : error
  if (codeOf(inner) === 'LEVEL_LOCKED') {
    // The lock file is in LevelDB's directory or, when that is a part of a larger one, next to it.
    const holder = (await lockHolder(directory)) ?? (await lockHolder(dirname(directory)))
    return lockedError(directory, holder, inner)
  }
  return storeError(directory, 'open', inner)
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}
