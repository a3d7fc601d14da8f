/**
 * Brings the stored values of column chunks into memory without holding the event loop.
 *
 * The one idea: a chunk has up to 512 KiB, and each costs our thread three times — LevelDB's answer is copied into a
 * buffer of JavaScript's, its checksum is computed, its rows are copied out, up to 1 ms each. The first happens when the
 * answer arrives, whatever else is going on, and all answers that are ready arrive in one round of the event loop. So
 * only IN_FLIGHT_MAX are asked for at a time in the whole thread, by however many columns and reads; the disk works on
 * one while another is used. What happens to a chunk afterwards waits for a round with time left.
 *
 * Invariant: whoever was let in goes out when the answer or the error is there, so nobody waits for ever.
 */
import { Turn } from '../base/turn.js'
import { prepareKernels } from '../index/simd-kernels.js'
import type { Store } from '../store/store.js'

/** Chunks that may be on their way from LevelDB at once. */
const IN_FLIGHT_MAX = 4

const turn = new Turn()
let inFlight = 0
/** Who waits to be let in, first one first. */
const waiting: (() => void)[] = []

/**
 * Resolves in a round of the event loop that has room for making a column's memory, which V8 may answer by collecting.
 * @param scanned the vector unit will read the column
 */
export async function roomForColumn(scanned: boolean): Promise<void> {
  if (scanned) await prepareKernels(turn)
  if (turn.due()) await turn.next()
}

/**
 * The value under a key; resolves in a round of the event loop that has room for its use.
 * @returns undefined when there is none
 * @throws MilvusError Corrupted, IoFailed
 */
export async function fetchValue(store: Store, key: Uint8Array): Promise<Uint8Array | undefined> {
  if (inFlight < IN_FLIGHT_MAX) inFlight++
  // Whoever goes out hands its place on.
  else await new Promise<void>(resolve => waiting.push(resolve))
  let value: Uint8Array | undefined
  try {
    value = await store.get(key)
  } finally {
    const next = waiting.shift()
    if (next === undefined) inFlight--
    else next()
  }
  if (turn.due()) await turn.next()
  return value
}
