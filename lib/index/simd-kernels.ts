/**
 * The dense kernels of kernels.ts once more, for the processor's vector unit, by way of WebAssembly.
 *
 * WebAssembly sees only its own memory, so a column that is scanned this way lives in one: `vectorArray` makes room for
 * it, file bytes are read straight into it, and it is an ordinary Float32Array to everybody else. In front of the
 * values lie, for the length of one call, the row numbers, the scores and the query in float64. Nothing is kept there
 * between two calls.
 *
 * Invariant: a score has the same bits as that of the JavaScript kernel: element j goes to accumulator j mod 4 in
 * float64, the sums are added in the same order, the result is rounded to float32 once. WebAssembly's arithmetic is
 * IEEE 754 without exceptions, as JavaScript's is. So it never matters which of the two computed a score.
 *
 * Where WebAssembly, its vector instructions or the memory are not to be had, columns are plain arrays and the
 * JavaScript kernels serve them. Measured (COSINE, ns per row, JavaScript / here): all of 100,000 rows of 100-d 122 / 37,
 * every tenth of them 362 / 122, all of 20,000 rows of 768-d 880 / 190, every tenth of them 1270 / 540.
 */
import type { Turn } from '../base/turn.js'
import type { MetricType } from './index-spec.js'
import type { DenseKernel } from './kernels.js'
import {
  type Code,
  F64,
  f32,
  f64,
  f64x2,
  get,
  I32,
  i32,
  repeat,
  select,
  set,
  tee,
  V128,
  v128,
  type WasmFunction,
  wasmModule,
  when,
} from './wasm-code.js'
import {
  areScattered,
  BYTES_MAX,
  CALL_ROWS,
  newMemory,
  PAGE_BYTES,
  QUERY_AT,
  ROWS_AT,
  SCORES_AT,
  TOUCH_BYTES_MAX,
  TOUCH_ROWS,
  type TouchRows,
  touchFunction,
  type WebAssemblyApi,
  wasmApi,
} from './wasm-memory.js'

/** Columns below this size stay plain: each memory reserves some gigabytes of addresses (not of storage). */
const BYTES_MIN = 262_144

type WasmKernel = (valuesAt: number, dim: number, norm: number, pairs: number) => void

/** A column's memory: its kernels, and views of the places in front of the values. */
interface Prepared {
  readonly kernels: Readonly<Record<string, WasmKernel>>
  readonly touch: TouchRows
  readonly rows: Int32Array
  readonly scores: Float32Array
  /** Everything from QUERY_AT up to the values. */
  readonly query: Float64Array
}

/** Parameters of a kernel. */
const VALUES_AT = 0
const DIM = 1
const NORM = 2
const PAIRS = 3
const QUERY = 4
const LEFT = 5
/** Elements of the query, and of one row: two, or one. */
const QUERY_TWO = 6
const ROW_TWO = 7
const ONE = 8

/** Locals of one of the two rows that are scored side by side. */
interface RowLocals {
  /** Offset behind ROWS_AT and SCORES_AT of the row's number and score. */
  readonly offset: number
  /** Address of the next element. */
  readonly at: number
  /** Sums 0 and 1, then 2 and 3: of the score and, for COSINE, of the row's length. */
  readonly sums: readonly [number, number]
  readonly lengths: readonly [number, number]
  /** The first of the four sums, which also takes the elements behind the last whole four. */
  readonly first: number
  readonly firstLength: number
}

const ROWS: readonly RowLocals[] = [9, 17].map(local => ({
  offset: local,
  at: local + 1,
  sums: [local + 2, local + 3],
  lengths: [local + 4, local + 5],
  first: local + 6,
  firstLength: local + 7,
}))
const ROW_TYPES = [I32, I32, V128, V128, V128, V128, F64, F64]
const PARAMETER_TYPES = [I32, I32, F64, I32]
const LOCAL_TYPES = [I32, I32, V128, V128, F64, ...ROW_TYPES, ...ROW_TYPES]

const add2 = (local: number, term: Code): Code => set(local, f64x2.add(get(local), term))
const add1 = (local: number, term: Code): Code => set(local, f64.add(get(local), term))
const step = (local: number, by: number): Code => set(local, i32.add(get(local), i32.const(by)))

/** (sum 0 + sum 1) + (sum 2 + sum 3) */
const total = (first: number, [a, b]: readonly [number, number]): Code =>
  f64.add(f64.add(get(first), f64x2.lane(1, get(a))), f64.add(f64x2.lane(0, get(b)), f64x2.lane(1, get(b))))

/** How a metric adds up two elements at a time, one at a time, and what it makes of the sums. */
interface Shape {
  /** Adds two elements, given the row's, to sum `half` (0 or 1); the query's are in QUERY_TWO. */
  readonly two: (locals: RowLocals, half: 0 | 1, row: Code) => Code
  readonly one: (locals: RowLocals, row: Code, query: Code) => Code
  readonly score: (locals: RowLocals) => Code
}

const l2: Shape = {
  two: ({ sums }, half, row) => [
    ...set(ROW_TWO, f64x2.sub(get(QUERY_TWO), row)),
    ...add2(sums[half], f64x2.mul(get(ROW_TWO), get(ROW_TWO))),
  ],
  one: ({ first }, row, query) => [
    ...set(ONE, f64.sub(query, row)),
    ...add1(first, f64.mul(get(ONE), get(ONE))),
  ],
  score: ({ first, sums }) => total(first, sums),
}

const innerProduct: Shape = {
  two: ({ sums }, half, row) => add2(sums[half], f64x2.mul(get(QUERY_TWO), row)),
  one: ({ first }, row, query) => add1(first, f64.mul(query, row)),
  score: ({ first, sums }) => total(first, sums),
}

const cosine: Shape = {
  two: ({ sums, lengths }, half, row) => [
    ...set(ROW_TWO, row),
    ...add2(sums[half], f64x2.mul(get(QUERY_TWO), get(ROW_TWO))),
    ...add2(lengths[half], f64x2.mul(get(ROW_TWO), get(ROW_TWO))),
  ],
  one: ({ first, firstLength }, row, query) => [
    ...set(ONE, row),
    ...add1(first, f64.mul(query, get(ONE))),
    ...add1(firstLength, f64.mul(get(ONE), get(ONE))),
  ],
  score: ({ first, sums, firstLength, lengths }) => {
    const length = f64.mul(get(NORM), f64.sqrt(total(firstLength, lengths)))
    const quotient = f64.div(total(first, sums), tee(ONE, length))
    const angle = select(f64.const(0), quotient, f64.eq(get(ONE), f64.const(0)))
    return f64.min(f64.const(1), f64.max(f64.const(-1), angle))
  },
}

/** Four elements of every row. */
const fourOf = (shape: Shape): Code => [
  ...([0, 1] as const).flatMap(half => [
    ...set(QUERY_TWO, v128.load(half * 16, get(QUERY))),
    ...ROWS.flatMap(row => shape.two(row, half, f64x2.promoteLow(v128.load64(half * 8, get(row.at))))),
  ]),
  ...ROWS.flatMap(row => step(row.at, 16)),
  ...step(QUERY, 32),
]

/** One element of every row. */
const oneOf = (shape: Shape): Code => [
  ...ROWS.flatMap(row => shape.one(row, f64.promote(f32.load(0, get(row.at))), f64.load(0, get(QUERY)))),
  ...ROWS.flatMap(row => step(row.at, 4)),
  ...step(QUERY, 8),
]

/**
 * (valuesAt, dim, norm, pairs): scores the rows whose numbers stand from ROWS_AT on, 2 · pairs of them.
 *
 * Row i goes side by side with row pairs + i: while the sums of one wait for an addition or for memory, the other's go
 * on, and both use the query elements that were just read. The two are far apart, because two neighbours read at the
 * same time look like no pattern to the processor, which then reads nothing ahead.
 */
function kernelFunction(name: string, shape: Shape): WasmFunction {
  const start = (row: RowLocals): Code => {
    const rowBytes = i32.shl(get(DIM), i32.const(2))
    const at = i32.add(get(VALUES_AT), i32.mul(i32.load(ROWS_AT, get(row.offset)), rowBytes))
    return [...set(row.at, at), ...[...row.sums, ...row.lengths].flatMap(sum => set(sum, v128.zero))]
  }
  const close = (row: RowLocals): Code => [
    ...set(row.first, f64x2.lane(0, get(row.sums[0]))),
    ...set(row.firstLength, f64x2.lane(0, get(row.lengths[0]))),
  ]
  const store = (row: RowLocals): Code => [
    ...f32.store(SCORES_AT, get(row.offset), f32.demote(shape.score(row))),
    ...step(row.offset, 4),
  ]
  const countDown = tee(LEFT, i32.sub(get(LEFT), i32.const(1)))
  const scorePair = [
    ...ROWS.flatMap(start),
    ...set(QUERY, i32.const(QUERY_AT)),
    ...when(tee(LEFT, i32.shrU(get(DIM), i32.const(2))), repeat(fourOf(shape), countDown)),
    ...ROWS.flatMap(close),
    ...when(tee(LEFT, i32.and(get(DIM), i32.const(3))), repeat(oneOf(shape), countDown)),
    ...ROWS.flatMap(store),
  ]
  const [first, second] = ROWS as [RowLocals, RowLocals]
  const end = i32.shl(get(PAIRS), i32.const(2))
  return {
    name,
    parameters: PARAMETER_TYPES,
    locals: LOCAL_TYPES,
    body: [
      ...set(second.offset, end),
      ...when(get(PAIRS), repeat(scorePair, i32.ltU(get(first.offset), end))),
    ],
  }
}

/** undefined: not tried yet; null: not there. */
let kernelModule: object | null | undefined
/** Memories by the buffer that their columns look into. */
const preparedOf = new WeakMap<ArrayBufferLike, Prepared>()

/** The kernels, each put together when asked for. */
const FUNCTIONS: readonly (() => WasmFunction)[] = [
  () => kernelFunction('L2', l2),
  () => kernelFunction('IP', innerProduct),
  () => kernelFunction('COSINE', cosine),
  touchFunction,
]

/** The compiled kernels, or null where they cannot run. */
function moduleOf(wasm: WebAssemblyApi | undefined): object | null {
  if (wasm === undefined) return null
  if (kernelModule === undefined) compileKernels(wasm, wasmModule(FUNCTIONS.map(make => make())))
  return kernelModule ?? null
}

function compileKernels(wasm: WebAssemblyApi, bytes: Uint8Array): void {
  // Invalid only on a processor without the vector instructions.
  kernelModule = wasm.validate(bytes) ? new wasm.Module(bytes) : null
}

/**
 * Makes the kernels ready with turns of the event loop in between: about 6 ms of code that never ran before, which
 * the first `vectorArray` would do in one step.
 */
export async function prepareKernels(turn: Turn): Promise<void> {
  const wasm = wasmApi()
  if (wasm === undefined || kernelModule !== undefined) return
  const functions: WasmFunction[] = []
  for (const make of FUNCTIONS) {
    if (turn.due()) await turn.next()
    functions.push(make())
  }
  if (turn.due()) await turn.next()
  const bytes = wasmModule(functions)
  if (turn.due()) await turn.next()
  if (kernelModule === undefined) compileKernels(wasm, bytes)
}

/**
 * Room for `rowCount` vectors of `dim` float32 numbers, all zero, where the vector unit can read it when that is
 * possible and worth it; else a plain array.
 * @param bytesMin columns of fewer bytes are plain. Default 256 KiB
 */
export function vectorArray(rowCount: number, dim: number, bytesMin = BYTES_MIN): Float32Array {
  const length = rowCount * dim
  const valuesAt = Math.ceil((QUERY_AT + dim * 8) / 64) * 64
  const bytes = valuesAt + length * 4
  const wasm = wasmApi()
  if (wasm === undefined || length * 4 < bytesMin || bytes > BYTES_MAX) return new Float32Array(length)
  const module = moduleOf(wasm)
  const memory = module === null ? null : newMemory(wasm, Math.ceil(bytes / PAGE_BYTES))
  if (module === null || memory === null) return new Float32Array(length)
  const { buffer } = memory
  const { exports } = new wasm.Instance(module, { env: { memory } })
  preparedOf.set(buffer, {
    kernels: exports as Record<string, WasmKernel>,
    touch: (exports as Pick<Prepared, 'touch'>).touch,
    rows: new Int32Array(buffer, ROWS_AT, CALL_ROWS),
    scores: new Float32Array(buffer, SCORES_AT, CALL_ROWS),
    query: new Float64Array(buffer, QUERY_AT, (valuesAt - QUERY_AT) / 8),
  })
  return new Float32Array(buffer, valuesAt, length)
}

/** The kernel for columns that `vectorArray` made room for; null for any other array. */
export function simdKernel(metric: MetricType, values: Float32Array): DenseKernel | null {
  const prepared = preparedOf.get(values.buffer)
  const kernel = prepared?.kernels[metric]
  if (prepared === undefined || kernel === undefined) return null
  const { rows: rowsIn, scores, query: queryIn, touch } = prepared
  return (query, norm, of, dim, rows, from, to, out) => {
    for (let j = 0; j < dim; j++) queryIn[j] = query[j]!
    const scattered = areScattered(rows, from, to)
    const step = scattered ? TOUCH_ROWS : CALL_ROWS
    for (let at = from; at < to; at += step) {
      const count = Math.min(step, to - at)
      for (let i = 0; i < count; i++) rowsIn[i] = rows[at + i]!
      // An odd row's partner is any row; its score is not looked at.
      if (count % 2 === 1) rowsIn[count] = rows[at]!
      if (scattered) touch(of.byteOffset, dim * 4, count, Math.min(dim * 4, TOUCH_BYTES_MAX))
      kernel(of.byteOffset, dim, norm, (count + 1) >> 1)
      for (let i = 0; i < count; i++) out[at - from + i] = scores[i]!
    }
  }
}
