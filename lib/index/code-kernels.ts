/**
 * The kernel of vector-codes.ts: whole-number products of a query with rows of codes, on the processor's vector unit.
 *
 * Sixteen codes of one byte are widened to 16 bits, multiplied with sixteen numbers of the query and added up in pairs, in
 * eight sums of 32 bits. The caller sees to it that no sum leaves their range; so the result is exact.
 */
import {
  type Code,
  get,
  I32,
  i32,
  i32x4,
  repeat,
  set,
  tee,
  V128,
  v128,
  type WasmFunction,
  wasmModule,
} from './wasm-code.js'
import {
  QUERY_AT,
  ROWS_AT,
  SCORES_AT,
  type TouchRows,
  touchFunction,
  type WebAssemblyApi,
} from './wasm-memory.js'

/** Elements that the kernel takes at a time. */
export const STEP = 16

type CodeKernel = (codesAt: number, stride: number, steps: number, rows: number) => void

export interface CodeExports {
  readonly dots: CodeKernel
  readonly touch: TouchRows
}

/** (codesAt, stride, steps, rows): d·c of the rows whose numbers stand from ROWS_AT on, as int32 from SCORES_AT on. */
function dotsFunction(): WasmFunction {
  const [codesAt, stride, steps, rows, offset, at, query, left, even, odd] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ] as const
  const add = (sum: number, half: number): Code =>
    set(
      sum,
      i32x4.add(get(sum), i32x4.dot(v128.load8x8(half * 8, get(at)), v128.load(half * 16, get(query)))),
    )
  const lanes = [0, 1, 2, 3].map(lane => i32x4.lane(lane, get(even)))
  const row = [
    ...set(at, i32.add(get(codesAt), i32.mul(i32.load(ROWS_AT, get(offset)), get(stride)))),
    ...set(query, i32.const(QUERY_AT)),
    ...set(left, get(steps)),
    ...set(even, v128.zero),
    ...set(odd, v128.zero),
    ...repeat(
      [
        ...add(even, 0),
        ...add(odd, 1),
        ...set(at, i32.add(get(at), i32.const(STEP))),
        ...set(query, i32.add(get(query), i32.const(STEP * 2))),
      ],
      tee(left, i32.sub(get(left), i32.const(1))),
    ),
    ...set(even, i32x4.add(get(even), get(odd))),
    ...i32.store(
      SCORES_AT,
      get(offset),
      i32.add(i32.add(lanes[0]!, lanes[1]!), i32.add(lanes[2]!, lanes[3]!)),
    ),
    ...set(offset, i32.add(get(offset), i32.const(4))),
  ]
  return {
    name: 'dots',
    parameters: [I32, I32, I32, I32],
    locals: [I32, I32, I32, I32, V128, V128],
    body: repeat(row, i32.ltU(get(offset), i32.shl(get(rows), i32.const(2)))),
  }
}

/** undefined: not tried yet; null: not there. */
let compiled: object | null | undefined

/** The compiled kernels, or null on a processor without the vector instructions. */
export function codeModule(wasm: WebAssemblyApi): object | null {
  if (compiled === undefined) {
    const bytes = wasmModule([dotsFunction(), touchFunction()])
    compiled = wasm.validate(bytes) ? new wasm.Module(bytes) : null
  }
  return compiled
}
