/**
 * 16-bit floats as raw words: IEEE half precision (fp16) and bfloat16.
 *
 * Vectors of these types are kept as Uint16Array; JavaScript computes in float32 or float64, so every value passes
 * through here once on the way in and once on the way out. fp16 rounds to nearest, ties to even (IEEE 754); bf16 keeps
 * the upper 16 bits of the float32, that is, it truncates (Milvus does the same, upsert-semantics §6.3).
 * Overflow becomes infinity, which validate-columns.ts rejects.
 */

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** fp16 word of a number (rounded to float32 first). */
export function float16Of(value: number): number {
  float[0] = value
  const word = bits[0]!
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude >= 0x47800000) {
    // 65536 and above, infinity, NaN (kept quiet).
    return magnitude > 0x7f800000 ? sign | 0x7e00 : sign | 0x7c00
  }
  if (magnitude < 0x38800000) {
    // Below 2^-14: a subnormal half. Adding 0.5 lets the float32 adder do the rounding at the right bit.
    float[0] = (magnitude === 0 ? 0 : Math.abs(float[0]!)) + 0.5
    return sign | (bits[0]! - 0x3f000000)
  }
  // Rebias the exponent (127 to 15) and round to even; a carry into the exponent is the right answer.
  const odd = (magnitude >>> 13) & 1
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13)
}

/** Number held by an fp16 word. Exact. */
export function numberOfFloat16(word: number): number {
  const exponent = (word >>> 10) & 0x1f
  const fraction = word & 0x3ff
  let value: number
  if (exponent === 0) value = fraction * 2 ** -24
  else if (exponent === 31) value = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN
  else value = (1 + fraction / 1024) * 2 ** (exponent - 15)
  return (word & 0x8000) === 0 ? value : -value
}

/** bfloat16 word of a number: the upper half of its float32 form. A NaN stays a NaN. */
export function bfloat16Of(value: number): number {
  float[0] = value
  const word = bits[0]!
  const upper = word >>> 16
  return (word & 0x7fffffff) > 0x7f800000 ? upper | 0x40 : upper
}

/** Number held by a bfloat16 word. Exact. */
export function numberOfBfloat16(word: number): number {
  bits[0] = word << 16
  return float[0]!
}

/** Writes `count` numbers as fp16 words at `target[at]`. */
export function float16Into(target: Uint16Array, at: number, values: ArrayLike<number>, count: number): void {
  for (let i = 0; i < count; i++) target[at + i] = float16Of(values[i]!)
}

/** Writes `count` numbers as bfloat16 words at `target[at]`. */
export function bfloat16Into(
  target: Uint16Array,
  at: number,
  values: ArrayLike<number>,
  count: number,
): void {
  for (let i = 0; i < count; i++) target[at + i] = bfloat16Of(values[i]!)
}

/** Writes `count` fp16 words from `words[from]` as numbers at `target[at]`. */
export function numbersOfFloat16Into(
  target: Float32Array | number[],
  at: number,
  words: Uint16Array,
  from: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) target[at + i] = numberOfFloat16(words[from + i]!)
}

/** Writes `count` bfloat16 words from `words[from]` as numbers at `target[at]`. */
export function numbersOfBfloat16Into(
  target: Float32Array | number[],
  at: number,
  words: Uint16Array,
  from: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) target[at + i] = numberOfBfloat16(words[from + i]!)
}
