/**
 * Memories of WebAssembly, as the vector kernels use them: one for each column, or for its codes. They are shared, for
 * the sake of the garbage collector (shared-memory.ts); no other thread looks into them.
 *
 * In front of what a memory is for lie, for the length of one call, the numbers of the rows that are asked for, their
 * scores, and the query. Nothing is kept there between two calls.
 */
import { get, I32, i32, repeat, set, type WasmFunction } from './wasm-code.js'

/** Rows per call; even. */
export const CALL_ROWS = 512
/** Scattered rows that are fetched ahead, and bytes of each: together no more than the nearest cache holds. */
export const TOUCH_ROWS = 32
export const TOUCH_BYTES_MAX = 512
/** Addresses; what the memory is for follows the query, from the next multiple of 64. */
export const ROWS_AT = 0
export const SCORES_AT = CALL_ROWS * 4
export const QUERY_AT = SCORES_AT + CALL_ROWS * 4
export const PAGE_BYTES = 65_536
/** A WebAssembly memory has 4 GiB at most; the last page stays free, so that no address wraps. */
export const BYTES_MAX = 65_535 * PAGE_BYTES
/** Rows lie scattered when the wanted ones stretch over this many times their number. */
const SCATTERED_SPAN = 1.5

export interface Memory {
  readonly buffer: SharedArrayBuffer
}

/** What is used of WebAssembly. Described here: neither the language's nor Node's types have it. */
export interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => Memory
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
  validate(bytes: Uint8Array): boolean
}

/** Has the processor fetch `bytes` bytes of each of the first `rows` rows asked for. */
export type TouchRows = (valuesAt: number, rowBytes: number, rows: number, bytes: number) => void

export function wasmApi(): WebAssemblyApi | undefined {
  return (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly
}

/** False once a memory was refused: it takes the engine tens of milliseconds of collecting garbage to say no. */
let memoryLeft = true

/** Null when the process has no addresses (or storage) left for another memory; the column is a plain array then. */
export function newMemory(wasm: WebAssemblyApi, pages: number): Memory | null {
  if (!memoryLeft) return null
  try {
    return new wasm.Memory({ initial: pages, maximum: pages, shared: true })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    memoryLeft = false
    return null
  }
}

/** True when rows[from..to) do not stand close together. */
export function areScattered(rows: Int32Array, from: number, to: number): boolean {
  // Rows in no order are scattered too, and mostly seen by the last one standing before the first.
  const span = to - from > 1 ? rows[to - 1]! - rows[from]! : 0
  return span < 0 || span > (to - from) * SCATTERED_SPAN
}

/**
 * (valuesAt, rowBytes, rows, bytes): reads a word of every 64 of the first `bytes` bytes of the rows, for nothing but that
 * the processor fetches them all at the same time. Rows that lie scattered would be fetched one after the other by the
 * kernel: too much work stands between two of them for the processor to see the next one coming. (What follows in a
 * long row it fetches ahead by itself.)
 */
export function touchFunction(): WasmFunction {
  const [valuesAt, rowBytes, rows, bytes, offset, at, end, seen] = [0, 1, 2, 3, 4, 5, 6, 7] as const
  const touchRow = [
    ...set(at, i32.add(get(valuesAt), i32.mul(i32.load(ROWS_AT, get(offset)), get(rowBytes)))),
    ...set(end, i32.add(get(at), get(bytes))),
    ...repeat(
      [...set(seen, i32.xor(get(seen), i32.load(0, get(at)))), ...set(at, i32.add(get(at), i32.const(64)))],
      i32.ltU(get(at), get(end)),
    ),
    ...set(offset, i32.add(get(offset), i32.const(4))),
  ]
  return {
    name: 'touch',
    parameters: [I32, I32, I32, I32],
    locals: [I32, I32, I32, I32],
    body: [
      ...repeat(touchRow, i32.ltU(get(offset), i32.shl(get(rows), i32.const(2)))),
      // Stored, so that no compiler leaves the loads out; scores go over it.
      ...i32.store(SCORES_AT, i32.const(0), get(seen)),
    ],
  }
}
