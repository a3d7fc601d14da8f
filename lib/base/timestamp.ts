/**
 * Time, in two forms.
 *
 * Outside (public API, wire, keys on disk) a timestamp is Milvus's hybrid one: a bigint,
 * `wall milliseconds << 18 | logical` (upsert-semantics §3.6). BigInt is slow in hot paths, so inside it is a
 * *tick*: a plain number that orders exactly the same way,
 *
 *   tick = (wallMs − 2020-01-01T00:00Z) × 4096 + logical,   0 ≤ logical < 4096
 *
 * Invariants: our oracle never hands out a logical part of 4096 or more (it moves to the next millisecond), so every
 * timestamp of ours converts exactly both ways; ticks stay below 2^53 until the year 2089; a foreign timestamp
 * rounds down to a tick, which keeps `ours ≤ theirs` true or false as it was.
 */
import { assert } from './assert.js'

/** Inner form of a timestamp: an exact integer, ordered like the hybrid form. 0 is before everything. */
export type Tick = number

/** 2020-01-01T00:00:00Z in Unix milliseconds. On disk for ever (ticks are stored in segments). */
export const TICK_EPOCH_MS = 1_577_836_800_000
const LOGICAL_TICKS = 4096
/** Greatest tick: 2^53 − 1. Reading "as of" this tick sees everything. */
export const TICK_MAX: Tick = Number.MAX_SAFE_INTEGER

/** Exact hybrid timestamp of a tick. */
export function hybridOfTick(tick: Tick): bigint {
  if (tick <= 0) return 0n
  const ms = Math.floor(tick / LOGICAL_TICKS)
  return (BigInt(ms + TICK_EPOCH_MS) << 18n) | BigInt(tick - ms * LOGICAL_TICKS)
}

/** High 32 bits of a tick's hybrid timestamp; with `hybridLow` the way to keys that needs no BigInt. */
export function hybridHigh(tick: Tick): number {
  return Math.floor((Math.floor(tick / LOGICAL_TICKS) + TICK_EPOCH_MS) / 16384)
}

/** Low 32 bits of a tick's hybrid timestamp, unsigned. */
export function hybridLow(tick: Tick): number {
  const ms = Math.floor(tick / LOGICAL_TICKS)
  return ((ms + TICK_EPOCH_MS) % 16384) * 262144 + (tick - ms * LOGICAL_TICKS)
}

/** Greatest tick that is not after the hybrid timestamp; 0 for timestamps before 2020. */
export function tickOfHybrid(hybrid: bigint): Tick {
  const ms = Number(hybrid >> 18n) - TICK_EPOCH_MS
  if (ms < 0) return 0
  const logical = Math.min(Number(hybrid & 0x3ffffn), LOGICAL_TICKS - 1)
  return Math.min(ms * LOGICAL_TICKS + logical, TICK_MAX)
}

/** First tick of a wall-clock millisecond. */
export function tickOfWallMs(wallMs: number): Tick {
  return Math.max(0, (Math.floor(wallMs) - TICK_EPOCH_MS) * LOGICAL_TICKS)
}

/** Wall-clock millisecond of a tick. */
export function wallMsOfTick(tick: Tick): number {
  return Math.floor(tick / LOGICAL_TICKS) + TICK_EPOCH_MS
}

/** Hands out ticks that only move forward, also when the wall clock jumps back. */
export class TimestampOracle {
  readonly #nowMs: () => number
  #last: Tick

  /**
   * @param nowMs wall clock in Unix milliseconds
   * @param floor the next tick is greater than this one (highest tick found on disk)
   */
  constructor(nowMs: () => number, floor: Tick = 0) {
    this.#nowMs = nowMs
    this.#last = floor
  }

  /** A tick greater than every one handed out before. */
  next(): Tick {
    this.#last = Math.max(this.#last + 1, tickOfWallMs(this.#nowMs()))
    assert(this.#last < TICK_MAX, 'ticks last until 2089')
    return this.#last
  }

  /** The last tick handed out (or the floor). */
  get last(): Tick {
    return this.#last
  }

  /** Later ticks will be greater than `tick`. */
  raise(tick: Tick): void {
    if (tick > this.#last) this.#last = tick
  }

  /** Wall clock in Unix milliseconds. */
  nowMs(): number {
    return this.#nowMs()
  }
}
