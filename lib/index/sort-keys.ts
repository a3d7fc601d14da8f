/**
 * Sorts entries by their keys: the work behind every scalar index.
 *
 * Keys are 64 bits, as two unsigned words whose order is the values' order: integers with the sign bit turned, doubles
 * with the bits of negative ones inverted, the first bytes of a text. A radix sort over four 16-bit digits orders them
 * exactly and stably; digits that are the same everywhere are skipped. Texts that agree in eight bytes are ordered by
 * the next eight, and few of them by comparing.
 */

/** Entries to sort: `high[i]`, `low[i]` are the key of entry i. */
export interface Keys {
  readonly high: Uint32Array
  readonly low: Uint32Array
}

/** Texts one behind the other: text i is heap[starts[i] .. starts[i + 1]). */
export interface Texts {
  readonly heap: Uint8Array
  readonly starts: Uint32Array
}

const RADIX = 65_536
const HEAD_BYTES = 8
/** A radix pass costs as much as comparing about this many entries. */
const COMPARED_MAX = 4_096

const SIGN = 0x80000000

/** The key words of a signed 64-bit integer are its own, with the sign turned. */
export function integerKeyHigh(high: number): number {
  return (high ^ SIGN) >>> 0
}

const double = new Float64Array(1)
const doubleWords = new Uint32Array(double.buffer)

/** Puts the key of a double into entry `at`. −0 and 0 are one key; NaN has none and must not come here. */
export function setDoubleKey(keys: Keys, at: number, value: number): void {
  double[0] = value + 0
  const negative = (doubleWords[1]! & SIGN) !== 0
  keys.high[at] = negative ? ~doubleWords[1]! : doubleWords[1]! | SIGN
  keys.low[at] = negative ? ~doubleWords[0]! : doubleWords[0]!
}

/** Entry numbers 0 … count − 1 by rising key; equal keys stay in the order of their numbers. */
export function sortedByKey(keys: Keys, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  return radixSort(keys, order)
}

/** Sorts `order` (entry numbers) by key; the result is `order` itself or another array of its length. */
function radixSort(keys: Keys, order: Int32Array): Int32Array {
  const count = order.length
  if (count < 2) return order
  let from = order
  let to: Int32Array = new Int32Array(count)
  const places = new Int32Array(RADIX)
  for (let digit = 0; digit < 4; digit++) {
    const words = digit < 2 ? keys.low : keys.high
    const shift = (digit & 1) * 16
    places.fill(0)
    for (let i = 0; i < count; i++) places[(words[from[i]!]! >>> shift) & 0xffff]!++
    if (places[(words[from[0]!]! >>> shift) & 0xffff] === count) continue
    let next = 0
    for (let d = 0; d < RADIX; d++) {
      const size = places[d]!
      places[d] = next
      next += size
    }
    for (let i = 0; i < count; i++) {
      const entry = from[i]!
      to[places[(words[entry]! >>> shift) & 0xffff]!++] = entry
    }
    const swap = from
    from = to
    to = swap
  }
  return from
}

/** Text numbers by rising text, bytewise; equal texts stay in the order of their numbers. */
export function sortedTexts(texts: Texts, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  const keys = { high: new Uint32Array(count), low: new Uint32Array(count) }
  // Runs of texts that agree in their first `skip` bytes; a list instead of recursion, so that depth costs nothing.
  const open = [{ from: 0, to: count, skip: 0 }]
  for (let run = open.pop(); run !== undefined; run = open.pop()) {
    const part = order.subarray(run.from, run.to)
    if (part.length <= COMPARED_MAX) {
      const { skip } = run
      part.sort((a, b) => compareTexts(texts, a, b, skip))
      continue
    }
    for (let i = 0; i < part.length; i++) setHead(texts, part[i]!, run.skip, keys)
    const sorted = radixSort(keys, part)
    if (sorted !== part) part.set(sorted)
    addOpenRuns(texts, keys, order, run, open)
  }
  return order
}

/** The eight bytes from `skip` on as a key; bytes behind the end are 0. */
function setHead({ heap, starts }: Texts, text: number, skip: number, keys: Keys): void {
  const end = starts[text + 1]!
  let at = starts[text]! + skip
  let high = 0
  let low = 0
  for (let i = 0; i < 4; i++, at++) high = high * 256 + (at < end ? heap[at]! : 0)
  for (let i = 0; i < 4; i++, at++) low = low * 256 + (at < end ? heap[at]! : 0)
  keys.high[text] = high
  keys.low[text] = low
}

/** Notes the stretches of a sorted run whose keys do not tell their texts apart. */
function addOpenRuns(
  texts: Texts,
  { high, low }: Keys,
  order: Int32Array,
  run: { readonly from: number; readonly to: number; readonly skip: number },
  open: { from: number; to: number; skip: number }[],
): void {
  const { starts } = texts
  let from = run.from
  while (from < run.to) {
    const first = order[from]!
    let to = from + 1
    // Equal keys of texts that end within them may differ in zeros at the end.
    let whole = starts[first + 1]! - starts[first]! === run.skip + HEAD_BYTES
    let ended = starts[first + 1]! - starts[first]! <= run.skip + HEAD_BYTES
    while (to < run.to && high[order[to]!] === high[first] && low[order[to]!] === low[first]) {
      const length = starts[order[to]! + 1]! - starts[order[to]!]!
      whole = whole && length === run.skip + HEAD_BYTES
      ended = ended && length <= run.skip + HEAD_BYTES
      to++
    }
    if (to - from > 1 && !whole) {
      if (ended) sortByLength(texts, order.subarray(from, to))
      else if (to - from <= COMPARED_MAX) open.push({ from, to, skip: run.skip })
      else splitEnded(texts, order, from, to, run.skip + HEAD_BYTES, open)
    }
    from = to
  }
}

/** Texts that end within one key and agree in it: they differ only in how many zeros they end with. */
function sortByLength({ starts }: Texts, part: Int32Array): void {
  part.sort((a, b) => starts[a + 1]! - starts[a]! - (starts[b + 1]! - starts[b]!))
}

/** Of many texts with one key, those that end within it come first; the others go on behind it. */
function splitEnded(
  texts: Texts,
  order: Int32Array,
  from: number,
  to: number,
  skip: number,
  open: { from: number; to: number; skip: number }[],
): void {
  const { starts } = texts
  const part = order.slice(from, to)
  const short = part.filter(text => starts[text + 1]! - starts[text]! <= skip)
  const long = part.filter(text => starts[text + 1]! - starts[text]! > skip)
  sortByLength(texts, short)
  order.set(short, from)
  order.set(long, from + short.length)
  if (long.length > 1) open.push({ from: from + short.length, to, skip })
}

function compareTexts({ heap, starts }: Texts, a: number, b: number, skip: number): number {
  const aEnd = starts[a + 1]!
  const bEnd = starts[b + 1]!
  let i = starts[a]! + skip
  let k = starts[b]! + skip
  for (; i < aEnd && k < bEnd; i++, k++) {
    const difference = heap[i]! - heap[k]!
    if (difference !== 0) return difference
  }
  return aEnd - i - (bEnd - k)
}
