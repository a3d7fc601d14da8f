/**
 * An embedding that needs no model: the words of a text, counted in buckets that a hash of the word chooses.
 *
 * Texts that share words are near each other, the same text always has the same vector, and no network is needed.
 */

export const DIMENSION = 256

/** FNV-1a, 32 bits. */
function hash(word) {
  let value = 0x811c9dc5
  for (let i = 0; i < word.length; i++) value = Math.imul(value ^ word.charCodeAt(i), 0x01000193) >>> 0
  return value
}

/** Lower-case words; names like parseIsoDate and parse_iso_date are three words. */
const wordsOf = text =>
  text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .match(/[a-z0-9]+/g) ?? []

/** Vector of a text, of length 1. */
export function embed(text) {
  const vector = new Array(DIMENSION).fill(0)
  for (const word of wordsOf(text)) vector[hash(word) % DIMENSION] += 1
  const length = Math.hypot(...vector)
  return length === 0 ? vector.with(0, 1) : vector.map(value => value / length)
}

/** Cosine of two vectors of length 1. */
export const cosine = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0)
