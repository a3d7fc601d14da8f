/**
 * `random_sample(p)`: keeps about p of the rows that passed the rest of the filter.
 *
 * Each row is kept or dropped on its own, which needs no count beforehand and works segment by segment. The dice come
 * from the caller, so that runs can be repeated.
 */

/** Clears about 1 − `share` of the one bits of rows [from, to). @param next numbers in [0, 1) */
export function sampleBits(
  bits: Uint32Array,
  from: number,
  to: number,
  share: number,
  next: () => number,
): void {
  for (let row = from; row < to; row++) {
    const bit = 1 << (row & 31)
    if ((bits[row >>> 5]! & bit) !== 0 && next() >= share) bits[row >>> 5]! &= ~bit
  }
}
