/**
 * A small copy of a column of float vectors, one byte an element, with which a scan passes over the rows that cannot be
 * hits without reading their vectors.
 *
 * The one idea: an exact scan waits for memory, above all where the wanted rows lie scattered. A row's codes are a
 * quarter of its vector, and with them stands how far they are off. So from the codes follows a bound that the row's
 * true score cannot be better than; a row whose bound is worse than the worst of the k best so far is left out, every
 * other one is scored from its vector as ever. Answers are the same, bit for bit, with and without codes.
 *
 * With row x = s·c + e (c the codes) and query q = t·d + f (d in 16 bits), q·x = s·t·(d·c) + s·(f·c) + q·e, and by
 * Cauchy and Schwarz |q·x − s·t·(d·c)| ≤ |f|·(|x| + |e|) + |q|·|e|. d·c is computed in whole numbers, exactly.
 *
 * A row's record: dim codes, then float32 s, |e| (rounded up) and |x|, from the next multiple of 4. Numbers too large
 * for these bounds to be safe get |e| = ∞, which leaves nothing out. Invariant: codes are of a column that no longer
 * changes.
 */
import { Turn } from '../base/turn.js'
import { type CodeExports, codeModule, STEP } from './code-kernels.js'
import type { DenseQuery } from './query-vector.js'
import {
  areScattered,
  BYTES_MAX,
  CALL_ROWS,
  newMemory,
  PAGE_BYTES,
  QUERY_AT,
  ROWS_AT,
  SCORES_AT,
  TOUCH_ROWS,
  type WebAssemblyApi,
  wasmApi,
} from './wasm-memory.js'

/** Below this many dimensions a row is no smaller than what stands beside its codes. */
const DIM_MIN = 16
/** Columns of fewer rows are compared in well under a millisecond. */
const ROWS_MIN = 4096
/** What the processor fetches at a time. */
const LINE_BYTES = 64
/** Records begin with a line of their own when that makes them no more than so much longer: one fetch fewer for each. */
const LINES_SHARE_MAX = 7 / 6
/** Elements coded between two looks at the clock: 0.2 ms, and ten times that before the code is compiled. */
const SLICE_ELEMENTS = 32_768
const CODE_MAX = 127
const QUERY_CODE_MAX = 32_767
/** Lengths up to which no product of two leaves the range of float32. */
const LENGTH_MAX = 1e18
/** Scales below this one are too small to divide by. */
const SCALE_MIN = 1e-36
/** More than all roundings together: of scores and lengths to float32, and of the sums in float64. */
const SLACK = 1e-6
/** Added to every error, so that none is lost among the smallest numbers. */
const ERROR_MIN = 1e-37
/** More than a score is moved by rounding it to one of the smallest float32 numbers, which are 1.4e-45 apart. */
const SCORE_SLACK = 2e-45

/** Codes of one column are made at a time: those of ten at once would hold the event loop ten times as long. */
let building: Promise<void> = Promise.resolve()

/** True for columns that are worth having codes. */
export function worthCoding(rowCount: number, dim: number): boolean {
  return rowCount >= ROWS_MIN && dim >= DIM_MIN
}

/** A query as the codes see it, prepared once per scan. */
interface CodedQuery {
  readonly query: DenseQuery
  /** t, |f| */
  readonly scale: number
  readonly error: number
}

export class VectorCodes {
  readonly dim: number
  /** Bytes held. */
  readonly byteLength: number
  readonly #exports: CodeExports
  readonly #codesAt: number
  readonly #stride: number
  readonly #steps: number
  readonly #rows: Int32Array
  readonly #dots: Int32Array
  readonly #query: Int16Array
  readonly #codes: Int8Array
  readonly #floats: Float32Array
  /** Where s stands in a record, counted in floats. */
  readonly #factsAt: number
  readonly #strideFloats: number
  #coded: CodedQuery | null = null

  /** Use VectorCodes.build(). */
  constructor(wasm: WebAssemblyApi, module: object, buffer: SharedArrayBuffer, memory: object, dim: number) {
    this.dim = dim
    this.byteLength = buffer.byteLength
    this.#exports = new wasm.Instance(module, { env: { memory } }).exports as CodeExports
    this.#steps = Math.ceil(dim / STEP)
    this.#codesAt = codesAtOf(dim)
    this.#stride = strideOf(dim)
    this.#rows = new Int32Array(buffer, ROWS_AT, CALL_ROWS)
    this.#dots = new Int32Array(buffer, SCORES_AT, CALL_ROWS)
    this.#query = new Int16Array(buffer, QUERY_AT, this.#steps * STEP)
    this.#codes = new Int8Array(buffer, this.#codesAt)
    this.#floats = new Float32Array(buffer, this.#codesAt, (buffer.byteLength - this.#codesAt) >>> 2)
    this.#factsAt = Math.ceil(dim / 4)
    this.#strideFloats = this.#stride >>> 2
  }

  /**
   * Codes of `rowCount` vectors of `dim` numbers, made in slices; null where they cannot be had (no vector unit, no
   * memory) or when `wanted` says meanwhile that nobody needs them.
   */
  static build(
    values: Float32Array,
    rowCount: number,
    dim: number,
    wanted: () => boolean = () => true,
  ): Promise<VectorCodes | null> {
    const codes = building.then(() => VectorCodes.#build(values, rowCount, dim, wanted))
    const next = (): void => undefined
    building = codes.then(next, next)
    return codes
  }

  static async #build(
    values: Float32Array,
    rowCount: number,
    dim: number,
    wanted: () => boolean,
  ): Promise<VectorCodes | null> {
    const turn = new Turn()
    await turn.next()
    if (!wanted()) return null
    const wasm = wasmApi()
    const bytes = codesAtOf(dim) + rowCount * strideOf(dim) + STEP
    if (wasm === undefined || bytes > BYTES_MAX) return null
    const module = codeModule(wasm)
    if (turn.due()) await turn.next()
    const memory = module === null ? null : newMemory(wasm, Math.ceil(bytes / PAGE_BYTES))
    if (module === null || memory === null) return null
    const codes = new VectorCodes(wasm, module, memory.buffer, memory, dim)
    const step = Math.max(1, Math.floor(SLICE_ELEMENTS / dim))
    for (let from = 0; from < rowCount; from += step) {
      if (turn.due()) {
        await turn.next()
        if (!wanted()) return null
      }
      codes.#encode(values, from, Math.min(rowCount, from + step))
    }
    return codes
  }

  #encode(values: Float32Array, from: number, to: number): void {
    const dim = this.dim
    for (let row = from; row < to; row++) {
      const start = row * dim
      let largest = 0
      let squares = 0
      for (let j = 0; j < dim; j++) {
        const value = values[start + j]!
        const size = Math.abs(value)
        if (size > largest) largest = size
        squares += value * value
      }
      const length = Math.sqrt(squares)
      const facts = row * this.#strideFloats + this.#factsAt
      this.#floats[facts] = largest / CODE_MAX
      this.#floats[facts + 2] = length
      const scale = this.#floats[facts]!
      // Also false for what is no number.
      const usable = length <= LENGTH_MAX && scale >= SCALE_MIN
      const error = usable ? this.#encodeRow(values, start, row * this.#stride, scale) : length
      this.#floats[facts + 1] =
        length <= LENGTH_MAX ? error * (1 + SLACK) + ERROR_MIN : Number.POSITIVE_INFINITY
    }
  }

  /** Writes a row's codes; returns |e|. */
  #encodeRow(values: Float32Array, start: number, at: number, scale: number): number {
    const codes = this.#codes
    const dim = this.dim
    const perUnit = 1 / scale
    let squares = 0
    for (let j = 0; j < dim; j++) {
      const value = values[start + j]!
      const exact = value * perUnit
      // Rounded without a call; whichever neighbour it is, what it is off by is counted.
      const code = Math.floor(exact + 0.5) | 0
      codes[at + j] = code
      const off = value - code * scale
      squares += off * off
    }
    return Math.sqrt(squares)
  }

  /** Prepares a query; false when it is too long for the bounds to be safe. */
  begin(query: DenseQuery): boolean {
    const { values, norm } = query
    this.#coded = null
    if (!(norm <= LENGTH_MAX)) return false
    let largest = 0
    for (let j = 0; j < values.length; j++) largest = Math.max(largest, Math.abs(values[j]!))
    // No sum of products may leave the range of int32.
    const codeMax = Math.min(QUERY_CODE_MAX, Math.floor((2 ** 31 - 1) / (CODE_MAX * values.length)))
    const scale = largest / codeMax
    const coded = this.#query
    coded.fill(0)
    let squares = 0
    for (let j = 0; j < values.length; j++) {
      const code = scale > 0 ? Math.round(values[j]! / scale) : 0
      coded[j] = code
      const off = values[j]! - code * scale
      squares += off * off
    }
    this.#coded = { query, scale, error: Math.sqrt(squares) * (1 + SLACK) + ERROR_MIN }
    return true
  }

  /**
   * Copies to `out` those of rows[from..to), at most CALL_ROWS, whose signed score may be at or below `threshold`;
   * returns their number. After begin().
   */
  sift(rows: Int32Array, from: number, to: number, threshold: number, out: Int32Array): number {
    const { dots, touch } = this.#exports
    const { query, scale, error } = this.#coded!
    const { metric, norm } = query
    const step = areScattered(rows, from, to) ? TOUCH_ROWS : CALL_ROWS
    const bytes = this.#factsAt * 4 + 12
    let kept = 0
    for (let at = from; at < to; at += step) {
      const count = Math.min(step, to - at)
      for (let i = 0; i < count; i++) this.#rows[i] = rows[at + i]!
      if (step === TOUCH_ROWS) touch(this.#codesAt, this.#stride, count, bytes)
      dots(this.#codesAt, this.#stride, this.#steps, count)
      for (let i = 0; i < count; i++) {
        const row = rows[at + i]!
        const facts = row * this.#strideFloats + this.#factsAt
        const off = this.#floats[facts + 1]!
        const length = this.#floats[facts + 2]!
        const product = this.#floats[facts]! * scale * this.#dots[i]!
        // No score and no sum of products is rounded by as much as the last term.
        const most = product + norm * off + error * (length + off) + norm * length * SLACK
        let best: number
        if (metric === 'L2') best = (norm * norm + length * length) * (1 - SLACK) - 2 * most
        else if (metric === 'IP') best = -most
        else best = -Math.max(-1, most / (norm * length) + SLACK)
        // Not `best <= threshold`: what is no number is looked at.
        if (!(best - SCORE_SLACK > threshold)) out[kept++] = row
      }
    }
    return kept
  }
}

function codesAtOf(dim: number): number {
  return Math.ceil((QUERY_AT + Math.ceil(dim / STEP) * STEP * 2) / 64) * 64
}

/** Bytes from one record to the next. */
function strideOf(dim: number): number {
  const bytes = Math.ceil(dim / 4) * 4 + 12
  const inLines = Math.ceil(bytes / LINE_BYTES) * LINE_BYTES
  return inLines <= bytes * LINES_SHARE_MAX ? inLines : bytes
}
