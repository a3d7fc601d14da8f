/**
 * Bitsets as bare Uint32Array words: bit `i` lives in word `i >>> 5`, position `i & 31`.
 *
 * Plain functions over typed arrays, because filters, null bitmaps and visibility masks are combined word by word in
 * hot loops. Invariant kept by every function here: bits at or beyond `count` are 0.
 */

/** Words needed for `count` bits. */
export function wordsFor(count: number): number {
  return (count + 31) >>> 5
}

/** A bitset of `count` zero bits. */
export function newBits(count: number): Uint32Array {
  return new Uint32Array(wordsFor(count))
}

/** A bitset of `count` one bits. */
export function onesBits(count: number): Uint32Array {
  const words = new Uint32Array(wordsFor(count)).fill(0xffffffff)
  trimBits(words, count)
  return words
}

/** Clears the bits at or beyond `count`. */
export function trimBits(words: Uint32Array, count: number): void {
  const last = count >>> 5
  if (last < words.length) {
    const keep = count & 31
    words[last] = keep === 0 ? 0 : words[last]! & (0xffffffff >>> (32 - keep))
    words.fill(0, last + 1)
  }
}

export function getBit(words: Uint32Array, i: number): boolean {
  return ((words[i >>> 5]! >>> (i & 31)) & 1) === 1
}

export function setBit(words: Uint32Array, i: number): void {
  words[i >>> 5]! |= 1 << (i & 31)
}

export function clearBit(words: Uint32Array, i: number): void {
  words[i >>> 5]! &= ~(1 << (i & 31))
}

/** target &= other, over the words of `target` (a shorter `other` counts as zeros). */
export function andInto(target: Uint32Array, other: Uint32Array): void {
  const shared = Math.min(target.length, other.length)
  for (let w = 0; w < shared; w++) target[w]! &= other[w]!
  target.fill(0, shared)
}

/** target |= other, over the shared words. */
export function orInto(target: Uint32Array, other: Uint32Array): void {
  const shared = Math.min(target.length, other.length)
  for (let w = 0; w < shared; w++) target[w]! |= other[w]!
}

/** target &= ~other, over the shared words. */
export function andNotInto(target: Uint32Array, other: Uint32Array): void {
  const shared = Math.min(target.length, other.length)
  for (let w = 0; w < shared; w++) target[w]! &= ~other[w]!
}

/** Number of one bits. */
export function countBits(words: Uint32Array): number {
  let count = 0
  for (let w = 0; w < words.length; w++) {
    let v = words[w]!
    v = v - ((v >>> 1) & 0x55555555)
    v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
    count += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return count
}

/** Offsets of the one bits, ascending. `count` may be given when the number of one bits is already known. */
export function bitOffsets(words: Uint32Array, count: number = countBits(words)): Int32Array {
  const out = new Int32Array(count)
  let n = 0
  for (let w = 0; w < words.length && n < count; w++) {
    let v = words[w]!
    while (v !== 0) {
      const low = v & -v
      out[n++] = (w << 5) + (31 - Math.clz32(low))
      v ^= low
    }
  }
  return out
}
