/**
 * A very small WebAssembly assembler: just the instructions that the vector kernels are written with.
 *
 * Every function returns the bytes of an expression or a statement; operands are expressions that stand before the
 * operator, so nesting calls is nesting code. `wasmModule` wraps function bodies into a module that imports one memory
 * (`env.memory`, shared: shared-memory.ts says why) and exports each function. Nothing is checked here: the engine validates the module when it compiles
 * it, and the tests compile every function there is.
 *
 * Bytes are those of the WebAssembly core specification 2.0, chapter 5 "Binary format".
 */

export type Code = readonly number[]

export const I32 = 0x7f
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b

/** Name, parameters, further locals and statements of a function without result. */
export interface WasmFunction {
  readonly name: string
  /** Value types; parameter `i` is local `i`. */
  readonly parameters: readonly number[]
  /** Value types of the locals behind the parameters; they start as zero. */
  readonly locals: readonly number[]
  readonly body: Code
}

/** An unsigned number in groups of seven bits, lowest first. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return bytes
}

/** A signed number in groups of seven bits; the last group carries the sign. */
function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest < -0x40 || rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest & 0x7f)
  return bytes
}

export const get = (local: number): Code => [0x20, ...unsigned(local)]
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)]
/** Sets a local and leaves its value as the value of the expression. */
export const tee = (local: number, value: Code): Code => [...value, 0x22, ...unsigned(local)]

/** An operator behind its operands. */
const plain =
  (...opcode: number[]) =>
  (...operands: Code[]): Code => [...operands.flat(), ...opcode]

const simd = (opcode: number): ((...operands: Code[]) => Code) => plain(0xfd, ...unsigned(opcode))

/** A load or store: `align` is the binary logarithm of the alignment promised. */
const memory =
  (align: number, ...opcode: number[]) =>
  (offset: number, ...operands: Code[]): Code => [
    ...operands.flat(),
    ...opcode,
    ...unsigned(align),
    ...unsigned(offset),
  ]

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: plain(0x6a),
  sub: plain(0x6b),
  mul: plain(0x6c),
  and: plain(0x71),
  xor: plain(0x73),
  shl: plain(0x74),
  shrU: plain(0x76),
  ltU: plain(0x49),
  load: memory(2, 0x28),
  store: memory(2, 0x36),
}

export const f64 = {
  const: (value: number): Code => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)],
  add: plain(0xa0),
  sub: plain(0xa1),
  mul: plain(0xa2),
  div: plain(0xa3),
  min: plain(0xa4),
  max: plain(0xa5),
  sqrt: plain(0x9f),
  eq: plain(0x61),
  /** Exact value of an f32. */
  promote: plain(0xbb),
  load: memory(3, 0x2b),
}

export const f32 = {
  /** Nearest f32 of an f64. */
  demote: plain(0xb6),
  load: memory(2, 0x2a),
  store: memory(2, 0x38),
}

export const f64x2 = {
  add: simd(0xf0),
  sub: simd(0xf1),
  mul: simd(0xf2),
  /** Exact values of the two lower f32 lanes. */
  promoteLow: simd(0x5f),
  lane: (lane: number, value: Code): Code => [...value, 0xfd, 0x21, lane],
}

export const i32x4 = {
  add: simd(0xae),
  /** Products of eight pairs of 16-bit numbers, added up two by two. */
  dot: simd(0xba),
  lane: (lane: number, value: Code): Code => [...value, 0xfd, 0x1b, lane],
}

export const v128 = {
  zero: [0xfd, 0x0c, ...new Array<number>(16).fill(0)] as Code,
  load: memory(3, 0xfd, 0x00),
  /** Loads eight signed bytes as 16-bit numbers. */
  load8x8: memory(0, 0xfd, 0x01),
  /** Loads eight bytes into the lower half. */
  load64: memory(2, 0xfd, 0x5d),
}

/** `condition` ≠ 0 ? `yes` : `no`; both are computed. */
export const select = (yes: Code, no: Code, condition: Code): Code => [...yes, ...no, ...condition, 0x1b]
/** Runs `body` when `condition` ≠ 0. */
export const when = (condition: Code, body: Code): Code => [...condition, 0x04, 0x40, ...body, 0x0b]
/** Runs `body`, and again as long as `condition` ≠ 0 behind it. */
export const repeat = (body: Code, condition: Code): Code => [
  0x03,
  0x40,
  ...body,
  ...condition,
  0x0d,
  0x00,
  0x0b,
]

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes]
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))]
const text = (name: string): Code => sized([...Buffer.from(name)])

/** Pages that an imported memory may have at most: any that there are. */
const PAGES_MAX = 65_536

/** Bytes of a module of `functions`, each exported by its name; the memory, which is shared, is imported as `env.memory`. */
export function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(f => [0x60, ...vector(f.parameters.map(type => [type])), 0x00])
  const bodies = functions.map(f => {
    const locals = vector(f.locals.map(type => [1, type]))
    return sized([...locals, ...f.body, 0x0b])
  })
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x03, 0x00, ...unsigned(PAGES_MAX)]]),
    ...section(
      3,
      functions.map((_, i) => unsigned(i)),
    ),
    ...section(
      7,
      functions.map((f, i) => [...text(f.name), 0x00, ...unsigned(i)]),
    ),
    ...section(10, bodies),
  ])
}
